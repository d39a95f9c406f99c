package plan

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
	"github.com/lambdahearth/hearth/local/internal/websocket"
)

// apiParts has the parts of an API, by the ids that references return.
type apiParts struct {
	integrations map[string]integrationPart
	authorizers  map[string]*httpapi.Authorizer
	wsAuth       map[string]*websocket.Authorizer
	stages       map[string]map[string]string
	responses    map[string]bool // routes that have a response
}

type integrationPart struct {
	function string // "" for an integration that is not simulated
	version  string
	timeout  time.Duration
}

// planAPIs plans the HTTP and WebSocket APIs.
func (p *planner) planAPIs() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::ApiGatewayV2::Api") {
		var props struct {
			Name, ProtocolType, RouteSelectionExpression, Target, RouteKey string
			CorsConfiguration                                              *struct {
				AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
				AllowCredentials                                        assembly.Bool
				MaxAge                                                  assembly.Int
			}
			Body           any
			BodyS3Location struct{ Key string }
			BasePath       string // of the import
		}
		if err := p.decode(r, &props); err != nil {
			errs = append(errs, err)
			continue
		}
		d, err := p.readDocument(r, props.Body, props.BodyS3Location.Key)
		if err != nil {
			p.skip(r, "its OpenAPI document cannot be read: "+err.Error())
			continue
		}
		if props.Target != "" && functionARN(props.Target) == "" {
			p.skip(r, "its target is no function")
			continue
		}
		id := ID(r)
		parts, err := readParts(p, id)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if props.ProtocolType == "WEBSOCKET" {
			w := &WebSocketAPI{Resource: r, Name: props.Name, Config: websocket.Config{
				Debug: p.Debug, ID: id, Region: r.Stack.Region, Account: r.Stack.Account, RouteSelection: props.RouteSelectionExpression,
				Stages: parts.stages, Routes: map[string]websocket.Route{},
			}}
			errs = append(errs, addWebSocketRoutes(p, w, parts))
			p.WebSockets = append(p.WebSockets, w)
			continue
		}
		h := &HTTPAPI{Resource: r, Name: props.Name, Config: httpapi.Config{
			Debug: p.Debug, ID: id, Region: r.Stack.Region, Account: r.Stack.Account, Stages: map[string]httpapi.Stage{},
		}}
		for name, variables := range parts.stages {
			h.Config.Stages[name] = httpapi.Stage{Variables: variables}
		}
		if c := props.CorsConfiguration; c != nil {
			h.Config.CORS = &httpapi.CORS{
				AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
				AllowCredentials: bool(c.AllowCredentials), MaxAge: int(c.MaxAge),
			}
		}
		errs = append(errs, addHTTPRoutes(p, h, parts))
		if props.Target != "" { // quick create
			h.Config.Stages["$default"] = httpapi.Stage{}
			h.Config.Routes = append(h.Config.Routes, httpapi.Route{Key: cmp.Or(props.RouteKey, "$default"), Integration: httpapi.Integration{Function: functionARN(props.Target), Version: "2.0"}})
		}
		if d != nil {
			if c := d.CORS; c != nil {
				h.Config.CORS = &httpapi.CORS{
					AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
					AllowCredentials: bool(c.AllowCredentials), MaxAge: int(c.MaxAge),
				}
			}
			p.documentRoutes(h, d, props.BasePath)
		}
		if err := httpapi.Check(h.Config); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
		}
		p.HTTPAPIs = append(p.HTTPAPIs, h)
	}
	return errors.Join(errs...)
}

// checkStages lists APIs without a stage, which have no URL.
func (p *planner) checkStages() {
	for _, h := range p.HTTPAPIs {
		if len(h.Config.Stages) == 0 {
			p.skip(h.Resource, noStage)
		}
	}
	for _, w := range p.WebSockets {
		if len(w.Config.Stages) == 0 {
			p.skip(w.Resource, noStage)
		}
	}
}

const noStage = "it has no stage, so it has no URL, as on AWS"

