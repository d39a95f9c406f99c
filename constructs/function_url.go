package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// FunctionUrlProps configure a [FunctionUrl].
type FunctionUrlProps struct {
	// Handler serves every request: a [Handler]'s Alias, or any function.
	Handler awslambda.IFunction

	// AuthType is AWS_IAM, with which callers sign their requests, or NONE, with
	// which anybody on the internet can call the function: the program then is
	// all that stands before the data.
	//
	// @default awslambda.FunctionUrlAuthType_AWS_IAM
	AuthType awslambda.FunctionUrlAuthType

	// Cors makes Lambda answer preflight requests by itself and add CORS headers
	// to the responses, in place of those of the program.
	//
	// @default - none: the program answers them
	Cors *awslambda.FunctionUrlCorsOptions

	// Streaming sends the response to the client while the program writes it, and
	// lifts the limit of 6 MB to 200 MB. The program must answer with the runtime
	// API's streaming format.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (2026-11)
	//
	// @default false
	Streaming *bool
}

// FunctionUrl is an HTTPS endpoint of a function, with no gateway in front: no
// throttling but that of the concurrency, no access logs, no domain of your own,
// and no time limit but that of the function. Its events have payload format 2.0.
//
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html (2026-11)
type FunctionUrl struct {
	constructs.Construct

	// FunctionUrl is the URL's resource.
	FunctionUrl awslambda.FunctionUrl
}

// NewFunctionUrl creates a URL for a function. It panics with every broken rule
// at once.
func NewFunctionUrl(scope constructs.Construct, id *string, props *FunctionUrlProps) *FunctionUrl {
	if props == nil {
		props = &FunctionUrlProps{}
	}
	p := *props
	u := &FunctionUrl{}
	newConstruct(u, scope, id)
	r := &rules{where: "FunctionUrlProps"}
	checkInvoked(r, p.Handler)
	contractOf(p.Handler).checkHttp(r, "", 0)
	refuse(u, r.broken)

	if p.AuthType == "" {
		p.AuthType = awslambda.FunctionUrlAuthType_AWS_IAM
	}
	mode := awslambda.InvokeMode_BUFFERED
	if isTrue(p.Streaming) {
		mode = awslambda.InvokeMode_RESPONSE_STREAM
	}
	budgetOf(p.Handler).addRequests()
	u.FunctionUrl = awslambda.NewFunctionUrl(u, jsii.String("Url"), &awslambda.FunctionUrlProps{
		AuthType:   p.AuthType,
		Cors:       p.Cors,
		Function:   p.Handler,
		InvokeMode: mode,
	})
	return u
}

// GrantInvoke lets someone call a URL with AuthType AWS_IAM.
func (u *FunctionUrl) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	return u.FunctionUrl.GrantInvokeUrl(grantee)
}

// Url is https://{url-id}.lambda-url.{region}.on.aws/.
func (u *FunctionUrl) Url() *string { return u.FunctionUrl.Url() }
