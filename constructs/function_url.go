package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// FunctionUrlProps configure a [FunctionUrl].
type FunctionUrlProps struct {
	// Handler serves every request: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// AuthType is AWS_IAM, with which callers sign their requests, or NONE, with which
	// anybody on the internet can call the function: then only the program protects the
	// data.
	//
	// @default awslambda.FunctionUrlAuthType_AWS_IAM
	AuthType awslambda.FunctionUrlAuthType

	// Cors makes Lambda answer preflight requests itself and add CORS headers to the
	// responses, instead of the program. It needs AllowedOrigins, without "*" if
	// AllowCredentials is set. Lambda takes no OPTIONS in AllowedMethods.
	//
	// @default - none: the program answers them
	Cors *awslambda.FunctionUrlCorsOptions

	// Streaming sends a response to the client while the program writes it, and raises
	// the limit of 6 MB to 200 MB, at 2 MB/s after the first 6. It sets
	// HEARTH_RESPONSE_STREAM on the function, which makes lambdaruntime stream; any other
	// program must answer in Lambda's streaming form itself. All URLs of a [Handler]
	// stream, or none does.
	//
	// The program's request timeout and the function's timeout bound a response. It costs
	// money even after the client has left. AWS's documentation excludes streaming
	// through a function URL within a VPC environment.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (2026-11)
	//
	// @default false
	Streaming *bool
}

// FunctionUrl is an HTTPS endpoint of a function, without a gateway in front. It has no
// access logs and no domain of your own. Only the function's concurrency throttles it,
// and only the function's timeout limits it. Its events have payload format 2.0.
//
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html (2026-11)
type FunctionUrl struct {
	constructs.Construct

	// FunctionUrl is the URL's resource.
	FunctionUrl awslambda.FunctionUrl

	function awslambda.Function // nil when it is imported

	app           *app
	arn           *string // of the function or alias behind the URL
	distributions map[awscloudfront.IDistribution]bool
}

// NewFunctionUrl creates a URL for a function. It panics with every broken rule
// at once.
func NewFunctionUrl(scope constructs.Construct, id *string, props *FunctionUrlProps) *FunctionUrl {
	if props == nil {
		props = &FunctionUrlProps{}
	}
	p := *props
	u := &FunctionUrl{distributions: map[awscloudfront.IDistribution]bool{}}
	u.app = newConstruct(u, scope, id)
	r := &rules{where: "FunctionUrlProps"}
	u.app.checkInvoked(r, p.Handler)
	u.app.checkHere(r, u, p.Handler, "the URL")
	p.check(r)
	u.app.contractOf(p.Handler).checkHttp(r, "", 0)
	url := urlOf{path: *u.Node().Path(), streaming: isTrue(p.Streaming)}
	url.check(r, u.app.budgetOf(p.Handler), p.Handler)
	refuse(u, r.broken)

	u.function, u.arn = u.app.functionOf(p.Handler), p.Handler.FunctionArn()
	if p.AuthType == "" {
		p.AuthType = awslambda.FunctionUrlAuthType_AWS_IAM
	}
	// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html (2026-11)
	if p.AuthType == awslambda.FunctionUrlAuthType_NONE && u.function != nil && !u.app.reservedOf(u.function).set {
		warn(u, "openUrlWithoutReserved", "anybody may use up all concurrent executions of the account through the URL, which has no throttle; set Concurrency.Reserved of the Handler, or AuthType to AWS_IAM")
	}
	mode := awslambda.InvokeMode_BUFFERED
	if url.streaming {
		if u.function != nil && u.app.inVpc(u.function) {
			warn(u, "streamingInVpc", "the function is in a VPC, from which Lambda does not stream through a function URL: clients get the response when it is whole; leave the VPC, or stream through a REST API")
		}
		mode = awslambda.InvokeMode_RESPONSE_STREAM
		// Events do not contain the invoke mode. A changed variable publishes a new
		// version, so the mode changes together with the alias.
		if fn := u.app.functionOf(p.Handler); fn != nil {
			fn.AddEnvironment(jsii.String(wire.EnvResponseStream), jsii.String("true"), nil)
		}
	}
	u.app.budgetOf(p.Handler).addRequests()
	u.FunctionUrl = awslambda.NewFunctionUrl(u, jsii.String("Url"), &awslambda.FunctionUrlProps{
		AuthType:   p.AuthType,
		Cors:       p.Cors,
		Function:   p.Handler,
		InvokeMode: mode,
	})
	return u
}

func (p *FunctionUrlProps) check(r *rules) {
	oneOf(r, "AuthType", p.AuthType, awslambda.FunctionUrlAuthType_AWS_IAM, awslambda.FunctionUrlAuthType_NONE)
	r.in("Cors", func(r *rules) { checkUrlCors(r, p.Cors) })
}

