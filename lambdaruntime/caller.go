package lambdaruntime

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/event"
)

// Caller is the verified sender of a request, or opener of a WebSocket connection. API
// Gateway with an authorizer or IAM, or a function URL with IAM, has checked it, so a
// handler may trust it, unlike headers.
//
// A load balancer passes the claims of its own authentication on in the header
// X-Amzn-Oidc-Data; the program must check that header's signature itself.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html (2026-11)
type Caller struct {
	// Claims are the claims of a JSON Web Token: {"sub": "…"}. A JWT authorizer of an
	// HTTP API, or a Cognito user pool authorizer of a REST API, has checked it. API
	// Gateway gives each claim as a string, a list as "[a b]". Nil without a token.
	Claims map[string]string
	// Scopes are the token's scopes, where the route requires some.
	Scopes []string
	// PrincipalID is the user that a Lambda authorizer of a REST or WebSocket API
	// names.
	PrincipalID string
	// Context is the further output of a Lambda authorizer: strings, numbers (float64)
	// and booleans. The simple response of an HTTP API's may hold any JSON value. Nil
	// without one.
	Context map[string]any
	// IAM is the identity that signed the request; nil without one.
	IAM *IAMIdentity
}

// IAMIdentity is an IAM user or role that signed a request.
type IAMIdentity struct {
	// AccountID is the identity's account: 123456789012.
	AccountID string
	// ARN is the identity's ARN: arn:aws:sts::123456789012:assumed-role/admin/anna.
	ARN string
	// AccessKey is the id of the key that signed the request.
	AccessKey string
	// UserID is the identity's unique id: AROA…:anna.
	UserID string
	// CognitoIdentityID and CognitoIdentityPoolID are set for a user of an identity
	// pool.
	CognitoIdentityID, CognitoIdentityPoolID string
}

// CallerFromContext returns the caller of ctx's request or WebSocket event. ok is false
// where no authorizer and no IAM has checked the caller.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (2026-11)
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html (2026-11)
func CallerFromContext(ctx context.Context) (c Caller, ok bool) {
	e, ok := EventFromContext(ctx)
	if !ok {
		return Caller{}, false
	}
	if e.Kind == KindHTTPv2 {
		c = callerV2(&e.envelope)
	} else {
		c = callerV1(&e.envelope)
	}
	return c, c.Claims != nil || c.PrincipalID != "" || c.Context != nil || c.IAM != nil
}

// callerV2 reads requestContext.authorizer of payload format 2.0.
func callerV2(e *event.Envelope) (c Caller) {
	var a struct {
		JWT struct {
			Claims map[string]any
			Scopes []string
		}
		Lambda map[string]any
		IAM    struct {
			AccountID, UserARN, AccessKey, UserID string
			CognitoIdentity                       struct{ IdentityID, IdentityPoolID string }
		}
	}
	if json.Unmarshal([]byte(e.Context.RawAuthorizer), &a) != nil {
		return Caller{}
	}
	c.Claims, c.Scopes, c.Context = claims(a.JWT.Claims), a.JWT.Scopes, a.Lambda
	if i := a.IAM; i.AccountID != "" || i.UserARN != "" {
		c.IAM = &IAMIdentity{i.AccountID, i.UserARN, i.AccessKey, i.UserID, i.CognitoIdentity.IdentityID, i.CognitoIdentity.IdentityPoolID}
	}
	return c
}

// callerV1 reads requestContext of payload format 1.0, of REST and of WebSocket APIs: one
// object holds the claims, or the output of a Lambda authorizer.
func callerV1(e *event.Envelope) (c Caller) {
	var a map[string]any
	if json.Unmarshal([]byte(e.Context.RawAuthorizer), &a) == nil {
		if values, ok := a["claims"].(map[string]any); ok {
			c.Claims = claims(values)
		}
		if list, ok := a["scopes"].([]any); ok {
			for _, s := range list {
				if s, ok := s.(string); ok {
					c.Scopes = append(c.Scopes, s)
				}
			}
		}
		c.PrincipalID, _ = a["principalId"].(string)
		for name, value := range a {
			switch name {
			case "claims", "scopes", "principalId", "integrationLatency":
				continue
			}
			if c.Context == nil {
				c.Context = map[string]any{}
			}
			c.Context[name] = value
		}
	}
	var i struct{ AccountID, UserARN, AccessKey, User, CognitoIdentityID, CognitoIdentityPoolID string }
	if json.Unmarshal([]byte(e.Context.RawIdentity), &i) == nil && i.UserARN != "" {
		c.IAM = &IAMIdentity{i.AccountID, i.UserARN, i.AccessKey, i.User, i.CognitoIdentityID, i.CognitoIdentityPoolID}
	}
	return c
}

// claims makes every claim a string, as API Gateway does.
func claims(values map[string]any) map[string]string {
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]string, len(values))
	for name, value := range values {
		if s, ok := value.(string); ok {
			out[name] = s
		} else if data, err := json.Marshal(value); err == nil {
			out[name] = strings.Trim(string(data), `"`)
		}
	}
	return out
}
