package hearth

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"
)

// TestIsolated shows that reading a VPC with fewer requests gives the same result as the
// CDK.
func TestIsolated(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	mixed := awsec2.NewVpc(stack, jsii.String("Mixed"), &awsec2.VpcProps{
		MaxAzs: jsii.Number(2), NatGateways: jsii.Number(1), RestrictDefaultSecurityGroup: jsii.Bool(false),
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC},
			{Name: jsii.String("private"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS},
			{Name: jsii.String("isolated"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
		},
	})
	imported := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Imported"), &awsec2.VpcAttributes{
		AvailabilityZones: jsii.Strings("a", "b"), IsolatedSubnetIds: jsii.Strings("subnet-1", "subnet-2"), VpcId: jsii.String("vpc-1"),
	})
	ofType := func(kind awsec2.SubnetType) *awsec2.SubnetSelection { return &awsec2.SubnetSelection{SubnetType: kind} }
	both := append(append([]awsec2.ISubnet{}, *mixed.IsolatedSubnets()...), *mixed.PrivateSubnets()...)
	for _, c := range []struct {
		name    string
		vpc     awsec2.IVpc
		subnets *awsec2.SubnetSelection
		want    bool
	}{
		{"no VPC", nil, nil, false},
		{"no other subnets", vpc, nil, true},
		{"no other subnets, no choice", vpc, &awsec2.SubnetSelection{}, true},
		{"imported", imported, nil, true},
		{"imported, no choice", imported, &awsec2.SubnetSelection{}, true},
		{"private by default", mixed, nil, false},
		{"private by default, no choice", mixed, &awsec2.SubnetSelection{}, false},
		{"isolated by type", mixed, ofType(awsec2.SubnetType_PRIVATE_ISOLATED), true},
		{"private by type", mixed, ofType(awsec2.SubnetType_PRIVATE_WITH_EGRESS), false},
		{"public by type", mixed, ofType(awsec2.SubnetType_PUBLIC), false},
		{"isolated by name", mixed, &awsec2.SubnetSelection{SubnetGroupName: jsii.String("isolated")}, true},
		{"isolated one by one", mixed, &awsec2.SubnetSelection{Subnets: mixed.IsolatedSubnets()}, true},
		{"not all isolated", mixed, &awsec2.SubnetSelection{Subnets: &both}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&HandlerProps{Vpc: c.vpc, VpcSubnets: c.subnets}).isolated(); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

// TestSharedAsset shows that the functions of one program share a staged asset, and that
// each stack has its own.
func TestSharedAsset(t *testing.T) {
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	stacks := []awscdk.Stack{awscdk.NewStack(app, jsii.String("One"), nil), awscdk.NewStack(app, jsii.String("Two"), nil)}
	for _, stack := range stacks {
		for _, id := range []string{"Here", "There"} {
			h := NewHandler(stack, jsii.String(id), &HandlerProps{Entry: entry("empty")})
			code := h.Function.Node().TryFindChild(jsii.String("Code"))
			if shared := id == "There"; (code == nil) != shared {
				t.Errorf("%s: got the asset %v", pathOf(h), code)
			}
		}
	}
	var keys []any
	for _, stack := range stacks {
		for _, resource := range *template(stack).FindResources(jsii.String("AWS::Lambda::Function"), nil) {
			keys = append(keys, (*resource)["Properties"].(map[string]any)["Code"].(map[string]any)["S3Key"])
		}
	}
	if len(keys) != 4 || keys[0] != keys[1] || keys[0] != keys[2] || keys[0] != keys[3] {
		t.Errorf("all functions must have the same code, got %v", keys)
	}
	with := NewHandler(setup(t), jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Files: map[string]string{"go.mod": "../go.mod"}})
	beside := NewHandler(awscdk.Stack_Of(with), jsii.String("Beside"), &HandlerProps{Entry: entry("empty")})
	if with.Function.Node().TryFindChild(jsii.String("Code")) == nil || beside.Function.Node().TryFindChild(jsii.String("Code")) == nil {
		t.Error("functions with other files must have assets of their own")
	}
}

// TestClose shows that no state survives from one CDK process to the next.
func TestClose(t *testing.T) {
	for range 2 {
		stack := setup(t)
		h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("silent"), Manifest: jsii.Bool(false)})
		q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias})
		NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{Handlers: []*Handler{h}, Queues: []*Queue{q}})
		template(stack).ResourceCountIs(jsii.String("AWS::CloudWatch::Alarm"), jsii.Number(7))
		jsii.Close()
	}
}
