package hearth

import (
	"reflect"
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

const maxDomainLetters = 253

// mappingPattern is the pattern of a path on a domain.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html (2026-11)
var mappingPattern = regexp.MustCompile(`^[A-Za-z0-9$_.+!*'()-]+(/[A-Za-z0-9$_.+!*'()-]+)*$`)

const maxMappingLetters = 300

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

	// IpAddressType says whether clients may also reach the domain by IPv6. The API has
	// an address type of its own: see Refine of its props.
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
	case name.known && (!domainPattern.MatchString(name.value) || len(name.value) > maxDomainLetters):
		r.breaks("Name", "must be a domain name in small letters, such as api.example.com, got %q; leave the scheme, the path and a last dot out", name.value)
	case name.known && p.HostedZone != nil:
		known := zoneName(p.HostedZone)
		if zone := strings.ToLower(strings.TrimSuffix(known.value, ".")); known.known && known.value != lookupZone && name.value != zone && !strings.HasSuffix(name.value, "."+zone) {
			r.breaks("Name", "must be in HostedZone, which is %q, got %q; pass the zone of the name", zone, name.value)
		}
	}
	path := textOf(p.Path)
	switch {
	case path.set && !path.known && path.standIn == "":
		r.breaks("Path", "must be a plain string, got a token; it decides which APIs share the domain")
	case path.known && (!mappingPattern.MatchString(path.value) || len(path.value) > maxMappingLetters):
		r.breaks("Path", "must be 1 to %d letters, digits and $-_.+!*'() in parts between /, got %q; leave it unset for the whole domain", maxMappingLetters, path.value)
	}
	if tls := p.MutualTls; tls != nil {
		if tls.Bucket == nil {
			r.breaks("MutualTls.Bucket", "must be set, got nil; it holds the trust store")
		}
		if tls.Key == nil {
			r.breaks("MutualTls.Key", "must be set, got nil; it is the name of the trust store in Bucket")
		}
	}
	oneOf(r, "IpAddressType", p.IpAddressType, awsapigatewayv2.IpAddressType_IPV4, awsapigatewayv2.IpAddressType_DUAL_STACK)
	if p.MutualTls != nil && open {
		r.breaks("MutualTls", "must go with DisableExecuteApiEndpoint, as the generated URL asks no client for a certificate; set it to true")
	}
	switch {
	case p.Certificate != nil:
	case p.HostedZone == nil:
		r.breaks("Certificate", "must be set without HostedZone, through which a new one would be validated, got none; set one of them")
	case isPrivate(p.HostedZone):
		r.breaks("Certificate", "must be set with a private HostedZone, through which no certificate can be validated, got none; pass one")
	}
}

// isPrivate reports whether the app creates a zone that only VPCs see. ACM cannot find its
// validation records there, and the deployment would wait for them for hours.
// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html (2026-11)
func isPrivate(zone awsroute53.IHostedZone) bool {
	ours, created := zone.(awsroute53.HostedZone)
	return created && len(elementsOf(ours.Vpcs())) > 0
}

