package hearth

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBProxy.html (2026-11)
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ConnectionPoolConfiguration.html (2026-11)
const (
	maxBorrowSecs        = 60 * 60
	minIdleClientSecs    = 1
	maxIdleClientSecs    = 8 * 60 * 60
	minConnectionPercent = 1
	maxConnectionPercent = 100
	maxProxyNameLetters  = 60
)

// The engine families of RDS Proxy that have IAM authentication and a Go driver for it. A
// proxy listens only on the default port of its family.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html (2026-11)
const (
	familyPostgres = "POSTGRESQL"
	familyMySQL    = "MYSQL"
	portPostgres   = "5432"
	portMySQL      = "3306"
)

// DatabaseProxyProps configure a [DatabaseProxy].
type DatabaseProxyProps struct {
	// Vpc is where the proxy gets its endpoint: the VPC of the database.
	Vpc awsec2.IVpc

	// BorrowTimeout is how long a query waits for a database connection when all of them
	// are busy, up to 1 hour; 0 means without end.
	//
	// @default 2 minutes
	BorrowTimeout awscdk.Duration

	// Cluster is the Aurora cluster behind the proxy. An imported one needs its
	// Engine, its Port and its SecurityGroups.
	//
	// @default - none: Instance is set
	Cluster awsrds.IDatabaseCluster

	// Database is the name of the database to open.
	//
	// @default - the name that Cluster or Instance was created with
	Database *string

	// IdleClientTimeout ends a client connection that was idle for so long, 1 second to 8
	// hours. Lambda freezes an idle instance with its connections open, so this timeout
	// frees them.
	//
	// @default 30 minutes
	IdleClientTimeout awscdk.Duration

	// Instance is the RDS instance behind the proxy. An imported one needs its
	// Engine, its Port and its SecurityGroups.
	//
	// @default - none: Cluster is set
	Instance awsrds.IDatabaseInstance

	// MaxConnections is max_connections of the database. It changes nothing, but with it
	// synth warns when all reserved instances together need more database connections
	// than the proxy may open. Queries then wait for up to BorrowTimeout.
	//
	// @default - not known, so not checked
	MaxConnections *float64

	// MaxConnectionsPercent is the share of the database's max_connections that
	// the proxy may open, 1 to 100.
	//
	// @default 100
	MaxConnectionsPercent *float64

	// MaxIdleConnectionsPercent is the share of max_connections that the proxy keeps open
	// while unused, 0 to MaxConnectionsPercent.
	//
	// @default - half of MaxConnectionsPercent
	MaxIdleConnectionsPercent *float64

	// ReadOnly adds an endpoint of the proxy that leads to the readers of
	// Cluster: see [DatabaseProxy.ReadOnly]. An RDS instance has none.
	//
	// @default false
	ReadOnly *bool

	// Secrets hold the passwords with which the proxy logs in to the database: one for
	// each user, as JSON with the keys "username" and "password".
	//
	// @default - the secret of the master user of Cluster or Instance
	Secrets *[]awssecretsmanager.ISecret

	// SecurityGroups are the security groups of the proxy.
	//
	// @default - a new group, which lets out to the database alone
	SecurityGroups *[]awsec2.ISecurityGroup

	// SessionPinningFilters name statements that do not pin a client to one
	// database connection.
	//
	// @default - none
	SessionPinningFilters *[]awsrds.SessionPinningFilter

	// User is the database user that programs log in as. One of Secrets must be for this
	// user. Better use a separate user with fewer rights than the master user.
	//
	// @default - the user of the only one of Secrets
	User *string

	// VpcSubnets are the subnets of the endpoint, in two availability zones at
	// least.
	//
	// @default - the private subnets of Vpc, or else its isolated ones
	VpcSubnets *awsec2.SubnetSelection
}

// DatabaseProxy is an RDS Proxy in front of an existing Aurora cluster or RDS instance,
// PostgreSQL or MySQL. All instances of a function share its pool of database
// connections.
//
// Clients must use TLS, and a token from IAM instead of a password. The proxy
// itself logs in with a password from Secrets Manager, so the database needs no
// IAM authentication.
//
// To let a program connect, pass its [Handler] to [DatabaseProxy.Connect].
//
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html (2026-11)
type DatabaseProxy struct {
	constructs.Construct

	// Proxy is the proxy.
	Proxy awsrds.DatabaseProxy
	// ReadOnly is the endpoint of the cluster's readers; nil without
	// DatabaseProxyProps.ReadOnly. A function that may connect to the proxy may connect
	// here too; pass it the host in a variable of your own:
	//
	//	fn.AddEnvironment(jsii.String("READER_HOST"), database.ReadOnly.Endpoint(), nil)
	ReadOnly awsrds.DatabaseProxyEndpoint

	app *app
	// available is how many database connections the proxy may open.
	available number
	clients   []connectionsClient
	database  *string
	engine    string
	// groups are the security groups with the rules between proxy and database.
	groups []awsec2.ISecurityGroup
	port   string
	user   *string
	vpc    awsec2.IVpc
}

