package hearth

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// SqsEndpointProps configure an [SqsEndpoint].
type SqsEndpointProps struct {
	// Vpc gets the endpoint.
	Vpc awsec2.IVpc

	// Accounts are further accounts whose queues the endpoint may reach.
	//
	// @default - none: the queues of the stack's own account alone
	Accounts *[]*string

	// VpcSubnets are the subnets of the endpoint.
	//
	// @default - the private subnets of Vpc, or else its isolated ones
	VpcSubnets *awsec2.SubnetSelection
}

// SqsEndpoint is an interface endpoint for SQS, through which functions in subnets
// without a route to the internet send to queues. Its private DNS name is on, so they
// need no other URL: all calls of SQS in the VPC then go through it. A VPC can have only
// one.
//
// A function needs no endpoint to consume a queue: Lambda itself polls.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-internetwork-traffic-privacy.html (2026-11)
type SqsEndpoint struct {
	constructs.Construct

	// Endpoint is the endpoint.
	Endpoint awsec2.InterfaceVpcEndpoint

	app *app
	vpc awsec2.IVpc
}

// NewSqsEndpoint creates an endpoint that nothing can reach yet: pass the programs to
// [SqsEndpoint.Connect].
func NewSqsEndpoint(scope constructs.Construct, id *string, props *SqsEndpointProps) *SqsEndpoint {
	if props == nil {
		props = &SqsEndpointProps{}
	}
	e := &SqsEndpoint{vpc: props.Vpc}
	e.app = newConstruct(e, scope, id)
	r := &rules{where: "SqsEndpointProps"}
	if props.Vpc == nil {
		r.breaks("Vpc", "must be set, got none; pass the VPC of the functions")
	} else if existing := endpointIn(props.Vpc, ".sqs"); existing != nil && existing.PrivateDnsEnabled() != false {
		r.breaks("Vpc", "must have no other endpoint for SQS, since their private DNS names conflict, got that of %s; use that one", *existing.Node().Path())
	}
	checkSelection(r, props.VpcSubnets)
	noneNil(r, "Accounts", elementsOf(props.Accounts))
	refuse(e, r.broken)
	group := awsec2.NewSecurityGroup(e, jsii.String("SecurityGroup"), &awsec2.SecurityGroupProps{
		AllowAllOutbound: jsii.Bool(false),
		Description:      jsii.String("SQS endpoint"),
		Vpc:              props.Vpc,
	})
	inSubnets(e, "SqsEndpointProps", props.Vpc, props.VpcSubnets, func() {
		e.Endpoint = awsec2.NewInterfaceVpcEndpoint(e, jsii.String("Endpoint"), &awsec2.InterfaceVpcEndpointProps{
			Open:           jsii.Bool(false),
			SecurityGroups: &[]awsec2.ISecurityGroup{group},
			Service:        awsec2.InterfaceVpcEndpointAwsService_SQS(),
			Subnets:        props.VpcSubnets,
			Vpc:            props.Vpc,
		})
	})
	e.app.parents[group] = e
	e.Endpoint.AddToPolicy(perimeter(e.app.stackOf(e), elementsOf(props.Accounts)...))
	return e
}

// perimeter returns the policy of an endpoint. Roles of the stack's own account may reach
// its resources and those of other accounts that are given. Credentials of other accounts
// may reach nothing.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html (2026-11)
func perimeter(stack awscdk.Stack, others ...*string) awsiam.PolicyStatement {
	own := stack.Account()
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("*"),
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"aws:PrincipalAccount": own,
			"aws:ResourceAccount":  append([]*string{own}, others...),
		}},
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Resources:  jsii.Strings("*"),
	})
}

// Connect lets a program in the VPC open connections to the endpoint. Its role and the
// queues' policies decide what it may do there.
func (e *SqsEndpoint) Connect(client Client) {
	for _, fn := range functionsOf(client) {
		if !e.app.inVpc(fn) {
			r := &rules{where: "HandlerProps"}
			refuse(e, []error{r.brokenRule("Vpc", "must be set for a function that uses the endpoint, got none for %s; place it in the VPC of the endpoint", pathOf(fn))})
		}
		e.app.warnOfOtherVpc(e, e.vpc, fn, "the endpoint")
		e.app.allowFrom(e.Endpoint.Connections(), fn, awsec2.Port_HTTPS(), "Function to SQS")
	}
}

// endpointIn returns the endpoint for a service, such as ".sqs", that this app, or this
// stage of it, creates in a VPC, in any stack; nil when there is none. Other endpoints of
// an imported VPC are unknown.
func endpointIn(vpc awsec2.IVpc, service string) awsec2.CfnVPCEndpoint {
	for _, c := range resourcesIn(awscdk.Stage_Of(vpc), "AWS::EC2::VPCEndpoint") {
		endpoint, ok := c.(awsec2.CfnVPCEndpoint)
		if !ok {
			continue
		}
		// The region and the text around it are tokens.
		if name := endpoint.ServiceName(); name != nil && strings.Contains(*name, service) && *endpoint.VpcId() == *vpc.VpcId() {
			return endpoint
		}
	}
	return nil
}

// sqsEndpointOf returns the [SqsEndpoint] that made an endpoint, or nil.
func sqsEndpointOf(endpoint awsec2.CfnVPCEndpoint) *SqsEndpoint {
	if endpoint == nil {
		return nil
	}
	e, _ := endpoint.Node().Scope().Node().Scope().(*SqsEndpoint)
	return e
}
