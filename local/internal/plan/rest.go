package plan

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
)

// planRESTAPIs plans the REST APIs.
func (p *planner) planRESTAPIs() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::ApiGateway::RestApi") {
		var props struct {
			Name             string
			BinaryMediaTypes []string
			Body             any
			BodyS3Location   struct{ Key string }
			Parameters       map[string]string // of the import
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
		id := ID(r)
		h := &HTTPAPI{Resource: r, Name: props.Name, Config: httpapi.Config{
			Debug: p.Debug, ID: id, Region: r.Stack.Region, Account: r.Stack.Account, Stages: map[string]httpapi.Stage{}, REST: &httpapi.REST{BinaryTypes: props.BinaryMediaTypes},
		}}
		if err = p.readRESTStages(h); err == nil {
			err = p.readRESTMethods(h)
		}
		if err == nil && d != nil {
			h.Config.REST.BinaryTypes = append(h.Config.REST.BinaryTypes, d.BinaryTypes...)
			p.documentRoutes(h, d, props.Parameters["basepath"])
		}
		if err == nil {
			err = httpapi.Check(h.Config)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
			continue
		}
		p.HTTPAPIs = append(p.HTTPAPIs, h)
	}
	return errors.Join(errs...)
}

// ofREST returns the resources of one type that belong to a REST API.
func (p *planner) ofREST(kind, id string) (list []*assembly.Resource, err error) {
	for _, r := range p.app.OfType(kind) {
		var props struct {
			RestAPIID string `json:"RestApiId"`
		}
		if err := p.decode(r, &props); err != nil {
			return nil, err
		}
		if props.RestAPIID == id {
			list = append(list, r)
		}
	}
	return list, nil
}

// readRESTStages reads the stages of an API, from stage resources and from deployments that
// name a stage.
func (p *planner) readRESTStages(h *HTTPAPI) error {
	for _, kind := range []string{"AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage"} {
		list, err := p.ofREST(kind, h.Config.ID)
		if err != nil {
			return err
		}
		for _, r := range list {
			var props struct {
				StageName string
				Variables map[string]string
			}
			if err := p.decode(r, &props); err != nil {
				return err
			}
			if props.StageName != "" {
				h.Config.Stages[props.StageName] = httpapi.Stage{Variables: props.Variables}
			}
		}
	}
	return nil
}

// restPaths returns the paths of an API's resources, by their ids.
func (p *planner) restPaths(api *assembly.Resource) (map[string]string, error) {
	list, err := p.ofREST("AWS::ApiGateway::Resource", ID(api))
	if err != nil {
		return nil, err
	}
	type part struct{ parent, name string }
	parts := map[string]part{}
	for _, r := range list {
		var props struct {
			ParentID string `json:"ParentId"`
			PathPart string
		}
		if err := p.decode(r, &props); err != nil {
			return nil, err
		}
		parts[ID(r)] = part{props.ParentID, props.PathPart}
	}
	root := rootResourceID(api)
	paths := map[string]string{root: "/"}
	for id := range parts {
		path := ""
		for at := id; at != root; {
			part, ok := parts[at]
			if !ok || len(path) > 8192 {
				path = "" // the parent resource is not in the app
				break
			}
			path, at = "/"+part.name+path, part.parent
		}
		if path != "" {
			paths[id] = path
		}
	}
	return paths, nil
}

// rootResourceID returns the id of the resource "/" of a REST API.
func rootResourceID(api *assembly.Resource) string { return ID(api) + "root" }

type methodProps struct {
	HTTPMethod        string `json:"HttpMethod"`
	ResourceID        string `json:"ResourceId"`
	AuthorizerID      string `json:"AuthorizerId"`
	AuthorizationType string
	APIKeyRequired    assembly.Bool `json:"ApiKeyRequired"`
	Integration       struct {
		URI                        string `json:"Uri"`
		IntegrationHTTPMethod      string `json:"IntegrationHttpMethod"`
		Type, ResponseTransferMode string
		TimeoutInMillis            assembly.Int
		IntegrationResponses       []mockResponse
	}
}

