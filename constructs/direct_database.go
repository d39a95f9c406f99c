package hearth

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// DirectDatabaseProps configure a [DirectDatabase].
type DirectDatabaseProps struct {
	// MaxConnections is how many connections the functions may open together: the
	// database's max_connections, less those of other clients, and less those that it
	// reserves for administrators.
	//
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html (2026-11)
	MaxConnections *float64

	// User is the database user as whom programs log in with an IAM token. In PostgreSQL
	// it has the role rds_iam, in MySQL the plugin AWSAuthenticationPlugin.
	//
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html (2026-11)
	User *string

	// Cluster is the Aurora cluster, with IamAuthentication.
	//
	// @default - none: Instance is set
	Cluster awsrds.IDatabaseCluster

	// Database is the name of the database to open.
	//
	// @default - the name that Cluster or Instance was created with
	Database *string

	// Instance is the RDS instance, with IamAuthentication.
	//
	// @default - none: Cluster is set
	Instance awsrds.IDatabaseInstance
}

// DirectDatabase lets functions connect to an Aurora cluster or RDS instance without a
// proxy. Each busy instance then holds connections of the database itself, so the number
// of instances must be bounded. Synth fails when a function has no reserved concurrency,
// or when the reserved instances times their connections exceed MaxConnections.
//
// With many short-lived instances, a [DatabaseProxy] needs fewer connections.
type DirectDatabase struct {
	constructs.Construct

	app      *app
	clients  []connectionsClient
	database *string
	props    DirectDatabaseProps
	family   string
}

// NewDirectDatabase wires an existing database; it creates nothing. It panics with every
// broken rule at once.
func NewDirectDatabase(scope constructs.Construct, id *string, props *DirectDatabaseProps) *DirectDatabase {
	if props == nil {
		props = &DirectDatabaseProps{}
	}
	d := &DirectDatabase{props: *props}
	d.app = newConstruct(d, scope, id)
	r := &rules{where: "DirectDatabaseProps"}
	proxied := props.likeProxy()
	family := proxied.engineFamily()
	props.check(r, proxied, family)
	refuse(d, r.broken)
	d.database, d.family = proxied.Database, family.value
	d.Node().AddValidation(d)
	return d
}

// GrantConnect lets a grantee connect as User only, if the network allows it.
func (d *DirectDatabase) GrantConnect(grantee awsiam.IGrantable) awsiam.Grant {
	if d.props.Cluster != nil {
		return d.props.Cluster.GrantConnect(grantee, d.props.User)
	}
	return d.props.Instance.GrantConnect(grantee, d.props.User)
}

// Connect lets a program connect as User only. It adds the permission rds-db:connect and
// a security group rule, and sets the same variables as [DatabaseProxy.Connect]. The
// alias of a [Handler] or a [Backend] waits for the database. Connect panics when a
// function is not in a VPC.
func (d *DirectDatabase) Connect(client Client, options *ConnectOptions) awsiam.Grant {
	name := options.name(d)
	grant := connect(d, d.region(), client, func(fn awslambda.Function) awsiam.Grant { return d.connect(fn, name) })
	for _, alias := range aliasesOf(client) {
		d.AddDependent(alias)
	}
	return grant
}

func (d *DirectDatabase) connect(fn awslambda.Function, name string) awsiam.Grant {
	d.app.refuseOutsideVpc(d, fn)
	d.app.warnOfOtherVpc(d, d.vpc(), fn, "the database")
	d.clients = append(d.clients, d.app.newConnectionsClient(fn))
	var endpoint awsrds.Endpoint
	var connections awsec2.Connections
	if d.props.Cluster != nil {
		endpoint, connections = d.props.Cluster.ClusterEndpoint(), d.props.Cluster.Connections()
	} else {
		endpoint, connections = d.props.Instance.InstanceEndpoint(), d.props.Instance.Connections()
	}
	port := connections.DefaultPort()
	if database := d.resource(); database != nil && d.app.sameStack(database.Stack()) != d.app.stackOf(fn) {
		port = awsec2.Port_Tcp(plainPort(database.Node().Scope(), endpoint))
	}
	d.app.allowFrom(connections, fn, port, "Function to database")
	d.app.setDatabase(d, fn, name, endpoint.Hostname(), portOf(endpoint), d.database, d.props.User, engineOf(d.family))
	return d.GrantConnect(fn)
}

