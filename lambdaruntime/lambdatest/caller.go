package lambdatest

import (
	"context"
	"maps"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

type callerKey struct{}

// As returns req with a verified caller: one that a JWT or Lambda authorizer, or IAM, has
// checked. [HTTPv2], [FunctionURL], [HTTPv1] and [WebSocketConnect], and the methods of
// [Backend], write the caller where API Gateway does; [lambdaruntime.CallerFromContext]
// reads it.
//
//	anna := lambdaruntime.Caller{Claims: map[string]string{"sub": "anna"}}
//	resp := backend.HTTP(lambdatest.As(anna, httptest.NewRequest("GET", "/me", nil)))
func As(caller lambdaruntime.Caller, req *http.Request) *http.Request {
	return req.WithContext(context.WithValue(req.Context(), callerKey{}, caller))
}

func callerOf(req *http.Request) lambdaruntime.Caller {
	c, _ := req.Context().Value(callerKey{}).(lambdaruntime.Caller)
	return c
}

// authorizerV2 returns requestContext.authorizer of format 2.0, nil without a caller.
func authorizerV2(c lambdaruntime.Caller) object {
	a := object{}
	if c.Claims != nil {
		a["jwt"] = object{"claims": c.Claims, "scopes": c.Scopes}
	}
	if c.Context != nil {
		a["lambda"] = c.Context
	}
	if i := c.IAM; i != nil {
		iam := object{"accessKey": i.AccessKey, "accountId": i.AccountID, "callerId": i.UserID, "cognitoIdentity": nil, "principalOrgId": nil, "userArn": i.ARN, "userId": i.UserID}
		if i.CognitoIdentityID != "" {
			iam["cognitoIdentity"] = object{"amr": []string{"authenticated"}, "identityId": i.CognitoIdentityID, "identityPoolId": i.CognitoIdentityPoolID}
		}
		a["iam"] = iam
	}
	if len(a) == 0 {
		return nil
	}
	return a
}

// addCallerV1 writes the caller into the requestContext of payload format 1.0 and of
// WebSocket events.
func addCallerV1(context object, c lambdaruntime.Caller) {
	a := object{}
	maps.Copy(a, c.Context)
	if c.PrincipalID != "" {
		a["principalId"] = c.PrincipalID
	}
	if c.Claims != nil {
		a["claims"] = c.Claims
	}
	if len(c.Scopes) > 0 {
		a["scopes"] = c.Scopes
	}
	if len(a) > 0 {
		context["authorizer"] = a
	}
	if i := c.IAM; i != nil {
		maps.Copy(context["identity"].(object), object{
			"accessKey": i.AccessKey, "accountId": i.AccountID, "caller": i.UserID, "user": i.UserID, "userArn": i.ARN,
			"cognitoIdentityId": i.CognitoIdentityID, "cognitoIdentityPoolId": i.CognitoIdentityPoolID,
		})
	}
}