type mockResponse struct {
	StatusCode         string
	ResponseParameters map[string]string
	ResponseTemplates  map[string]string
}

func (p *planner) readRESTMethods(h *HTTPAPI) error {
	paths, err := p.restPaths(h.Resource)
	if err != nil {
		return err
	}
	authorizers, err := p.restAuthorizers(h.Config.ID)
	if err != nil {
		return err
	}
	methods, err := p.ofREST("AWS::ApiGateway::Method", h.Config.ID)
	if err != nil {
		return err
	}
	for _, r := range methods {
		var props methodProps
		if err := p.decode(r, &props); err != nil {
			return err
		}
		path, ok := paths[props.ResourceID]
		if !ok || isUnknown(path) || isUnknown(props.HTTPMethod) {
			p.skip(r, "its resource or method is not known here")
			continue
		}
		route := httpapi.Route{Key: props.HTTPMethod + " " + path, ResourceID: props.ResourceID, Integration: httpapi.Integration{
			Timeout: time.Duration(props.Integration.TimeoutInMillis) * time.Millisecond, Stream: props.Integration.ResponseTransferMode == "STREAM",
		}}
		switch {
		case props.Integration.Type == "AWS_PROXY" && functionARN(props.Integration.URI) != "":
			route.Integration.Function = functionARN(props.Integration.URI)
			p.setMethod(r, &route, props.Integration.IntegrationHTTPMethod)
			if !p.simulates(route.Integration.Function) {
				p.skip(r, "its function is not simulated; it answers 502")
			}
		case props.Integration.Type == "MOCK" && len(props.Integration.IntegrationResponses) > 0:
			route.Integration.Mock = p.mockOf(r, route.Key, &props.Integration.IntegrationResponses[0])
		default:
			p.skip(r, "method "+route.Key+" is neither a Lambda proxy nor a mock; it answers 501")
			route.Integration.NotSimulated = true
		}
		switch props.AuthorizationType {
		case "CUSTOM", "COGNITO_USER_POOLS":
			if route.Authorizer = authorizers[props.AuthorizerID]; route.Authorizer == nil {
				why := fmt.Sprintf("method %s has an authorizer that the API does not have", route.Key)
				p.warn(r, "it is answered 401: %s", why)
				route.Authorizer = &httpapi.Authorizer{Unknown: why}
			}
		case "AWS_IAM":
			p.skip(r, "method "+route.Key+" lets everybody in: IAM authorization is not simulated")
		}
		if props.APIKeyRequired {
			p.skip(r, "method "+route.Key+" lets everybody in: API keys are not simulated")
		}
		h.Config.Routes = append(h.Config.Routes, route)
	}
	return nil
}

// setMethod sets the HTTP method with which a REST API calls Lambda. API Gateway accepts any
// method, but each request gets 500 unless it is POST. Source: LocalStack's captures of AWS,
// 2026-03, for GET. What ANY does is not known; here, it stands for POST.
func (p *planner) setMethod(r *assembly.Resource, route *httpapi.Route, method string) {
	switch method = strings.ToUpper(method); method {
	case "", "ANY", "POST":
	default:
		route.Integration.Method = method
		p.warn(r, "%s answers 500, as on AWS: its integration calls Lambda with %s; set POST", route.Key, method)
	}
}

// originInTemplate matches the additional origins in the mapping template that the CDK
// writes for preflight requests: $origin == "https://b.example". Older versions wrote
// $origin.matches("https://b.example"), whose text is a regular expression.
// https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-apigateway/lib/resource.ts (2026-11)
var originInTemplate = regexp.MustCompile(`\$origin(?:\.matches\("([^"]*)"\)| == "([^"]+)")`)