// resource returns the resource of the database; nil when it is imported.
func (d *DirectDatabase) resource() awscdk.CfnResource {
	var database constructs.IConstruct = d.props.Instance
	if d.props.Cluster != nil {
		database = d.props.Cluster
	}
	resource, _ := database.Node().DefaultChild().(awscdk.CfnResource)
	return resource
}

// region returns the region of the database; unknown when it is imported.
func (d *DirectDatabase) region() text {
	if resource := d.resource(); resource != nil {
		return d.app.placeOf(resource).region
	}
	return text{}
}

// vpc returns the VPC of the database; nil when it is imported.
func (d *DirectDatabase) vpc() awsec2.IVpc {
	var database any = d.props.Instance
	if d.props.Cluster != nil {
		database = d.props.Cluster
	}
	if ours, ok := database.(interface{ Vpc() awsec2.IVpc }); ok {
		return ours.Vpc()
	}
	return nil
}

// portOf returns the port as text, even if it is a token.
func portOf(endpoint awsrds.Endpoint) *string {
	if port := numberOf(endpoint.Port()); port.known {
		return jsii.String(port.String())
	}
	return awscdk.Token_AsString(endpoint.Port(), nil)
}

// AddDependent makes an alias wait until the database can be reached; see
// [DatabaseProxy.AddDependent].
func (d *DirectDatabase) AddDependent(alias awslambda.Alias) {
	var database constructs.IDependable = d.props.Instance
	if d.props.Cluster != nil {
		database = d.props.Cluster
	}
	alias.Node().AddDependency(append(d.app.groupsOf(alias), database)...)
}

// Validate implements constructs.IValidation, which the CDK calls at synth, when
// all functions are known.
func (d *DirectDatabase) Validate() *[]*string {
	return jsii.Strings(directExcess(numberOf(d.props.MaxConnections), d.app.sharesOf(d.clients))...)
}

func directExcess(limit number, shares []share) []string {
	var broken []string
	for _, name := range unboundedShares(shares) {
		broken = append(broken, fmt.Sprintf("Concurrency.Reserved of %s must be set for a function that connects without a proxy, got none; without a bound on the instances nothing bounds the connections", name))
	}
	if sum, words := excess(limit, shares); words != "" {
		broken = append(broken, fmt.Sprintf("DirectDatabaseProps.MaxConnections must be at least %s connections, the sum of reserved instances × connections of each: %s, got %s; lower Reserved, or put a DatabaseProxy in between", format(sum), words, limit))
	}
	return broken
}

// likeProxy returns the props that a [DatabaseProxy] has too.
func (p *DirectDatabaseProps) likeProxy() *DatabaseProxyProps {
	return (&DatabaseProxyProps{Cluster: p.Cluster, Instance: p.Instance, Database: p.Database, User: p.User}).withDefaults()
}

// check checks the props; proxied are those of likeProxy, and family is that of their
// engine.
func (p *DirectDatabaseProps) check(r *rules, proxied *DatabaseProxyProps, family text) {
	proxied.checkTarget(r, family, "a function connects to one database")
	p.checkImported(r)
	proxied.checkLogin(r)
	if proxied.User == nil {
		r.breaks("User", "must be a database user, got none; it logs in with a token, which the master user does not by itself")
	}
	if p.MaxConnections == nil {
		r.breaks("MaxConnections", "must be set, got none; it is what the instances together may open")
	}
	checkMaxConnections(r, p.MaxConnections)
}

// checkImported refuses an imported database that lacks what a connection needs. The CDK
// throws an error for each attribute that the import did not name.
func (p *DirectDatabaseProps) checkImported(r *rules) {
	has := func(read func()) (ok bool) {
		defer func() { ok = recover() == nil }()
		read()
		return
	}
	if c := p.Cluster; c != nil && (!has(func() { c.ClusterEndpoint() }) || !has(func() { c.ClusterResourceIdentifier() })) {
		r.breaks("Cluster", "must have its endpoint and resource id; import it with ClusterEndpointAddress, Port and ClusterResourceIdentifier")
	}
	if i := p.Instance; i != nil && i.InstanceResourceId() == nil {
		r.breaks("Instance", "must have its resource id, got none; import it with InstanceResourceId")
	}
}
