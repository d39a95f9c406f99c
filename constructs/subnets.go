package hearth

import (
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
)

// A proxy needs subnets in this many availability zones.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-network-prereqs.html (2026-11)
const minProxyZones = 2

// errorCode is the code with which the CDK starts its errors.
var errorCode = regexp.MustCompile(`^[A-Z][A-Za-z]+: `)

// checkSelection checks a selection of subnets as far as its fields tell. The CDK selects
// them; see inSubnets.
func checkSelection(r *rules, selection *awsec2.SubnetSelection) {
	if selection == nil {
		return
	}
	if selection.Subnets != nil && len(*selection.Subnets) == 0 {
		r.breaks("VpcSubnets.Subnets", "must have at least 1 subnet, got none; leave VpcSubnets unset for the default")
	}
	noneNil(r, "VpcSubnets.Subnets", elementsOf(selection.Subnets))
	noneNil(r, "VpcSubnets.AvailabilityZones", elementsOf(selection.AvailabilityZones))
	noneNil(r, "VpcSubnets.SubnetFilters", elementsOf(selection.SubnetFilters))
}

// checkZones checks that a VPC and a selection of its subnets have enough availability
// zones for a proxy.
func checkZones(r *rules, vpc awsec2.IVpc, selection *awsec2.SubnetSelection) {
	field, zones := "Vpc", elementsOf(vpc.AvailabilityZones())
	if selection != nil && selection.AvailabilityZones != nil {
		field, zones = "VpcSubnets.AvailabilityZones", *selection.AvailabilityZones
	}
	if selection != nil && selection.Subnets != nil {
		field, zones = "VpcSubnets.Subnets", nil
		for _, subnet := range *selection.Subnets {
			if subnet != nil {
				zones = append(zones, subnet.AvailabilityZone())
			}
		}
	}
	different := map[string]bool{}
	for _, zone := range zones {
		if zone == nil || isListToken(*zone) {
			return
		}
		different[*zone] = true // a token is a zone as well
	}
	if len(zones) > 0 && len(different) < minProxyZones {
		r.breaks(field, "must have subnets in at least %d availability zones for a proxy, got %d; add a subnet in another one", minProxyZones, len(different))
	}
}

// inSubnets creates a resource in subnets of a VPC. If the CDK refuses the subnets,
// inSubnets refuses them in the words of this package.
func inSubnets(c constructs.Construct, where string, vpc awsec2.IVpc, selection *awsec2.SubnetSelection, create func()) {
	if vpc == nil {
		create()
		return
	}
	err := caught(create)
	if err == nil {
		return
	}
	r := &rules{where: where}
	if why := caught(func() { vpc.SelectSubnets(selection) }); why != nil {
		r.breaks("VpcSubnets", "must be subnets that Vpc has, got none (%s); choose others, or add them to the VPC", errorCode.ReplaceAllString(why.Error(), ""))
	} else if strings.Contains(err.Error(), "public subnet") {
		// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html (2026-11)
		r.breaks("VpcSubnets", "must be private or isolated subnets, got public ones, in which a function has no public address and does not reach the internet; choose others, or set AllowPublicSubnet in %s.Refine", where)
	}
	refuse(c, r.broken)
	panic(err)
}
