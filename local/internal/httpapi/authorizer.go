package httpapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lambdahearth/hearth/local/internal/gateway"
	kjson "sigs.k8s.io/json"
)

// Authorizer guards routes with a token or a function.
type Authorizer struct {
	// JWT verifies tokens; nil for other authorizers.
	JWT *JWT
	// Lambda asks a function; nil for other authorizers.
	Lambda *LambdaAuthorizer
	// Unknown says why the engine cannot simulate the authorizer. Every request gets 401.
	Unknown string
}

// LambdaAuthorizer asks a function whether a request may pass.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html (2026-11)
type LambdaAuthorizer struct {
	// Function is the ARN of the function.
	Function string
	// Version is the payload format, "1.0" or "2.0".
	Version string
	// Simple says that the function answers {"isAuthorized": …}.
	Simple bool
	// Token says that this is a REST API's authorizer for one token. The token must match
	// the regular expression Validation.
	Token      bool
	Validation string
	// IdentitySource are expressions such as "$request.header.Authorization".
	IdentitySource []string
	// TTL is how long an answer is cached for an identity; 0 caches none.
	TTL time.Duration

	mu    sync.Mutex
	cache map[string]verdict
}

type verdict struct {
	at      time.Time
	effect  func(arn string) gateway.Effect
	context any
}