// planFunctionURLs plans function URLs, which are APIs with one route; see
// [httpapi.URLKind].
func (p *planner) planFunctionURLs() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Lambda::Url") {
		var props struct {
			TargetFunctionArn, Qualifier, AuthType, InvokeMode string
			Cors                                               *struct {
				AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
				AllowCredentials                                        assembly.Bool
				MaxAge                                                  assembly.Int
			}
		}
		if err := p.decode(r, &props); err != nil {
			errs = append(errs, err)
			continue
		}
		function := props.TargetFunctionArn
		if props.Qualifier != "" {
			function = strings.TrimSuffix(function, ":"+props.Qualifier) + ":" + props.Qualifier
		}
		switch {
		case !p.simulates(function):
			p.skip(r, "its function is not simulated")
			continue
		case props.AuthType == "AWS_IAM":
			p.skip(r, "it lets everybody in: IAM authorization is not simulated")
		}
		kind, account := httpapi.BufferedURL, r.Stack.Account
		if props.InvokeMode == "RESPONSE_STREAM" {
			kind = httpapi.StreamingURL
		}
		if props.AuthType == "NONE" {
			account = "anonymous"
		}
		h := &HTTPAPI{Resource: r, Name: "function URL of " + nameIn(function), Config: httpapi.Config{
			ID: ID(r), Region: r.Stack.Region, Account: account, URL: kind, Stages: map[string]httpapi.Stage{"$default": {}},
			Routes: []httpapi.Route{{Key: "$default", Integration: httpapi.Integration{Function: function, Version: "2.0"}}},
		}}
		if c := props.Cors; c != nil {
			h.Config.CORS = &httpapi.CORS{
				AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
				AllowCredentials: bool(c.AllowCredentials), MaxAge: int(c.MaxAge),
			}
		}
		p.HTTPAPIs = append(p.HTTPAPIs, h)
	}
	return errors.Join(errs...)
}

// ofAPI returns the resources of one type that belong to an API.
func ofAPI(p *planner, kind, id string) ([]*assembly.Resource, error) {
	var list []*assembly.Resource
	for _, r := range p.app.OfType(kind) {
		var props struct {
			APIID string `json:"ApiId"`
		}
		if err := p.decode(r, &props); err != nil {
			return nil, err
		}
		if props.APIID == id {
			list = append(list, r)
		}
	}
	return list, nil
}

