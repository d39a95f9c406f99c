package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/httpapi"
)

// document is an OpenAPI document of version 2 or 3, as far as API Gateway makes routes of
// it. Paths, methods and names that it does not list have no effect here.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html (2026-11)
type document struct {
	Info                struct{ Title string }
	Paths               map[string]any
	Security            []map[string][]string
	SecurityDefinitions map[string]any // version 2: schemes
	Components          struct {
		SecuritySchemes map[string]any         // schemes
		Integrations    map[string]integration `json:"x-amazon-apigateway-integrations"`
	}
	BasePath    string   // version 2
	Servers     any      // version 3: servers
	BinaryTypes []string `json:"x-amazon-apigateway-binary-media-types"`
	CORS        *struct {
		AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
		AllowCredentials                                        assembly.Bool
		MaxAge                                                  assembly.Int
	} `json:"x-amazon-apigateway-cors"`
}

// operation is a method of a path.
type operation struct {
	Security    *[]map[string][]string
	Integration *integration `json:"x-amazon-apigateway-integration"`
}

type integration struct {
	Ref                  string `json:"$ref"`
	Type, URI            string
	HTTPMethod           string `json:"httpMethod"`
	PayloadFormatVersion payloadVersion
	ResponseTransferMode string
	Subtype              string `json:"integrationSubtype"`
	TimeoutInMillis      assembly.Int
	Responses            map[string]mockResponse
}

// scheme is a way to authenticate, with the authorizer that checks it.
type scheme struct {
	AuthType   string `json:"x-amazon-apigateway-authtype"`
	Authorizer *struct {
		Type, IdentityValidationExpression string
		URI                                string         `json:"authorizerUri"`
		Version                            payloadVersion `json:"authorizerPayloadFormatVersion"`
		TTL                                *assembly.Int  `json:"authorizerResultTtlInSeconds"`
		EnableSimpleResponses              assembly.Bool
		IdentitySource                     any // a text with commas, or a list
		JwtConfiguration                   struct {
			Issuer   string
			Audience []string
		}
	} `json:"x-amazon-apigateway-authorizer"`
}