// authorize returns 0 to let a request pass, or the status and message of the refusal.
func (a *API) authorize(x *exchange) (status int, message string) {
	auth := x.route.Authorizer
	switch {
	case auth == nil:
		return 0, ""
	case auth.Unknown != "":
		a.logf("%s is answered 401: %s", x.routeKey, auth.Unknown)
		return http.StatusUnauthorized, "Unauthorized"
	case auth.JWT != nil:
		token := strings.TrimSpace(x.identity(auth.JWT.identitySource()))
		if rest, ok := cutPrefixFold(token, "Bearer "); ok {
			token = strings.TrimSpace(rest)
		}
		claims, scopes, err := auth.JWT.verify(x.r.Context(), token, x.at)
		if err != nil {
			if token != "" {
				a.logf("%s: %v; the client gets 401", x.routeKey, err)
			}
			return http.StatusUnauthorized, "Unauthorized"
		}
		if !hasScope(scopes, x.route.Scopes) {
			a.logf("%s: the token has none of the scopes %q; the client gets 403", x.routeKey, x.route.Scopes)
			return http.StatusForbidden, "Forbidden"
		}
		x.authorizer = map[string]any{"jwt": map[string]any{"claims": claims, "scopes": scopesOf(scopes, x.route.Scopes)}}
		if x.route.Integration.Version == "1.0" || x.config.REST != nil {
			x.authorizer = map[string]any{"claims": claims, "scopes": scopesOf(scopes, x.route.Scopes)}
		}
		return 0, ""
	case auth.Lambda != nil:
		return a.ask(x, auth.Lambda)
	}
	return 0, ""
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// identity evaluates an expression such as $request.header.Authorization.
func (x *exchange) identity(source string) string {
	if x.config.REST != nil {
		if value, ok := x.identityOfREST(source); ok {
			return value
		}
	}
	if name, ok := cutPrefixFold(source, "$request.header."); ok {
		return strings.Join(x.r.Header.Values(name), ",")
	}
	if name, ok := cutPrefixFold(source, "$request.querystring."); ok {
		return joinedQuery(x.r.URL.RawQuery)[name]
	}
	if name, ok := cutPrefixFold(source, "$stageVariables."); ok {
		return x.stage.Variables[name]
	}
	switch source {
	case "$context.path":
		return x.path
	case "$context.httpMethod":
		return x.r.Method
	case "$context.routeKey":
		return x.routeKey
	case "$context.identity.sourceIp":
		return x.sourceIP
	case "$context.stage":
		return x.stageName
	}
	return ""
}

// ask invokes a Lambda authorizer, or uses its cached answer.
func (a *API) ask(x *exchange, auth *LambdaAuthorizer) (status int, message string) {
	identities := make([]string, len(auth.IdentitySource))
	for i, source := range auth.IdentitySource {
		if identities[i] = x.identity(source); identities[i] == "" {
			return http.StatusUnauthorized, "Unauthorized"
		}
	}
	key := strings.Join(identities, "\x00")
	_, path, _ := strings.Cut(x.path[1:], "/")
	if auth.Token && auth.Validation != "" {
		if matched, err := regexp.MatchString("^(?:"+auth.Validation+")$", key); err != nil || !matched {
			return http.StatusUnauthorized, "Unauthorized"
		}
	}
	if x.stageName == "$default" {
		path = x.path[1:]
	}
	arn := "arn:aws:execute-api:" + x.config.Region + ":" + x.config.Account + ":" + x.config.ID + "/" + x.stageName + "/" + x.r.Method + "/" + path
	if key != "" {
		key = x.stageName + "\x00" + key // each stage has its own cache
	}
	v, cached := auth.cached(key, x)
	if !cached {
		var err error
		if v, err = a.askFunction(x, auth, identities, arn); err != nil {
			if x.config.REST != nil && gateway.SaysUnauthorized(err) {
				return http.StatusUnauthorized, "Unauthorized"
			}
			a.logf("authorizer %s of %s: %v; the client gets 500", auth.Function, x.routeKey, err)
			return http.StatusInternalServerError, "Internal Server Error"
		}
		auth.keep(key, v)
	}
	switch v.effect(arn) {
	case gateway.ImplicitDeny:
		return http.StatusForbidden, "Forbidden"
	case gateway.ExplicitDeny:
		x.denied = true
		return http.StatusForbidden, "Forbidden"
	}
	x.authorizer = map[string]any{"lambda": v.context}
	if x.route.Integration.Version == "1.0" || x.config.REST != nil {
		x.authorizer = v.context
	}
	return 0, ""
}

func (auth *LambdaAuthorizer) cached(key string, x *exchange) (verdict, bool) {
	if auth.TTL <= 0 || key == "" {
		return verdict{}, false
	}
	auth.mu.Lock()
	defer auth.mu.Unlock()
	v, ok := auth.cache[key]
	return v, ok && x.since(v.at) < auth.TTL
}

func (auth *LambdaAuthorizer) keep(key string, v verdict) {
	if auth.TTL <= 0 || key == "" {
		return
	}
	auth.mu.Lock()
	defer auth.mu.Unlock()
	if auth.cache == nil || len(auth.cache) >= authorizerCacheMax {
		auth.cache = map[string]verdict{}
	}
	auth.cache[key] = v
}

func (a *API) askFunction(x *exchange, auth *LambdaAuthorizer, identities []string, arn string) (verdict, error) {
	var event any
	if auth.Token {
		event = map[string]any{"type": "TOKEN", "authorizationToken": strings.Join(identities, ","), "methodArn": arn}
	} else if x.config.REST != nil {
		headers, all, query, queries := x.lists1()
		event = map[string]any{
			"type": "REQUEST", "methodArn": arn, "resource": x.resource(), "path": x.rest, "httpMethod": x.r.Method,
			"headers": headers, "multiValueHeaders": all, "queryStringParameters": query, "multiValueQueryStringParameters": queries,
			"pathParameters": x.params, "stageVariables": x.stage.Variables, "requestContext": x.contextREST(),
		}
	} else if auth.Version == "1.0" {
		headers, all, query, queries := x.lists1()
		event = map[string]any{
			"version": "1.0", "type": "REQUEST", "methodArn": arn, "identitySource": strings.Join(identities, ","),
			"authorizationToken": strings.Join(identities, ","), "resource": x.resource(), "path": x.path, "httpMethod": x.r.Method,
			"headers": headers, "multiValueHeaders": all, "queryStringParameters": query, "multiValueQueryStringParameters": queries,
			"pathParameters": x.params, "stageVariables": x.stage.Variables, "requestContext": x.context1(),
		}
	} else {
		event = map[string]any{
			"version": "2.0", "type": "REQUEST", "routeArn": arn, "identitySource": identities, "routeKey": x.routeKey,
			"rawPath": x.rawPath(), "rawQueryString": x.r.URL.RawQuery, "cookies": x.cookies(), "headers": x.headers2(),
			"queryStringParameters": joinedQuery(x.r.URL.RawQuery), "requestContext": x.context2(),
			"pathParameters": x.params, "stageVariables": x.stage.Variables,
		}
	}
	function, err := x.findFunction(auth.Function)
	if err != nil {
		return verdict{}, err
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), gateway.Limit(authorizerTimeout, x.config.Debug))
	defer cancel()
	started := time.Now()
	response, err := a.invoker.Invoke(ctx, gateway.Invocation{Function: function, RequestID: uuid.NewString(), Trace: gateway.Segment(x.trace), Event: gateway.Encode(event)})
	if err != nil {
		return verdict{}, err
	}
	v := verdict{at: x.at}
	if auth.Simple {
		var answer struct {
			IsAuthorized *bool          `json:"isAuthorized"`
			Context      map[string]any `json:"context"`
		}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(response, &answer); err != nil || answer.IsAuthorized == nil {
			return verdict{}, errors.New("the authorizer's response has no isAuthorized")
		}
		effect := gateway.ImplicitDeny
		if *answer.IsAuthorized {
			effect = gateway.Allow
		}
		v.effect, v.context = func(string) gateway.Effect { return effect }, answer.Context
		return v, nil
	}
	answer, err := gateway.ReadDecision(response)
	if err != nil {
		return verdict{}, err
	}
	v.effect, v.context = answer.Policy.Evaluate, answer.Context
	switch {
	case x.config.REST != nil:
		context, err := answer.TextContext()
		if err != nil {
			return verdict{}, err
		}
		context["integrationLatency"] = time.Since(started).Milliseconds()
		v.context = context
	case x.route.Integration.Version == "1.0":
		if answer.Context == nil {
			answer.Context = map[string]any{}
		}
		answer.Context["principalId"] = answer.PrincipalID
		v.context = answer.Context
	}
	return v, nil
}