// NewDatabaseProxy creates a proxy. It panics with every broken rule at once.
func NewDatabaseProxy(scope constructs.Construct, id *string, props *DatabaseProxyProps) *DatabaseProxy {
	if props == nil {
		props = &DatabaseProxyProps{}
	}
	p := props.withDefaults()
	d := &DatabaseProxy{}
	d.app = newConstruct(d, scope, id)
	r := &rules{where: "DatabaseProxyProps"}
	family := p.engineFamily()
	p.check(r, family)
	refuse(d, r.broken)

	d.database, d.user, d.vpc = p.Database, p.User, p.Vpc
	if d.user == nil {
		// A reference that CloudFormation resolves; the user name is not secret.
		d.user = (*p.Secrets)[0].SecretValueFromJson(jsii.String("username")).UnsafeUnwrap()
	}
	d.engine, d.port = engineOf(family.value), portPostgres
	if family.value == familyMySQL {
		d.port = portMySQL
	}
	target, connections := p.target(d)
	groups := p.SecurityGroups
	if groups == nil {
		own := awsec2.NewSecurityGroup(d, jsii.String("SecurityGroup"), &awsec2.SecurityGroupProps{
			AllowAllOutbound: jsii.Bool(false),
			Description:      jsii.String("RDS Proxy"),
			Vpc:              p.Vpc,
		})
		d.app.parents[own] = d
		groups = &[]awsec2.ISecurityGroup{own}
	}
	proxy := &awsrds.DatabaseProxyProps{
		BorrowTimeout: p.BorrowTimeout,
		// Always named: without its feature flag, the CDK uses the id of the construct,
		// which clashes with that of the next stack.
		DbProxyName:               awscdk.Names_UniqueResourceName(d, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(maxProxyNameLetters)}),
		IamAuth:                   jsii.Bool(true),
		IdleClientTimeout:         p.IdleClientTimeout,
		MaxConnectionsPercent:     p.MaxConnectionsPercent,
		MaxIdleConnectionsPercent: p.MaxIdleConnectionsPercent,
		ProxyTarget:               target,
		RequireTLS:                jsii.Bool(true),
		Secrets:                   p.Secrets,
		SecurityGroups:            groups,
		SessionPinningFilters:     p.SessionPinningFilters,
		Vpc:                       p.Vpc,
		VpcSubnets:                p.VpcSubnets,
	}
	inSubnets(d, "DatabaseProxyProps", p.Vpc, p.VpcSubnets, func() { d.Proxy = awsrds.NewDatabaseProxy(d, jsii.String("Proxy"), proxy) })
	d.groups = append(append(d.groups, *groups...), *connections.SecurityGroups()...)
	if isTrue(p.ReadOnly) {
		d.ReadOnly = awsrds.NewDatabaseProxyEndpoint(d, jsii.String("ReadOnly"), &awsrds.DatabaseProxyEndpointProps{
			DbProxy:             d.Proxy,
			DbProxyEndpointName: jsii.String(*awscdk.Names_UniqueResourceName(d, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(maxProxyNameLetters - 3)}) + "-ro"),
			SecurityGroups:      groups,
			TargetRole:          awsrds.ProxyEndpointTargetRole_READ_ONLY,
			Vpc:                 p.Vpc,
			VpcSubnets:          p.VpcSubnets,
		})
	}
	if most, percent := numberOf(p.MaxConnections), p.percent(); most.known && percent.known {
		d.available = known(math.Floor(most.value * percent.value / maxConnectionPercent))
		d.Node().AddValidation(d)
	}
	return d
}

// Validate implements constructs.IValidation. Too few database connections are not an
// error: the proxy makes queries wait.
func (d *DatabaseProxy) Validate() *[]*string {
	if sum, words := excess(d.available, d.app.sharesOf(d.clients)); words != "" {
		warn(d, "proxyConnections", fmt.Sprintf("with all reserved instances busy, %s connections are needed (%s) and the proxy may open %s; the other queries wait for up to BorrowTimeout", format(sum), words, d.available))
		d.available = number{} // a second synth would repeat the warning
	}
	return &[]*string{}
}

// GrantConnect lets a grantee connect through the proxy, as User only, if the network
// allows it.
func (d *DatabaseProxy) GrantConnect(grantee awsiam.IGrantable) awsiam.Grant {
	return d.Proxy.GrantConnect(grantee, d.user)
}

