package hearth

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// TestSubnets shows which selections of subnets are refused.
func TestSubnets(t *testing.T) {
	public := func(s awscdk.Stack) awsec2.IVpc {
		return awsec2.NewVpc(s, jsii.String("Public"), &awsec2.VpcProps{
			MaxAzs: jsii.Number(2), NatGateways: jsii.Number(0), RestrictDefaultSecurityGroup: jsii.Bool(false),
			SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC}},
		})
	}
	kind := func(kind awsec2.SubnetType) *awsec2.SubnetSelection {
		return &awsec2.SubnetSelection{SubnetType: kind}
	}
	function := func(vpc func(awscdk.Stack) awsec2.IVpc, selection *awsec2.SubnetSelection, refine func(*awslambda.FunctionProps)) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			props := silent(nil)
			props.Vpc, props.VpcSubnets, props.Refine = vpc(s), selection, refine
			NewHandler(s, jsii.String("It"), props)
		}
	}
	proxy := func(select_ func(vpc awsec2.IVpc) *awsec2.SubnetSelection) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			vpc := newIsolatedVpc(s)
			NewDatabaseProxy(s, jsii.String("It"), &DatabaseProxyProps{Cluster: newCluster(s, vpc), Vpc: vpc, VpcSubnets: select_(vpc)})
		}
	}
	first := func(vpc awsec2.IVpc) *awsec2.SubnetSelection {
		return &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{(*vpc.IsolatedSubnets())[0]}}
	}
	const (
		publicly = "HandlerProps.VpcSubnets must be private or isolated subnets, got public ones, in which a function has no public address and does not reach the internet; choose others, or set AllowPublicSubnet in HandlerProps.Refine"
		none     = "VpcSubnets must be subnets that Vpc has, got none (There are no 'Private' subnet groups in this VPC. Available types: Isolated"
	)
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"public by default": {function(public, nil, nil), publicly},
		"public":            {function(public, kind(awsec2.SubnetType_PUBLIC), nil), publicly},
		"public on purpose": {function(public, nil, func(p *awslambda.FunctionProps) { p.AllowPublicSubnet = jsii.Bool(true) }), ""},
		"none of the kind":  {function(newIsolatedVpc, kind(awsec2.SubnetType_PRIVATE_WITH_EGRESS), nil), "HandlerProps." + none},
		"none of the name": {function(newIsolatedVpc, &awsec2.SubnetSelection{SubnetGroupName: jsii.String("orders")}, nil),
			"HandlerProps.VpcSubnets must be subnets that Vpc has, got none (There are no subnet groups with name 'orders' in this VPC. Available names: isolated); choose others, or add them to the VPC"},
		"none":     {function(newIsolatedVpc, &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{}}, nil), "HandlerProps.VpcSubnets.Subnets must have at least 1 subnet, got none; leave VpcSubnets unset for the default"},
		"nil":      {function(newIsolatedVpc, &awsec2.SubnetSelection{Subnets: &[]awsec2.ISubnet{nil}}, nil), "HandlerProps.VpcSubnets.Subnets[0] must be set, got nil; remove it"},
		"isolated": {function(newIsolatedVpc, kind(awsec2.SubnetType_PRIVATE_ISOLATED), nil), ""},
		"other fault in a VPC": {function(newIsolatedVpc, nil, func(p *awslambda.FunctionProps) {
			p.DeadLetterQueueEnabled = jsii.Bool(false)
			p.AllowAllOutbound = jsii.Bool(true)
			p.SecurityGroups = &[]awsec2.ISecurityGroup{}
		}), "HandlerProps.Refine must leave SecurityGroups"},
		"proxy in both zones": {proxy(func(awsec2.IVpc) *awsec2.SubnetSelection { return nil }), ""},
		"proxy in one subnet": {proxy(first), "DatabaseProxyProps.VpcSubnets.Subnets must have subnets in at least 2 availability zones for a proxy, got 1; add a subnet in another one"},
		"proxy in one zone": {proxy(func(awsec2.IVpc) *awsec2.SubnetSelection {
			return &awsec2.SubnetSelection{AvailabilityZones: jsii.Strings("a")}
		}), "DatabaseProxyProps.VpcSubnets.AvailabilityZones must have subnets in at least 2 availability zones for a proxy, got 1"},
		"proxy in no such": {proxy(func(awsec2.IVpc) *awsec2.SubnetSelection { return kind(awsec2.SubnetType_PRIVATE_WITH_EGRESS) }), "DatabaseProxyProps." + none},
		"proxy in a small VPC": {func(s awscdk.Stack) {
			vpc := awsec2.Vpc_FromVpcAttributes(s, jsii.String("Small"), &awsec2.VpcAttributes{AvailabilityZones: jsii.Strings("eu-west-1a"), PrivateSubnetIds: jsii.Strings("subnet-1"), VpcId: jsii.String("vpc-1")})
			NewDatabaseProxy(s, jsii.String("It"), &DatabaseProxyProps{Cluster: newCluster(s, newIsolatedVpc(s)), Vpc: vpc})
		}, "DatabaseProxyProps.Vpc must have subnets in at least 2 availability zones for a proxy, got 1"},
		"endpoint in no such": {func(s awscdk.Stack) {
			NewSqsEndpoint(s, jsii.String("It"), &SqsEndpointProps{Vpc: newIsolatedVpc(s), VpcSubnets: kind(awsec2.SubnetType_PRIVATE_WITH_EGRESS)})
		}, "SqsEndpointProps." + none},
		"backend in no such": {func(s awscdk.Stack) {
			NewBackend(s, jsii.String("It"), &BackendProps{Entry: entry("full"), Handler: &HandlerProps{Vpc: newIsolatedVpc(s), VpcSubnets: kind(awsec2.SubnetType_PRIVATE_WITH_EGRESS)}})
		}, "HandlerProps." + none},
	})
}

// TestStorage shows the bounds of /tmp.
func TestStorage(t *testing.T) {
	sized := func(size awscdk.Size) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			props := silent(nil)
			props.Refine = func(p *awslambda.FunctionProps) { p.EphemeralStorageSize = size }
			NewHandler(s, jsii.String("It"), props)
		}
	}
	mib := func(n float64) awscdk.Size { return awscdk.Size_Mebibytes(&n) }
	const bounds = "HandlerProps.Refine.EphemeralStorageSize must be 512 to 10240 MB, got "
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"default": {sized(nil), ""}, "lowest": {sized(mib(512)), ""}, "highest": {sized(awscdk.Size_Gibibytes(jsii.Number(10))), ""},
		"below": {sized(mib(511)), bounds + "511; leave it unset for 512"}, "above": {sized(mib(10241)), bounds + "10241"},
		"token": {func(s awscdk.Stack) {
			sized(awscdk.Size_Mebibytes(awscdk.NewCfnParameter(s, jsii.String("Size"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()))(s)
		}, ""},
	})
}
