package hearth

import (
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html (2026-11)
var domainPattern = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// DomainProps put an API on a domain of your own.
type DomainProps struct {
	// Name is the domain name, in small letters, such as "api.example.com".
	Name *string

	// Certificate is the certificate for Name, in the region of the API.
	//
	// @default - a new one, which is validated through HostedZone
	Certificate awscertificatemanager.ICertificate

	// HostedZone is the Route 53 zone of Name, which gets a record for it.
	//
	// @default - none: the record is made elsewhere
	HostedZone awsroute53.IHostedZone

	// IpAddressType says whether clients may also reach the domain of an HTTP or
	// WebSocket API by IPv6. The API has an address type of its own: see Refine of its
	// props.
	//
	// @default - IPv4 alone
	IpAddressType awsapigatewayv2.IpAddressType

	// MutualTls is the trust store with which API Gateway checks the certificates of
	// clients. Also turn the generated URL off, with DisableExecuteApiEndpoint: that URL
	// requires no certificate. WebSocket APIs have no mutual TLS.
	//
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html (2026-11)
	//
	// @default - none: clients need no certificate
	MutualTls *awsapigatewayv2.MTLSConfig

	// Path is the part of the domain's path that leads to this API. So several HTTP and
	// REST APIs of the app can share the domain: the first API creates it, and the
	// others use it. A WebSocket API needs a domain of its own.
	//
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html (2026-11)
	//
	// @default - none: the whole domain
	Path *string
}

// check checks the props. open says that the generated URL of the API is on.
func (p *DomainProps) check(r *rules, open bool) {
	name := textOf(p.Name)
	switch {
	case !name.set:
		r.breaks("Name", "must be a domain name, got none; it is where clients find the API")
	case name.known && !domainPattern.MatchString(name.value):
		r.breaks("Name", "must be a domain name in small letters, such as api.example.com, got %q; leave the scheme and the path out", name.value)
	}
	if name.known && p.HostedZone != nil {
		known := textOf(p.HostedZone.ZoneName())
		if zone := strings.TrimSuffix(known.value, "."); known.known && zone != lookupZone && name.value != zone && !strings.HasSuffix(name.value, "."+zone) {
			r.breaks("Name", "must be in HostedZone, which is %q, got %q; pass the zone of the name", zone, name.value)
		}
	}
	if p.MutualTls != nil && open {
		r.breaks("MutualTls", "must go with DisableExecuteApiEndpoint, as the generated URL asks no client for a certificate; set it to true")
	}
	if p.Certificate == nil && p.HostedZone == nil {
		r.breaks("Certificate", "must be set without HostedZone, through which a new one would be validated, got none; set one of them")
	}
}

// url returns the URL of the API on its domain.
func (p *DomainProps) url(scheme string) *string {
	if p.Path == nil {
		return jsii.String(scheme + "://" + *p.Name)
	}
	return jsii.String(scheme + "://" + *p.Name + "/" + *p.Path)
}

// certificate returns the certificate of the props, or a new one.
func (p *DomainProps) certificate(scope constructs.Construct) awscertificatemanager.ICertificate {
	if p.Certificate != nil {
		return p.Certificate
	}
	return awscertificatemanager.NewCertificate(scope, jsii.String("Certificate"), &awscertificatemanager.CertificateProps{
		DomainName: p.Name,
		Validation: awscertificatemanager.CertificateValidation_FromDns(p.HostedZone),
	})
}

// record adds a record that points Name at the target.
func (p *DomainProps) record(scope constructs.Construct, target awsroute53.IAliasRecordTarget) {
	if p.HostedZone == nil {
		return
	}
	awsroute53.NewARecord(scope, jsii.String("Record"), &awsroute53.ARecordProps{
		RecordName: jsii.String(*p.Name + "."), // without the dot the CDK adds the zone's name to a token
		Target:     awsroute53.RecordTarget_FromAlias(target),
		Zone:       p.HostedZone,
	})
}

// lookupZone is the name of a zone in the first pass of a synth, before its lookup.
const lookupZone = "DUMMY"

// domain is a domain name that an API has created and others may share.
type domain struct {
	by        constructs.Construct
	webSocket bool
	v1        awsapigateway.IDomainName
	v2        awsapigatewayv2.IDomainName
	paths     map[string]constructs.Construct
}

// shared returns the domain of this name that an API of the app has created, or a new
// one without the domain itself. It panics when an API cannot share it.
func (a *app) shared(by constructs.Construct, p *DomainProps, webSocket bool) *domain {
	name, path := *p.Name, ""
	if p.Path != nil {
		path = *p.Path
	}
	// Another region or stage has a domain of its own.
	stack := awscdk.Stack_Of(by)
	key := strings.Join([]string{pathOf(awscdk.Stage_Of(by)), *stack.Account(), *stack.Region(), name}, "\n")
	d := a.domains[key]
	if d == nil {
		d = &domain{by: by, webSocket: webSocket, paths: map[string]constructs.Construct{}}
		a.domains[key] = d
	}
	r := &rules{where: "DomainProps"}
	switch {
	case d.webSocket != webSocket:
		r.breaks("Name", "must be another one than that of %s, got %q for both; API Gateway has a WebSocket API on no domain with other APIs", pathOf(d.by), name)
	case webSocket && p.MutualTls != nil:
		r.breaks("MutualTls", "must be unset for a WebSocket API, for which API Gateway has none; use an authorizer")
	case d.paths[path] != nil:
		r.breaks("Path", "must lead to one API, got %q on %q for %s too; give each API a path of its own", path, name, pathOf(d.paths[path]))
	}
	refuse(by, r.broken)
	d.paths[path] = by
	return d
}

// mapping creates the domain of an HTTP or WebSocket API, or maps an existing one. API
// Gateway's newest policy for regional domains accepts TLS 1.2 and later.
func (p *DomainProps) mapping(a *app, scope constructs.Construct, webSocket bool) *awsapigatewayv2.DomainMappingOptions {
	d := a.shared(scope, p, webSocket)
	switch {
	case d.v2 != nil:
	case d.v1 != nil:
		d.v2 = awsapigatewayv2.DomainName_FromDomainNameAttributes(scope, jsii.String("Domain"), &awsapigatewayv2.DomainNameAttributes{
			Name: d.v1.DomainName(), RegionalDomainName: d.v1.DomainNameAliasDomainName(), RegionalHostedZoneId: d.v1.DomainNameAliasHostedZoneId(),
		})
	default:
		made := awsapigatewayv2.NewDomainName(scope, jsii.String("Domain"), &awsapigatewayv2.DomainNameProps{
			Certificate:    p.certificate(scope),
			DomainName:     p.Name,
			IpAddressType:  p.IpAddressType,
			Mtls:           p.MutualTls,
			SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
		})
		p.record(scope, awsroute53targets.NewApiGatewayv2DomainProperties(made.RegionalDomainName(), made.RegionalHostedZoneId()))
		d.v2 = made
	}
	return &awsapigatewayv2.DomainMappingOptions{DomainName: d.v2, MappingKey: p.Path}
}

// mapRest creates the domain of a REST API, or maps an existing one.
func (p *DomainProps) mapRest(a *app, scope constructs.Construct, api awsapigateway.RestApi) {
	d := a.shared(scope, p, false)
	if d.v1 == nil && d.v2 == nil {
		var mutualTls *awsapigateway.MTLSConfig
		if tls := p.MutualTls; tls != nil {
			mutualTls = &awsapigateway.MTLSConfig{Bucket: tls.Bucket, Key: tls.Key, Version: tls.Version}
		}
		made := awsapigateway.NewDomainName(scope, jsii.String("Domain"), &awsapigateway.DomainNameProps{
			BasePath:       p.Path,
			Certificate:    p.certificate(scope),
			DomainName:     p.Name,
			EndpointType:   awsapigateway.EndpointType_REGIONAL,
			Mapping:        api,
			Mtls:           mutualTls,
			SecurityPolicy: awsapigateway.SecurityPolicy_TLS_1_2,
		})
		p.record(scope, awsroute53targets.NewApiGatewayDomain(made))
		d.v1 = made
		return
	}
	if d.v1 == nil {
		d.v1 = awsapigateway.DomainName_FromDomainNameAttributes(scope, jsii.String("Domain"), &awsapigateway.DomainNameAttributes{
			DomainName: d.v2.DomainNameRef().DomainName, DomainNameAliasHostedZoneId: d.v2.RegionalHostedZoneId(), DomainNameAliasTarget: d.v2.RegionalDomainName(),
		})
	}
	awsapigateway.NewBasePathMapping(scope, jsii.String("Mapping"), &awsapigateway.BasePathMappingProps{
		BasePath: p.Path, DomainName: d.v1, RestApi: api, Stage: api.DeploymentStage(),
	})
}
