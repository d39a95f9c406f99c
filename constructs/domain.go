package hearth

import (
	"regexp"

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

	// HostedZone is the Route 53 zone that gets a record for Name.
	//
	// @default - none: the record is made elsewhere
	HostedZone awsroute53.IHostedZone

	// Path is the part of the path on the domain that leads to this API, so that
	// several APIs can share it.
	//
	// @default - none: the whole domain
	Path *string
}

// domainValues are [DomainProps] as the rules see them.
type domainValues struct {
	name              text
	certificate, zone bool
}

func (p *DomainProps) values() domainValues {
	return domainValues{name: textOf(p.Name), certificate: p.Certificate != nil, zone: p.HostedZone != nil}
}

func (v domainValues) check(r *rules) {
	switch {
	case !v.name.set:
		r.breaks("Name", "must be a domain name, got none; it is where clients find the API")
	case v.name.known && !domainPattern.MatchString(v.name.value):
		r.breaks("Name", "must be a domain name in small letters, such as api.example.com, got %q; leave the scheme and the path out", v.name.value)
	}
	if !v.certificate && !v.zone {
		r.breaks("Certificate", "must be set without HostedZone, through which a new one would be validated, got none; set one of them")
	}
}

// url is where the API is served.
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

// record points Name at what serves it.
func (p *DomainProps) record(scope constructs.Construct, target awsroute53.IAliasRecordTarget) {
	if p.HostedZone == nil {
		return
	}
	awsroute53.NewARecord(scope, jsii.String("Record"), &awsroute53.ARecordProps{
		RecordName: p.Name,
		Target:     awsroute53.RecordTarget_FromAlias(target),
		Zone:       p.HostedZone,
	})
}

// mapping creates the domain of an HTTP or WebSocket API. API Gateway's newest
// policy for regional domains takes TLS 1.2 and later.
func (p *DomainProps) mapping(scope constructs.Construct) *awsapigatewayv2.DomainMappingOptions {
	domain := awsapigatewayv2.NewDomainName(scope, jsii.String("Domain"), &awsapigatewayv2.DomainNameProps{
		Certificate:    p.certificate(scope),
		DomainName:     p.Name,
		SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
	})
	p.record(scope, awsroute53targets.NewApiGatewayv2DomainProperties(domain.RegionalDomainName(), domain.RegionalHostedZoneId()))
	return &awsapigatewayv2.DomainMappingOptions{DomainName: domain, MappingKey: p.Path}
}