func (p *planner) mockOf(r *assembly.Resource, key string, response *mockResponse) *httpapi.Mock {
	m := &httpapi.Mock{Status: 200, Header: map[string]string{}}
	if status, err := strconv.Atoi(response.StatusCode); err == nil && status >= 200 && status < 600 {
		m.Status = status
	}
	for name, value := range response.ResponseParameters {
		name, isHeader := strings.CutPrefix(name, "method.response.header.")
		if text, ok := strings.CutPrefix(value, "'"); ok && isHeader {
			m.Header[name] = strings.TrimSuffix(text, "'")
		}
	}
	text := ""
	for _, template := range response.ResponseTemplates {
		text += strings.TrimSpace(template)
		for _, match := range originInTemplate.FindAllStringSubmatch(template, -1) {
			m.Origins = append(m.Origins, cmp.Or(match[1], regexp.QuoteMeta(match[2])))
		}
	}
	if text != "" && len(m.Origins) == 0 {
		p.skip(r, fmt.Sprintf("the templates of %s are not simulated; it answers %d without a body", key, m.Status))
	}
	return m
}

// restAuthorizers reads the authorizers of a REST API.
func (p *planner) restAuthorizers(id string) (map[string]*httpapi.Authorizer, error) {
	list, err := p.ofREST("AWS::ApiGateway::Authorizer", id)
	if err != nil {
		return nil, err
	}
	authorizers := map[string]*httpapi.Authorizer{}
	for _, r := range list {
		var props struct {
			Type, IdentitySource, IdentityValidationExpression string
			AuthorizerURI                                      string        `json:"AuthorizerUri"`
			AuthorizerResultTTL                                *assembly.Int `json:"AuthorizerResultTtlInSeconds"`
		}
		unknown, err := p.app.Loosely(func() error { return r.Decode(&props) })
		if err != nil {
			unknown = []string{err.Error()}
		}
		function := functionARN(props.AuthorizerURI)
		given, isGiven := of(p.Issuers, r)
		if props.Type == "COGNITO_USER_POOLS" && isGiven {
			source := strings.Replace(props.IdentitySource, "method.request.", "$request.", 1)
			authorizers[ID(r)] = &httpapi.Authorizer{JWT: &httpapi.JWT{Issuer: given.Issuer, Audience: given.Audience, IdentitySource: []string{source}}}
			continue
		}
		remedy := ""
		switch {
		case props.Type == "COGNITO_USER_POOLS":
			unknown = []string{"its user pool is not known here"}
			remedy = "; name its issuer with --issuer " + r.ID + "=URL,AUDIENCE"
		case len(unknown) == 0 && !p.simulates(function):
			unknown = []string{"its function is not known here"}
		}
		if len(unknown) > 0 {
			authorizers[ID(r)] = p.unknownAuthorizer(r, unknown, remedy)
			continue
		}
		ttl := 300 * time.Second
		if props.AuthorizerResultTTL != nil {
			ttl = time.Duration(*props.AuthorizerResultTTL) * time.Second
		}
		auth := &httpapi.LambdaAuthorizer{Function: function, TTL: ttl, Token: props.Type == "TOKEN", Validation: props.IdentityValidationExpression}
		for _, source := range strings.Split(props.IdentitySource, ",") {
			if source = strings.TrimSpace(source); source != "" {
				auth.IdentitySource = append(auth.IdentitySource, source)
			}
		}
		authorizers[ID(r)] = &httpapi.Authorizer{Lambda: auth}
	}
	return authorizers, nil
}

// unknownAuthorizer warns of an authorizer that is unknown here, and returns one that
// rejects all requests.
func (p *planner) unknownAuthorizer(r *assembly.Resource, unknown []string, remedy string) *httpapi.Authorizer {
	what := strings.Join(unknown, " and ") + remedy
	p.warn(r, "its routes are answered 401, because %s", what)
	return &httpapi.Authorizer{Unknown: fmt.Sprintf("the authorizer %s cannot be asked: %s", r, what)}
}