// readDocument reads an API's property Body, or the asset that BodyS3Location names. It
// returns nil if the API has neither.
func (p *planner) readDocument(r *assembly.Resource, body any, key string) (*document, error) {
	switch {
	case body != nil:
		if _, object := body.(map[string]any); !object { // a placeholder
			if _, err := r.Known(r.Properties["Body"]); err != nil {
				return nil, errors.New(reason(r, err))
			}
		}
	case key != "":
		var err error
		if body, err = p.app.Document(key); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	d := &document{}
	return d, assembly.Decode(body, d)
}

// server is an element of the field servers.
type server struct {
	URL       string
	Variables map[string]struct{ Default string }
}

// prefix returns what an import puts before each path of the document: nothing, the whole
// base path, or the base path without its first part. The base path of version 3 is the
// variable basePath of the first server, even if its URL does not refer to it, or else the
// URL's path. Source: LocalStack's captures of AWS, 2026-03.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api-basePath.html (2026-11)
func (d *document) prefix(mode string) string {
	base := d.BasePath
	var servers []server
	if err := assembly.Decode(d.Servers, &servers); err == nil && len(servers) > 0 {
		base = servers[0].Variables["basePath"].Default
		if address, err := url.Parse(servers[0].URL); err == nil && base == "" {
			base = address.Path
		}
	}
	base = strings.Trim(base, "/")
	switch strings.ToLower(mode) {
	case "split":
		_, base, _ = strings.Cut(base, "/")
	case "prepend":
	default:
		return ""
	}
	if base == "" {
		return ""
	}
	return "/" + base
}

// methodOf returns the method of an operation's key; "" for a key that is no operation.
func methodOf(key string) string {
	switch key = strings.ToLower(key); key {
	case "get", "put", "post", "delete", "options", "head", "patch":
		return strings.ToUpper(key)
	case "x-amazon-apigateway-any-method":
		return "ANY"
	}
	return ""
}

// documentRoutes adds the routes of a document to an API. basePath says what becomes of the
// document's base path.
func (p *planner) documentRoutes(h *HTTPAPI, d *document, basePath string) {
	prefix := d.prefix(basePath)
	h.Name = cmp.Or(h.Name, d.Info.Title)
	authorizers := map[string]*httpapi.Authorizer{}
	schemes := maps.Clone(d.Components.SecuritySchemes)
	if schemes == nil {
		schemes = map[string]any{}
	}
	maps.Copy(schemes, d.SecurityDefinitions)
	for _, name := range slices.Sorted(maps.Keys(schemes)) {
		var s scheme
		if err := assembly.Decode(schemes[name], &s); err != nil {
			authorizers[name] = p.unknownAuthorizer(h.Resource, []string{fmt.Sprintf("%s cannot be read: %v", name, err)}, "")
		} else if auth := p.documentAuthorizer(h, name, s); auth != nil {
			authorizers[name] = auth
		}
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		if !strings.HasPrefix(path, "/") { // an extension, with a value of any kind
			continue
		}
		var item map[string]any
		if err := assembly.Decode(d.Paths[path], &item); err != nil {
			p.skip(h.Resource, fmt.Sprintf("%s cannot be read: %v", path, err))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(item)) {
			method := methodOf(key)
			if method == "" {
				continue
			}
			var op operation
			if err := assembly.Decode(item[key], &op); err != nil {
				p.skip(h.Resource, fmt.Sprintf("%s %s cannot be read: %v", method, path, err))
				continue
			}
			whole := path
			if prefix != "" {
				whole = prefix + strings.TrimSuffix(path, "/")
			}
			route := httpapi.Route{Key: method + " " + whole, ResourceID: stableID(h.Config.ID + whole)}
			if h.Config.REST == nil && path == "/$default" {
				route.Key = "$default"
			}
			p.documentIntegration(h, d, &route, op.Integration)
			security := d.Security
			if op.Security != nil {
				security = *op.Security
			}
			for _, alternative := range security {
				for name, scopes := range alternative {
					if auth := authorizers[name]; auth != nil {
						route.Authorizer, route.Scopes = auth, scopes
					} else {
						p.skip(h.Resource, fmt.Sprintf("%s lets everybody in: %s is not simulated", route.Key, name))
					}
				}
			}
			h.Config.Routes = append(h.Config.Routes, route)
		}
	}
}

// documentIntegration sets the integration of a route.
func (p *planner) documentIntegration(h *HTTPAPI, d *document, route *httpapi.Route, in *integration) {
	if in != nil && in.Ref != "" {
		found := d.Components.Integrations[LastPart(in.Ref, "/")]
		in = &found
	}
	to := &route.Integration
	switch {
	case in == nil:
		to.NotSimulated = true
	case strings.EqualFold(in.Type, "aws_proxy") && in.Subtype == "" && functionARN(in.URI) != "":
		to.Function, to.Version, to.Stream = functionARN(in.URI), string(in.PayloadFormatVersion), in.ResponseTransferMode == "STREAM"
		to.Timeout = time.Duration(in.TimeoutInMillis) * time.Millisecond
		if h.Config.REST != nil {
			p.setMethod(h.Resource, route, in.HTTPMethod)
		}
		if !p.simulates(to.Function) {
			p.skip(h.Resource, "the function of "+route.Key+" is not simulated; it answers an error")
		}
	case strings.EqualFold(in.Type, "mock") && h.Config.REST != nil && len(in.Responses) > 0:
		response, found := in.Responses["default"]
		if !found {
			response = in.Responses[slices.Sorted(maps.Keys(in.Responses))[0]]
		}
		to.Mock = p.mockOf(h.Resource, route.Key, &response)
	default:
		to.NotSimulated = true
	}
	if to.NotSimulated {
		p.skip(h.Resource, route.Key+" is neither a Lambda proxy nor a mock; it answers 501")
	}
}

// documentAuthorizer returns the authorizer of a scheme; nil if it has none.
func (p *planner) documentAuthorizer(h *HTTPAPI, name string, s scheme) *httpapi.Authorizer {
	in := s.Authorizer
	if in == nil {
		return nil
	}
	p.schemes[name] = true
	var sources []string
	switch v := in.IdentitySource.(type) {
	case string:
		for source := range strings.SplitSeq(v, ",") {
			sources = append(sources, strings.TrimSpace(source))
		}
	case []any:
		for _, source := range v {
			sources = append(sources, fmt.Sprint(source))
		}
	}
	kind := strings.ToLower(cmp.Or(in.Type, s.AuthType))
	given, isGiven := p.Issuers[name]
	if kind == "jwt" || kind == "cognito_user_pools" {
		issuer, audience := in.JwtConfiguration.Issuer, in.JwtConfiguration.Audience
		if isGiven {
			issuer, audience = given.Issuer, given.Audience
		}
		if issuer == "" || isUnknown(issuer) {
			return p.unknownAuthorizer(h.Resource, []string{"the issuer of " + name + " is not known here"}, "; name it with --issuer "+name+"=URL,AUDIENCE")
		}
		if len(sources) == 0 {
			sources = []string{"$request.header.Authorization"}
		}
		for i := range sources {
			sources[i] = strings.Replace(sources[i], "method.request.", "$request.", 1)
		}
		return &httpapi.Authorizer{JWT: &httpapi.JWT{Issuer: issuer, Audience: audience, IdentitySource: sources}}
	}
	function := functionARN(in.URI)
	if !p.simulates(function) {
		return p.unknownAuthorizer(h.Resource, []string{"the function of " + name + " is not known here"}, "")
	}
	ttl := 300 * time.Second
	if in.TTL != nil {
		ttl = time.Duration(*in.TTL) * time.Second
	}
	auth := &httpapi.LambdaAuthorizer{
		Function: function, TTL: ttl, IdentitySource: sources, Validation: in.IdentityValidationExpression,
		Token: kind == "token", Version: string(in.Version), Simple: bool(in.EnableSimpleResponses),
	}
	if auth.Token && len(sources) == 0 {
		auth.IdentitySource = []string{"method.request.header.Authorization"}
	}
	return &httpapi.Authorizer{Lambda: auth}
}