// Connect lets a program connect through the proxy, as User only. It adds the permission
// rds-db:connect and a security group rule. It sets HEARTH_DATABASE_HOST, _PORT, _NAME,
// _USER and _ENGINE ("postgres" or "mysql"), each followed by "_{NAME}" for a connection
// with a name. The alias of a [Handler] or a [Backend] waits for the database, as with
// [DatabaseProxy.AddDependent]. Connect panics when a function is not in a VPC.
func (d *DatabaseProxy) Connect(client Client, options *ConnectOptions) awsiam.Grant {
	name := options.name(d)
	port := awsec2.Port_POSTGRES()
	if d.engine == wire.EngineMySQL {
		port = awsec2.Port_MYSQL_AURORA()
	}
	grant := connect(d, d.app.placeOf(d).region, client, func(fn awslambda.Function) awsiam.Grant {
		d.app.refuseOutsideVpc(d, fn)
		d.app.warnOfOtherVpc(d, d.vpc, fn, "the proxy")
		d.clients = append(d.clients, d.app.newConnectionsClient(fn))
		// The proxy has no default port, and its own grant opens no security group.
		d.app.allowFrom(d.Proxy.Connections(), fn, port, "Function to RDS Proxy")
		d.app.setDatabase(d, fn, name, d.Proxy.Endpoint(), jsii.String(d.port), d.database, d.user, d.engine)
		return d.Proxy.GrantConnect(fn, d.user)
	})
	for _, alias := range aliasesOf(client) {
		d.AddDependent(alias)
	}
	return grant
}

// refuseOutsideVpc panics when a function is in no VPC.
func (a *app) refuseOutsideVpc(c constructs.Construct, fn awslambda.Function) {
	if !a.inVpc(fn) {
		r := &rules{where: "HandlerProps"}
		refuse(c, []error{r.brokenRule("Vpc", "must be set for a function that connects to the database, got none for %s; place it in the VPC of the proxy", pathOf(fn))})
	}
}

// setDatabase sets the variables of the database on a function.
func (a *app) setDatabase(by constructs.Construct, fn awslambda.Function, connection string, host, port, name, user *string, engine string) {
	e := a.environmentOf(fn)
	e.set(by, wire.Named(wire.EnvDatabaseHost, connection), host)
	e.set(by, wire.Named(wire.EnvDatabasePort, connection), port)
	e.set(by, wire.Named(wire.EnvDatabaseName, connection), name)
	e.set(by, wire.Named(wire.EnvDatabaseUser, connection), user)
	e.set(by, wire.Named(wire.EnvDatabaseEngine, connection), jsii.String(engine))
}

func engineOf(family string) string {
	if family == familyMySQL {
		return wire.EngineMySQL
	}
	return wire.EnginePostgres
}

// AddDependent makes an alias wait until the database can be reached: for the proxy, its
// target group, the database itself and the security group rules. CloudFormation does not
// see this dependency, and would start the warm instances of a new stack before their
// database.
func (d *DatabaseProxy) AddDependent(alias awslambda.Alias) {
	dependencies := append([]constructs.IDependable{d}, d.app.groupsOf(alias)...)
	for _, group := range d.groups {
		dependencies = append(dependencies, group)
	}
	alias.Node().AddDependency(dependencies...)
}

// allowFrom lets a function open connections. If the target is in another stack, the
// function's stack already depends on that one, because its variables have the address.
// So allowFrom puts the security group rule beside the function, where it makes no cycle.
// The CDK would put it into the other stack.
func (a *app) allowFrom(to awsec2.Connections, fn awslambda.Function, port awsec2.Port, description string) {
	stack, groups := a.stackOf(fn), *to.SecurityGroups()
	if !slices.ContainsFunc(groups, func(group awsec2.ISecurityGroup) bool { return a.stackOf(group) != stack }) {
		to.AllowFrom(fn, port, jsii.String(description))
		return
	}
	for _, group := range groups {
		for _, from := range *fn.Connections().SecurityGroups() {
			group.AddIngressRule(from, port, jsii.String(description), jsii.Bool(a.stackOf(from) == stack))
			if !*from.AllowAllOutbound() {
				from.AddEgressRule(group, port, jsii.String(description), nil)
			}
		}
	}
}

// groupsOf returns the security groups of the function behind an alias.
func (a *app) groupsOf(alias awslambda.Alias) []constructs.IDependable {
	var groups []constructs.IDependable
	if fn := a.functionOf(alias); fn != nil && a.inVpc(fn) {
		for _, group := range *fn.Connections().SecurityGroups() {
			groups = append(groups, group)
		}
	}
	return groups
}