// urlOf is a URL of a function, in plain values.
type urlOf struct {
	path      string
	target    string // the path of the function or alias
	streaming bool
}

// check checks a new URL against the function's other URLs, and adds it to them.
func (u urlOf) check(r *rules, b *budget, fn awslambda.IFunction) {
	if b == nil {
		return
	}
	u.target = *fn.Node().Path()
	for _, other := range b.urls {
		switch {
		case other.target == u.target:
			r.breaks("Handler", "must be an alias or function without a URL, of which it can have one, got that of %s; remove one of them", other.path)
		case other.streaming != u.streaming && b.app.ownerOf(b.function) != nil:
			r.breaks("Streaming", "must be %t as in %s, a URL of the same program, which cannot tell by which of them a request came, got %t; set both alike, or give one a Handler of its own", other.streaming, other.path, u.streaming)
		}
	}
	b.urls = append(b.urls, u)
}

// GrantInvoke lets a grantee call a URL with AuthType AWS_IAM.
func (u *FunctionUrl) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	return u.FunctionUrl.GrantInvokeUrl(grantee)
}

// GrantCloudFront lets a CloudFront distribution call a URL with AuthType AWS_IAM through
// an origin access control. It needs two permissions since 2025-10: to call the URL, and
// to invoke the function through a URL. The CDK's own origin,
// awscloudfrontorigins.FunctionUrlOrigin_WithOriginAccessControl, gives only the first.
//
//	distribution := awscloudfront.NewDistribution(stack, jsii.String("Cdn"), &awscloudfront.DistributionProps{
//		DefaultBehavior: &awscloudfront.BehaviorOptions{
//			Origin: awscloudfrontorigins.FunctionUrlOrigin_WithOriginAccessControl(url.FunctionUrl, nil),
//		},
//	})
//	url.GrantCloudFront(distribution)
//
// The distribution may be in another stack of the same region. A request with a body needs
// its hash in the header x-amz-content-sha256, because Lambda takes no unsigned payload.
//
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html (2026-11)
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html (2026-11)
func (u *FunctionUrl) GrantCloudFront(distribution awscloudfront.IDistribution) {
	if distribution == nil {
		r := &rules{where: "FunctionUrl"}
		refuse(u, []error{r.brokenRule("GrantCloudFront", "must get a distribution, got nil; pass the one with this origin")})
	}
	if u.distributions[distribution] {
		return
	}
	u.distributions[distribution] = true
	// Two distributions may have one id, in different scopes.
	scope, id := constructs.Construct(u), "-"+*distribution.Node().Id()
	if u.Node().TryFindChild(jsii.String("CloudFrontUrl"+id)) != nil {
		id += "-" + *distribution.Node().Addr()
	}
	if resource, ours := distribution.Node().DefaultChild().(awscloudfront.CfnDistribution); ours && u.app.sameStack(resource.Stack()) != u.app.stackOf(u) {
		// The distribution refers to the URL, so a reference from the stack of the URL
		// would make a circle.
		u.checkDistribution(resource)
		scope, id = resource.Node().Scope().(constructs.Construct), "-"+*awscdk.Names_NodeUniqueId(u.Node())
	}
	permit := func(name, action string, throughUrl *bool) {
		awslambda.NewCfnPermission(scope, jsii.String(name+id), &awslambda.CfnPermissionProps{
			Action:                jsii.String(action),
			FunctionName:          u.arn,
			InvokedViaFunctionUrl: throughUrl,
			Principal:             jsii.String("cloudfront.amazonaws.com"),
			SourceArn:             distribution.DistributionArn(),
		})
	}
	permit("CloudFrontUrl", "lambda:InvokeFunctionUrl", nil)
	permit("CloudFrontFunction", "lambda:InvokeFunction", jsii.Bool(true))
}

// checkDistribution refuses a distribution whose stack cannot have the permissions: Lambda
// changes those of a function in its own region alone.
func (u *FunctionUrl) checkDistribution(distribution awscloudfront.CfnDistribution) {
	is, ought := u.app.placeOf(distribution).region, u.app.placeOf(u).region
	if is.known && ought.known && is.value != ought.value {
		r := &rules{where: "FunctionUrl"}
		refuse(u, []error{r.brokenRule("GrantCloudFront", "must get a distribution of a stack in the region of the URL, %s, got %s in %s; move it there: only its certificate and firewall must be in us-east-1",
			ought.value, *distribution.Node().Path(), is.value)})
	}
}

// Url is https://{url-id}.lambda-url.{region}.on.aws/.
func (u *FunctionUrl) Url() *string { return u.FunctionUrl.Url() }
