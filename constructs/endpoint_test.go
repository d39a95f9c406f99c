package hearth

import (
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// TestEndpointPolicies shows that an endpoint leads only to queues and tables of known
// accounts, for roles of the stack's own account.
func TestEndpointPolicies(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	NewSqsEndpoint(stack, jsii.String("Sqs"), &SqsEndpointProps{Vpc: vpc, Accounts: jsii.Strings("210987654321")})
	NewConnectionRegistry(stack, jsii.String("Online"), &ConnectionRegistryProps{Vpc: vpc})
	own := map[string]any{"Ref": "AWS::AccountId"}
	template := template(stack)
	for kind, accounts := range map[string][]any{"Interface": {own, "210987654321"}, "Gateway": {own}} {
		template.HasResourceProperties(jsii.String("AWS::EC2::VPCEndpoint"), map[string]any{
			"VpcEndpointType": kind,
			"PolicyDocument": map[string]any{"Statement": []any{map[string]any{
				"Effect": "Allow", "Condition": map[string]any{"StringEquals": map[string]any{"aws:PrincipalAccount": own, "aws:ResourceAccount": accounts}},
			}}},
		})
	}
}
