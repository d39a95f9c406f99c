package hearth

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

const (
	// The bound of HTTP APIs and function URLs. A REST API sends any number, but browsers
	// cap it at a day or less.
	// https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html (2026-11)
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html (2026-11)
	maxCorsAgeSecs = 24 * 60 * 60

	// https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html (2026-11)
	maxUrlCorsElements = 100

	// Browsers refuse an answer to a preflight request with any other status.
	// https://fetch.spec.whatwg.org/#cors-preflight-fetch (2026-11)
	minPreflightStatus, maxPreflightStatus = 200, 299
)

// An origin has no path. HTTP APIs refuse other schemes than http and https; browser
// extensions and apps have their own. A * may stand for a part of an origin.
var (
	webOrigin = regexp.MustCompile(`^https?://[^/?#]+$`)
	anyOrigin = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/?#]+$`)
)

// corsList is a list of CORS settings under its name in the CDK's props.
type corsList struct {
	field    string
	elements *[]*string
}

// cors is what the CORS settings of all kinds of APIs have in common.
type cors struct {
	origins, headers, exposed corsList
	origin                    *regexp.Regexp // what an origin looks like
	most                      int            // elements of each list; 0 without a bound
	credentials               *bool
	maxAge                    number
}

func (c cors) check(r *rules) {
	for _, list := range []corsList{c.origins, c.headers, c.exposed} {
		elements := elementsOf(list.elements)
		noneNil(r, list.field, elements)
		if c.most > 0 && len(elements) > c.most {
			r.breaks(list.field, "must be at most %d elements, got %d; remove some, or let the program answer", c.most, len(elements))
		}
	}
	origins := elementsOf(c.origins.elements)
	if len(origins) == 0 {
		r.breaks(c.origins.field, "must have at least 1 origin, got none; list the origins, or leave CORS to the program")
	}
	every := false
	for _, origin := range origins {
		switch text := textOf(origin); {
		case text.value == "*":
			every = true
		case text.known && text.value != "null" && !isListToken(text.value) && !c.origin.MatchString(text.value):
			r.breaks(c.origins.field, "must have origins such as https://example.com, without a path, got %q; correct it", text.value)
		}
	}
	switch {
	case every && isTrue(c.credentials):
		r.breaks("AllowCredentials", `must be unset while %s has "*", got true; any site could act for a signed-in user, so browsers refuse it: list the origins, or unset it`, c.origins.field)
	case every && len(origins) > 1:
		r.breaks(c.origins.field, `must be "*" alone or a list of origins, got both; remove "*", or the others`)
	}
	r.within("MaxAge", c.maxAge, 0, maxCorsAgeSecs, "seconds", "browsers ask again after a day at the latest")
}

// checkHttpCors checks the CORS settings of an HTTP API, which may be nil.
func checkHttpCors(r *rules, p *awsapigatewayv2.CorsPreflightOptions) {
	if p == nil {
		return
	}
	cors{
		origins: corsList{"AllowOrigins", p.AllowOrigins}, headers: corsList{"AllowHeaders", p.AllowHeaders}, exposed: corsList{"ExposeHeaders", p.ExposeHeaders},
		origin: webOrigin, credentials: p.AllowCredentials, maxAge: secondsOf(p.MaxAge),
	}.check(r)
	for _, method := range elementsOf(p.AllowMethods) {
		checkMethod(r, "AllowMethods", string(method))
	}
}

// checkRestCors checks the CORS settings of a REST API, which may be nil.
func checkRestCors(r *rules, p *awsapigateway.CorsOptions) {
	if p == nil {
		return
	}
	cors{
		origins: corsList{"AllowOrigins", p.AllowOrigins}, headers: corsList{"AllowHeaders", p.AllowHeaders}, exposed: corsList{"ExposeHeaders", p.ExposeHeaders},
		origin: anyOrigin, credentials: p.AllowCredentials, maxAge: secondsOf(p.MaxAge),
	}.check(r)
	noneNil(r, "AllowMethods", elementsOf(p.AllowMethods))
	var methods []string
	for _, method := range elementsOf(p.AllowMethods) {
		if text := textOf(method); text.known && !isListToken(text.value) {
			methods = append(methods, checkMethod(r, "AllowMethods", text.value))
		}
	}
	if len(methods) > 1 && slices.Contains(methods, "ANY") {
		r.breaks("AllowMethods", "must be ANY alone or a list of methods, got both; remove ANY, or the others")
	}
	if isTrue(p.DisableCache) && p.MaxAge != nil {
		r.breaks("MaxAge", "must be unset with DisableCache, with which browsers ask each time; remove one of them")
	}
	if status := numberOf(p.StatusCode); status.known && (status.value < minPreflightStatus || status.value > maxPreflightStatus) {
		r.breaks("StatusCode", "must be a status from %d to %d, got %s; browsers refuse an answer with another one", minPreflightStatus, maxPreflightStatus, status)
	}
}

// checkUrlCors checks the CORS settings of a function URL, which may be nil. Lambda takes
// methods of up to 6 letters, and so no OPTIONS.
func checkUrlCors(r *rules, p *awslambda.FunctionUrlCorsOptions) {
	if p == nil {
		return
	}
	cors{
		origins: corsList{"AllowedOrigins", p.AllowedOrigins}, headers: corsList{"AllowedHeaders", p.AllowedHeaders}, exposed: corsList{"ExposedHeaders", p.ExposedHeaders},
		origin: anyOrigin, most: maxUrlCorsElements, credentials: p.AllowCredentials, maxAge: secondsOf(p.MaxAge),
	}.check(r)
	for i, method := range elementsOf(p.AllowedMethods) {
		oneOf(r, fmt.Sprintf("AllowedMethods[%d]", i), method, awslambda.HttpMethod_ALL, awslambda.HttpMethod_DELETE, awslambda.HttpMethod_GET,
			awslambda.HttpMethod_HEAD, awslambda.HttpMethod_PATCH, awslambda.HttpMethod_POST, awslambda.HttpMethod_PUT)
	}
}