// withDefaults returns a copy with the values that Cluster or Instance provide.
func (p *DatabaseProxyProps) withDefaults() *DatabaseProxyProps {
	d := *p
	var database constructs.IConstruct
	switch {
	case d.Cluster != nil:
		database = d.Cluster
	case d.Instance != nil:
		database = d.Instance
	default:
		return &d
	}
	master := d.Secrets == nil
	if owner, ok := database.(interface {
		Secret() awssecretsmanager.ISecret
	}); ok && master {
		if secret := owner.Secret(); secret != nil {
			d.Secrets = &[]awssecretsmanager.ISecret{secret}
		}
	}
	if d.Database == nil || d.User == nil && master {
		name, user := createdWith(database)
		if d.Database == nil {
			d.Database = name
		}
		if d.User == nil && master {
			d.User = user
		}
	}
	return &d
}

// createdWith returns the names of the database and of the master user, if the template
// that creates them has them.
func createdWith(database constructs.IConstruct) (name, user *string) {
	switch resource := database.Node().DefaultChild().(type) {
	case awsrds.CfnDBCluster:
		return resource.DatabaseName(), resource.MasterUsername()
	case awsrds.CfnDBInstance:
		return resource.DbName(), resource.MasterUsername()
	}
	return nil, nil
}

// target returns the database as the target of a proxy, and its security groups. The CDK
// puts the rule for the proxy beside the database's security group, which makes a cycle
// if that is in another stack: then target imports the database.
func (p *DatabaseProxyProps) target(d *DatabaseProxy) (awsrds.ProxyTarget, awsec2.Connections) {
	if p.Cluster != nil {
		cluster := p.Cluster
		if d.app.stackOf(cluster) != d.app.stackOf(d) && creates[awsrds.CfnDBCluster](cluster) {
			cluster = awsrds.DatabaseCluster_FromDatabaseClusterAttributes(d, jsii.String("Cluster"), &awsrds.DatabaseClusterAttributes{
				ClusterIdentifier: cluster.ClusterIdentifier(),
				Engine:            cluster.Engine(),
				Port:              plainPort(cluster, cluster.ClusterEndpoint()),
				SecurityGroups:    d.importGroups(cluster.Connections()),
			})
		}
		return awsrds.ProxyTarget_FromCluster(cluster), cluster.Connections()
	}
	instance := p.Instance
	if d.app.stackOf(instance) != d.app.stackOf(d) && creates[awsrds.CfnDBInstance](instance) {
		instance = awsrds.DatabaseInstance_FromDatabaseInstanceAttributes(d, jsii.String("Instance"), &awsrds.DatabaseInstanceAttributes{
			Engine:                  instance.Engine(),
			InstanceEndpointAddress: instance.DbInstanceEndpointAddress(),
			InstanceIdentifier:      instance.InstanceIdentifier(),
			Port:                    plainPort(instance, instance.InstanceEndpoint()),
			SecurityGroups:          d.importGroups(instance.Connections()),
		})
	}
	return awsrds.ProxyTarget_FromInstance(instance), instance.Connections()
}

// creates reports whether the app creates a database; an imported one has no resource.
func creates[T awscdk.CfnResource](database constructs.IConstruct) bool {
	_, ours := database.Node().DefaultChild().(T)
	return ours
}

// plainPort returns the port of a database as a number, if the template that creates it
// has one: the CDK's validation accepts no reference to another stack as the port of a
// rule.
func plainPort(database constructs.IConstruct, endpoint awsrds.Endpoint) *float64 {
	switch resource := database.Node().DefaultChild().(type) {
	case awsrds.CfnDBCluster:
		if port := resource.Port(); numberOf(port).known {
			return port
		}
	case awsrds.CfnDBInstance:
		port := textOf(resource.Port())
		if !port.set { // RDS uses the engine's port
			port = text{value: portMySQL, known: true}
			if engine := textOf(resource.Engine()); engine.value == "postgres" {
				port.value = portPostgres
			}
		}
		if port.known {
			if n, err := strconv.ParseFloat(port.value, 64); err == nil {
				return &n
			}
		}
	}
	return endpoint.Port()
}

func (d *DatabaseProxy) importGroups(connections awsec2.Connections) *[]awsec2.ISecurityGroup {
	var groups []awsec2.ISecurityGroup
	for i, group := range *connections.SecurityGroups() {
		id := fmt.Sprintf("DatabaseSecurityGroup%d", i+1)
		groups = append(groups, awsec2.SecurityGroup_FromSecurityGroupId(d, &id, group.SecurityGroupId(), nil))
	}
	return &groups
}
