package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
)

// principals are the roles of several functions as one grantee: each of them gets the
// grant.
type principals []awslambda.Function

// principal implements awsiam.IPrincipal. The CDK calls it.
type principal struct{ of principals }

// GrantPrincipal implements awsiam.IGrantable.
func (p *principal) GrantPrincipal() awsiam.IPrincipal { return p }

// AddToPrincipalPolicy adds a statement to the policy of each role.
func (p *principal) AddToPrincipalPolicy(statement awsiam.PolicyStatement) *awsiam.AddToPrincipalPolicyResult {
	added := true
	var policies []constructs.IDependable
	for _, fn := range p.of {
		result := fn.GrantPrincipal().AddToPrincipalPolicy(statement)
		added = added && *result.StatementAdded
		if result.PolicyDependable != nil {
			policies = append(policies, result.PolicyDependable)
		}
	}
	all := &awsiam.AddToPrincipalPolicyResult{StatementAdded: &added}
	if added {
		all.PolicyDependable = constructs.NewDependencyGroup(policies...)
	}
	return all
}

// AssumeRoleAction is the action of the first role: all functions have the same.
func (p *principal) AssumeRoleAction() *string { return p.of[0].GrantPrincipal().AssumeRoleAction() }

// PolicyFragment names all roles in the policy of a resource.
func (p *principal) PolicyFragment() awsiam.PrincipalPolicyFragment {
	all := map[string]*[]*string{}
	for _, fn := range p.of {
		for key, values := range *fn.GrantPrincipal().PolicyFragment().PrincipalJson() {
			if all[key] == nil {
				all[key] = &[]*string{}
			}
			*all[key] = append(*all[key], *values...)
		}
	}
	return awsiam.NewPrincipalPolicyFragment(&all, &map[string]any{})
}

// PrincipalAccount is the account of the first role: the functions are in one stack.
func (p *principal) PrincipalAccount() *string { return p.of[0].GrantPrincipal().PrincipalAccount() }

// grantable returns the principal of a single function, or one for all of them.
func (p principals) grantable() awsiam.IPrincipal {
	if len(p) == 1 {
		return p[0].GrantPrincipal()
	}
	return &principal{p}
}