func readParts(p *planner, id string) (*apiParts, error) {
	parts := &apiParts{
		integrations: map[string]integrationPart{}, authorizers: map[string]*httpapi.Authorizer{},
		wsAuth: map[string]*websocket.Authorizer{}, stages: map[string]map[string]string{}, responses: map[string]bool{},
	}
	for kind, read := range map[string]func(*planner, *assembly.Resource) error{
		"AWS::ApiGatewayV2::Integration": parts.readIntegration, "AWS::ApiGatewayV2::Authorizer": parts.readAuthorizer,
		"AWS::ApiGatewayV2::Stage": parts.readStage, "AWS::ApiGatewayV2::RouteResponse": parts.readResponse,
	} {
		list, err := ofAPI(p, kind, id)
		for _, r := range list {
			err = errors.Join(err, read(p, r))
		}
		if err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func (parts *apiParts) readIntegration(p *planner, r *assembly.Resource) error {
	var props struct {
		IntegrationType, IntegrationSubtype string
		PayloadFormatVersion                payloadVersion
		IntegrationURI                      string `json:"IntegrationUri"`
		TimeoutInMillis                     assembly.Int
	}
	if err := p.decode(r, &props); err != nil {
		return err
	}
	part := integrationPart{version: string(props.PayloadFormatVersion), timeout: time.Duration(props.TimeoutInMillis) * time.Millisecond}
	if props.IntegrationType == "AWS_PROXY" && props.IntegrationSubtype == "" {
		part.function = functionARN(props.IntegrationURI)
	}
	switch {
	case part.function == "":
		p.skip(r, "it is no Lambda proxy")
	case !p.simulates(part.function):
		p.skip(r, "its function is not simulated; its routes answer 500")
	}
	parts.integrations[ID(r)] = part
	return nil
}

// functionARN returns the function's ARN in an invocation URI such as
// arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations.
func functionARN(uri string) string {
	if _, rest, ok := strings.Cut(uri, "/functions/"); ok {
		uri = strings.TrimSuffix(strings.TrimSuffix(rest, "/invocations"), "/response-streaming-invocations")
	}
	if !strings.HasPrefix(uri, "arn:aws:lambda:") {
		return ""
	}
	return uri
}

func (parts *apiParts) readAuthorizer(p *planner, r *assembly.Resource) error {
	var props struct {
		AuthorizerType                 string
		AuthorizerPayloadFormatVersion payloadVersion
		AuthorizerURI                  string        `json:"AuthorizerUri"`
		AuthorizerResultTTL            *assembly.Int `json:"AuthorizerResultTtlInSeconds"`
		EnableSimpleResponses          assembly.Bool
		IdentitySource                 []string
		JwtConfiguration               struct {
			Issuer   string
			Audience []string
		}
	}
	id := ID(r)
	given, isGiven := of(p.Issuers, r)
	unknown, err := p.app.Loosely(func() error { return r.Decode(&props) })
	if err != nil {
		unknown = []string{err.Error()}
	}
	if isGiven && props.AuthorizerType == "JWT" {
		unknown = nil
		props.JwtConfiguration.Issuer, props.JwtConfiguration.Audience = given.Issuer, given.Audience
	}
	if props.AuthorizerType != "JWT" && len(unknown) == 0 && !p.simulates(functionARN(props.AuthorizerURI)) {
		unknown = []string{"its function is not known here"}
	}
	if len(unknown) > 0 {
		remedy := ""
		if props.AuthorizerType == "JWT" {
			remedy = "; name its issuer with --issuer " + r.ID + "=URL,AUDIENCE"
		}
		auth := p.unknownAuthorizer(r, unknown, remedy)
		parts.authorizers[id], parts.wsAuth[id] = auth, &websocket.Authorizer{Unknown: auth.Unknown}
		return nil
	}
	if props.AuthorizerType == "JWT" {
		parts.authorizers[id] = &httpapi.Authorizer{JWT: &httpapi.JWT{
			Issuer: props.JwtConfiguration.Issuer, Audience: props.JwtConfiguration.Audience, IdentitySource: props.IdentitySource,
		}}
		return nil
	}
	// With identity sources, API Gateway caches answers for 5 minutes by default.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-authorizer.html (2026-11)
	ttl := 300 * time.Second
	if props.AuthorizerResultTTL != nil {
		ttl = time.Duration(*props.AuthorizerResultTTL) * time.Second
	}
	function := functionARN(props.AuthorizerURI)
	parts.authorizers[id] = &httpapi.Authorizer{Lambda: &httpapi.LambdaAuthorizer{
		Function: function, Version: string(props.AuthorizerPayloadFormatVersion), Simple: bool(props.EnableSimpleResponses),
		IdentitySource: props.IdentitySource, TTL: ttl,
	}}
	parts.wsAuth[id] = &websocket.Authorizer{Function: function, IdentitySource: props.IdentitySource}
	return nil
}

func (parts *apiParts) readStage(p *planner, r *assembly.Resource) error {
	var props struct{ StageVariables map[string]string }
	if err := p.decode(r, &props); err != nil {
		return err
	}
	name, err := physicalName(r, "StageName", 128)
	parts.stages[name] = props.StageVariables
	return err
}

func (parts *apiParts) readResponse(p *planner, r *assembly.Resource) error {
	var props struct {
		RouteID string `json:"RouteId"`
	}
	err := p.decode(r, &props)
	parts.responses[props.RouteID] = true
	return err
}

type routeProps struct {
	RouteKey, Target, AuthorizationType, RouteResponseSelectionExpression string
	AuthorizerID                                                          string `json:"AuthorizerId"`
	AuthorizationScopes                                                   []string
}

// routesOf calls add for each route of an API. A route that invokes no function has no
// function in its integration.
func routesOf(p *planner, id string, parts *apiParts, add func(r *assembly.Resource, props *routeProps, to integrationPart) error) error {
	routes, err := ofAPI(p, "AWS::ApiGatewayV2::Route", id)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range routes {
		var props routeProps
		if err := p.decode(r, &props); err != nil {
			errs = append(errs, err)
			continue
		}
		if isUnknown(props.RouteKey) {
			p.skip(r, "its route key is not known here")
			continue
		}
		errs = append(errs, add(r, &props, parts.integrations[strings.TrimPrefix(props.Target, "integrations/")]))
	}
	return errors.Join(errs...)
}

func addHTTPRoutes(p *planner, h *HTTPAPI, parts *apiParts) error {
	return routesOf(p, h.Config.ID, parts, func(r *assembly.Resource, props *routeProps, to integrationPart) error {
		route := httpapi.Route{
			Key: props.RouteKey, Scopes: props.AuthorizationScopes,
			Integration: httpapi.Integration{Function: to.function, Version: to.version, Timeout: to.timeout, NotSimulated: to.function == ""},
		}
		if to.function == "" {
			p.skip(r, "route "+props.RouteKey+" does not go to a function; it answers 501")
		}
		switch props.AuthorizationType {
		case "JWT", "CUSTOM":
			if route.Authorizer = parts.authorizers[props.AuthorizerID]; route.Authorizer == nil {
				why := fmt.Sprintf("route %s has an authorizer that the API does not have", props.RouteKey)
				p.warn(r, "it is answered 401: %s", why)
				route.Authorizer = &httpapi.Authorizer{Unknown: why}
			}
		case "AWS_IAM":
			p.skip(r, "route "+props.RouteKey+" lets everybody in: IAM authorization is not simulated")
		}
		h.Config.Routes = append(h.Config.Routes, route)
		return nil
	})
}

func addWebSocketRoutes(p *planner, w *WebSocketAPI, parts *apiParts) error {
	return routesOf(p, w.Config.ID, parts, func(r *assembly.Resource, props *routeProps, to integrationPart) error {
		if to.function == "" {
			p.skip(r, "route "+props.RouteKey+" does not go to a function")
			return nil
		}
		if httpapi.HasStageVariable(to.function) {
			p.skip(r, "the function of route "+props.RouteKey+" depends on a stage variable, which WebSocket APIs do not resolve here")
			return nil
		}
		route := websocket.Route{
			Function: to.function, Timeout: to.timeout,
			Respond: props.RouteResponseSelectionExpression != "" && parts.responses[ID(r)],
		}
		switch props.AuthorizationType {
		case "CUSTOM":
			if route.Authorizer = parts.wsAuth[props.AuthorizerID]; route.Authorizer == nil {
				why := fmt.Sprintf("route %s has an authorizer that the API does not have", props.RouteKey)
				p.warn(r, "it is answered 401: %s", why)
				route.Authorizer = &websocket.Authorizer{Unknown: why}
			}
		case "AWS_IAM":
			p.skip(r, "route "+props.RouteKey+" lets everybody in: IAM authorization is not simulated")
		}
		w.Config.Routes[props.RouteKey] = route
		return nil
	})
}

// payloadVersion is the version of an event's format: 1.0 or 2.0. A template may write it as
// a number, which loses its zero in JSON.
type payloadVersion string

// UnmarshalJSON implements [json.Unmarshaler].
func (v *payloadVersion) UnmarshalJSON(data []byte) error {
	switch text := strings.Trim(string(data), `"`); text {
	case "1", "2":
		*v = payloadVersion(text + ".0")
	default:
		*v = payloadVersion(text)
	}
	return nil
}
