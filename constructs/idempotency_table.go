package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// IdempotencyTableProps configure an [IdempotencyTable].
type IdempotencyTableProps struct {
	// EncryptionKey encrypts a new table. Results are stored as they are.
	//
	// @default - a key that DynamoDB owns
	EncryptionKey awskms.IKey

	// RemovalPolicy says what becomes of a new table when it leaves the stack. Without
	// it, what was done once may be done again.
	//
	// @default awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	RemovalPolicy awscdk.RemovalPolicy

	// Table is a table that exists, with the string key PK alone and the time-to-live
	// attribute expiresAt.
	//
	// @default - a new table, billed per request
	Table awsdynamodb.ITable

	// Vpc gets a gateway endpoint for DynamoDB, which costs nothing, so that
	// functions in subnets without a route to the internet reach the table. A route
	// table can have only one such endpoint.
	//
	// @default - no endpoint
	Vpc awsec2.IVpc
}

// IdempotencyTable is the table in which package idempotency/dynamostore records what was
// done, so that a job or a request with a key takes effect once.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html (2026-11)
type IdempotencyTable struct {
	constructs.Construct

	// Endpoint is the gateway endpoint; nil without IdempotencyTableProps.Vpc.
	Endpoint awsec2.GatewayVpcEndpoint
	// Table is the table.
	Table awsdynamodb.ITable

	app    *app
	region text // of the table
}

// NewIdempotencyTable creates the table. It panics with every broken rule at once.
func NewIdempotencyTable(scope constructs.Construct, id *string, props *IdempotencyTableProps) *IdempotencyTable {
	if props == nil {
		props = &IdempotencyTableProps{}
	}
	c := &IdempotencyTable{Table: props.Table}
	c.app = newConstruct(c, scope, id)
	r := &rules{where: "IdempotencyTableProps"}
	props.check(r)
	if props.EncryptionKey != nil {
		c.app.checkRegionOf(r, c, "EncryptionKey", props.EncryptionKey.KeyArn())
	}
	refuse(c, r.broken)
	c.region = c.app.regionOf(c, props.Table)
	if c.Table == nil {
		removal := props.RemovalPolicy
		if removal == "" {
			removal = awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
		}
		c.Table = awsdynamodb.NewTable(c, jsii.String("Table"), &awsdynamodb.TableProps{
			BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
			EncryptionKey:       props.EncryptionKey,
			PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String(wire.IdempotencyPartitionKey), Type: awsdynamodb.AttributeType_STRING},
			RemovalPolicy:       removal,
			TimeToLiveAttribute: jsii.String(wire.IdempotencyTimeToLive),
		})
	}
	if props.Vpc != nil {
		c.Endpoint = newTableEndpoint(c, props.Vpc, r.where)
	}
	return c
}

// newTableEndpoint creates the endpoint through which isolated subnets reach the account's
// own tables, or returns that of another table. A route table can have only one.
func newTableEndpoint(scope constructs.Construct, vpc awsec2.IVpc, where string) awsec2.GatewayVpcEndpoint {
	if existing := endpointIn(vpc, ".dynamodb"); existing != nil {
		switch table := existing.Node().Scope().Node().Scope().(type) {
		case *ConnectionRegistry:
			return table.Endpoint
		case *IdempotencyTable:
			return table.Endpoint
		}
		r := &rules{where: where}
		refuse(scope, []error{r.brokenRule("Vpc", "must be unset for a VPC that has an endpoint for DynamoDB, got that of %s; a route table can have only one: remove Vpc", *existing.Node().Path())})
	}
	endpoint := awsec2.NewGatewayVpcEndpoint(scope, jsii.String("Endpoint"), &awsec2.GatewayVpcEndpointProps{
		Service: awsec2.GatewayVpcEndpointAwsService_DYNAMODB(),
		Vpc:     vpc,
	})
	endpoint.AddToPolicy(perimeter(appOf(scope).stackOf(scope)))
	return endpoint
}

func (p *IdempotencyTableProps) check(r *rules) {
	checkRemoval(r, "RemovalPolicy", p.RemovalPolicy)
	if p.Table != nil {
		r.mustBeUnset("with Table, which has its own; remove it",
			given{"EncryptionKey", p.EncryptionKey != nil}, given{"RemovalPolicy", p.RemovalPolicy != ""})
		checkKeys(r, p.Table, wire.IdempotencyPartitionKey, "")
	}
}

// GrantAccess lets a grantee use the table: it permits the three actions that the store
// needs, on this table only.
func (c *IdempotencyTable) GrantAccess(grantee awsiam.IGrantable) awsiam.Grant {
	if key := c.Table.EncryptionKey(); key != nil {
		key.GrantEncryptDecrypt(grantee)
	}
	return c.Table.Grant(grantee, jsii.String("dynamodb:DeleteItem"), jsii.String("dynamodb:PutItem"), jsii.String("dynamodb:UpdateItem"))
}

// Connect lets a program use the table. It sets HEARTH_IDEMPOTENCY_TABLE to the table's
// name, followed by "_{NAME}" for a connection with a name.
func (c *IdempotencyTable) Connect(client Client, options *ConnectOptions) awsiam.Grant {
	name := options.name(c)
	return connect(c, c.region, client, func(fn awslambda.Function) awsiam.Grant {
		c.app.environmentOf(fn).set(c, wire.Named(wire.EnvIdempotencyTable, name), c.Table.TableName())
		return c.GrantAccess(fn)
	})
}