// zoneName returns the name of a zone. A zone that was imported by its id alone has none:
// the CDK throws an error.
func zoneName(zone awsroute53.IHostedZone) (name text) {
	defer func() {
		if recover() != nil {
			name = text{}
		}
	}()
	return textOf(zone.ZoneName())
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

// record adds a record that points Name at the target, and one for IPv6 if clients may use
// that.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-to-api-gateway.html (2026-11)
func (p *DomainProps) record(scope constructs.Construct, alias awsroute53.IAliasRecordTarget) {
	if p.HostedZone == nil {
		return
	}
	name := jsii.String(*p.Name + ".") // without the dot the CDK adds the zone's name to a token
	target := awsroute53.RecordTarget_FromAlias(alias)
	awsroute53.NewARecord(scope, jsii.String("Record"), &awsroute53.ARecordProps{RecordName: name, Target: target, Zone: p.HostedZone})
	if p.dualStack() {
		awsroute53.NewAaaaRecord(scope, jsii.String("RecordIpv6"), &awsroute53.AaaaRecordProps{RecordName: name, Target: target, Zone: p.HostedZone})
	}
}

func (p *DomainProps) dualStack() bool {
	return p.IpAddressType == awsapigatewayv2.IpAddressType_DUAL_STACK
}

// lookupZone is the name of a zone in the first pass of a synth, before its lookup.
const lookupZone = "DUMMY"

// domain is a domain name that an API has created and others may share.
type domain struct {
	by        constructs.Construct
	props     *DomainProps // with which it was created
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
		d = &domain{by: by, props: p, webSocket: webSocket, paths: map[string]constructs.Construct{}}
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
	if webSocket && strings.Contains(path, "/") {
		r.breaks("Path", "must be one part for a WebSocket API, got %q; remove the /", path)
	}
	if p.Certificate != nil {
		a.checkRegionOf(r, by, "Certificate", p.Certificate.CertificateArn())
	}
	p.checkSame(r, d)
	refuse(by, r.broken)
	d.paths[path] = by
	return d
}

// checkSame checks the props of an API that shares a domain. The domain has those of the
// API that created it, so others would be ignored.
func (p *DomainProps) checkSame(r *rules, d *domain) {
	first := d.props
	differs := func(field string, same bool) {
		if !same {
			r.breaks(field, "must be as in %s, which creates the domain; set both alike, or give each API a domain of its own", pathOf(d.by))
		}
	}
	differs("Certificate", p.Certificate == nil || p.Certificate == first.Certificate ||
		first.Certificate != nil && *p.Certificate.CertificateArn() == *first.Certificate.CertificateArn())
	differs("HostedZone", p.HostedZone == nil || p.HostedZone == first.HostedZone ||
		first.HostedZone != nil && *p.HostedZone.HostedZoneId() == *first.HostedZone.HostedZoneId())
	differs("IpAddressType", p.IpAddressType == "" || p.IpAddressType == first.IpAddressType)
	differs("MutualTls", p.MutualTls == nil || p.MutualTls == first.MutualTls || first.MutualTls != nil && reflect.DeepEqual(p.MutualTls, first.MutualTls))
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
		if p.dualStack() { // for which the CDK's props have no field
			made.Node().DefaultChild().(awsapigateway.CfnDomainName).AddPropertyOverride(jsii.String("EndpointConfiguration.IpAddressType"), "dualstack")
		}
		p.record(scope, awsroute53targets.NewApiGatewayDomain(made))
		d.v1 = made
		return
	}
	if d.v1 == nil {
		d.v1 = awsapigateway.DomainName_FromDomainNameAttributes(scope, jsii.String("Domain"), &awsapigateway.DomainNameAttributes{
			DomainName: d.v2.DomainNameRef().DomainName, DomainNameAliasHostedZoneId: d.v2.RegionalHostedZoneId(), DomainNameAliasTarget: d.v2.RegionalDomainName(),
		})
	}
	if p.Path != nil && strings.Contains(*p.Path, "/") {
		// REST APIs' own resource takes no path of several parts.
		// https://github.com/aws/aws-cdk/issues/14822 (2026-11)
		awsapigatewayv2.NewCfnApiMapping(scope, jsii.String("Mapping"), &awsapigatewayv2.CfnApiMappingProps{
			ApiId: api.RestApiId(), ApiMappingKey: p.Path, DomainName: d.v1.DomainName(), Stage: api.DeploymentStage().StageName(),
		})
		return
	}
	awsapigateway.NewBasePathMapping(scope, jsii.String("Mapping"), &awsapigateway.BasePathMappingProps{
		BasePath: p.Path, DomainName: d.v1, RestApi: api, Stage: api.DeploymentStage(),
	})
}
