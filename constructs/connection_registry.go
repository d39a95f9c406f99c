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

// ConnectionRegistryProps configure a [ConnectionRegistry].
type ConnectionRegistryProps struct {
	// EncryptionKey encrypts a new table.
	//
	// @default - a key that DynamoDB owns
	EncryptionKey awskms.IKey

	// RemovalPolicy decides whether a new table is kept when it leaves the stack. It only
	// holds the present connections.
	//
	// @default awscdk.RemovalPolicy_DESTROY
	RemovalPolicy awscdk.RemovalPolicy

	// Table is an existing table, with the keys PK and SK, both strings, and the
	// time-to-live attribute expiresAt. It may hold other items too.
	//
	// @default - a new table, paid by the request
	Table awsdynamodb.ITable

	// Vpc gets a gateway endpoint for DynamoDB, which costs nothing, so that functions in
	// subnets without a route to the internet reach the table. A route table can have
	// only one such endpoint.
	//
	// @default - no endpoint
	Vpc awsec2.IVpc
}

// ConnectionRegistry is the table in which package connections/registry records the
// connections of a WebSocket API, for all instances.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/vpc-endpoints-dynamodb.html (2026-11)
type ConnectionRegistry struct {
	constructs.Construct

	// Endpoint is the gateway endpoint; nil without ConnectionRegistryProps.Vpc.
	Endpoint awsec2.GatewayVpcEndpoint
	// Table is the table.
	Table awsdynamodb.ITable

	app    *app
	region text // of the table
}

// NewConnectionRegistry creates the table. It panics with every broken rule at
// once.
func NewConnectionRegistry(scope constructs.Construct, id *string, props *ConnectionRegistryProps) *ConnectionRegistry {
	if props == nil {
		props = &ConnectionRegistryProps{}
	}
	c := &ConnectionRegistry{Table: props.Table}
	c.app = newConstruct(c, scope, id)
	r := &rules{where: "ConnectionRegistryProps"}
	props.check(r)
	if props.EncryptionKey != nil {
		c.app.checkRegionOf(r, c, "EncryptionKey", props.EncryptionKey.KeyArn())
	}
	refuse(c, r.broken)
	c.region = c.app.regionOf(c, props.Table)
	if c.Table == nil {
		c.Table = newConnectionsTable(c, props)
	}
	if props.Vpc != nil {
		c.Endpoint = newTableEndpoint(c, props.Vpc, r.where)
	}
	return c
}

func newConnectionsTable(c *ConnectionRegistry, props *ConnectionRegistryProps) awsdynamodb.Table {
	removal := props.RemovalPolicy
	if removal == "" {
		removal = awscdk.RemovalPolicy_DESTROY
	}
	return awsdynamodb.NewTable(c, jsii.String("Table"), &awsdynamodb.TableProps{
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		EncryptionKey:       props.EncryptionKey,
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String(wire.ConnectionsPartitionKey), Type: awsdynamodb.AttributeType_STRING},
		RemovalPolicy:       removal,
		SortKey:             &awsdynamodb.Attribute{Name: jsii.String(wire.ConnectionsSortKey), Type: awsdynamodb.AttributeType_STRING},
		TimeToLiveAttribute: jsii.String(wire.ConnectionsTimeToLive),
	})
}

func (p *ConnectionRegistryProps) check(r *rules) {
	checkRemoval(r, "RemovalPolicy", p.RemovalPolicy)
	if p.Table != nil {
		r.mustBeUnset("with Table, which has its own; remove it",
			given{"EncryptionKey", p.EncryptionKey != nil}, given{"RemovalPolicy", p.RemovalPolicy != ""})
		checkKeys(r, p.Table, wire.ConnectionsPartitionKey, wire.ConnectionsSortKey)
	}
}

// checkKeys refuses a table of the app with other keys than these, both strings. Those of an
// imported table are unknown.
func checkKeys(r *rules, table awsdynamodb.ITable, partition, sort string) {
	ours, created := table.(awsdynamodb.Table)
	if !created {
		return
	}
	keys := ours.Schema(nil)
	if is, ought := keysText(keyOf(keys.PartitionKey), keyOf(keys.SortKey)), keysText(partition, sort); is != ought {
		r.breaks("Table", "must have string keys, %s, got %s; pass another table, or leave it unset for a new one", ought, is)
	}
}

func keyOf(key *awsdynamodb.Attribute) string {
	switch {
	case key == nil:
		return ""
	case key.Type != awsdynamodb.AttributeType_STRING:
		return *key.Name + " (" + string(key.Type) + ")"
	}
	return *key.Name
}

func keysText(partition, sort string) string {
	if sort == "" {
		return partition + " alone"
	}
	return partition + " and " + sort
}

// GrantAccess lets a grantee use the registry: it permits the five actions that the
// registry needs, on this table only.
func (c *ConnectionRegistry) GrantAccess(grantee awsiam.IGrantable) awsiam.Grant {
	if key := c.Table.EncryptionKey(); key != nil {
		key.GrantEncryptDecrypt(grantee)
	}
	return c.Table.Grant(grantee, jsii.String("dynamodb:BatchGetItem"), jsii.String("dynamodb:DeleteItem"), jsii.String("dynamodb:GetItem"),
		jsii.String("dynamodb:PutItem"), jsii.String("dynamodb:UpdateItem"))
}

// Connect lets a program use the registry. It sets HEARTH_CONNECTIONS_TABLE to the
// table's name, followed by "_{NAME}" for a connection with a name.
func (c *ConnectionRegistry) Connect(client Client, options *ConnectOptions) awsiam.Grant {
	name := options.name(c)
	return connect(c, c.region, client, func(fn awslambda.Function) awsiam.Grant {
		c.app.environmentOf(fn).set(c, wire.Named(wire.EnvConnectionsTable, name), c.Table.TableName())
		return c.GrantAccess(fn)
	})
}
