package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
	"github.com/lambdahearth/hearth/internal/wire"
)

func TestDatabaseProxyReadOnly(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	d := NewDatabaseProxy(stack, jsii.String("Database"), &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc, ReadOnly: jsii.Bool(true)})
	if d.ReadOnly == nil {
		t.Fatal("there must be an endpoint")
	}
	template(stack).HasResourceProperties(jsii.String("AWS::RDS::DBProxyEndpoint"), map[string]any{"TargetRole": "READ_ONLY", "DBProxyEndpointName": "TestDatabase2A4228C6-ro"})
}

func TestDatabaseProxyBudget(t *testing.T) {
	stack := setup(t)
	vpc := newVpc(stack)
	NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:       entry("full"),
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(21)},
		Database:    &DatabaseProxyProps{Cluster: newCluster(stack, vpc), Vpc: vpc, MaxConnections: jsii.Number(200), MaxConnectionsPercent: jsii.Number(75)},
		Queues:      map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(5)}, "screenshots": {MaxConcurrency: jsii.Number(10)}},
	})
	assertions.Annotations_FromStack(stack).HasWarning(jsii.String("/Test/Backend/Database"), assertions.Match_StringLikeRegexp(jsii.String(
		`with all reserved instances busy, 210 connections are needed \(21 × 10 \(Test/Backend/Handler/Function\)\) and the proxy may open 150; the other queries wait for up to BorrowTimeout`)))
}

func newDirectBackend(stack awscdk.Stack, reserved, connections *float64) *Backend {
	vpc := newVpc(stack)
	return NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry:          entry("full"),
		Concurrency:    &ConcurrencyProps{Reserved: reserved},
		DirectDatabase: &DirectDatabaseProps{Cluster: newCluster(stack, vpc), MaxConnections: connections, User: jsii.String("app")},
		Handler:        &HandlerProps{Vpc: vpc},
		Queues:         map[string]*QueueProps{"ledger": {MaxConcurrency: jsii.Number(5)}, "screenshots": {MaxConcurrency: jsii.Number(10)}},
	})
}

func TestDirectDatabaseFull(t *testing.T) {
	stack := setup(t)
	newDirectBackend(stack, jsii.Number(20), jsii.Number(200))
	golden(t, stack)
}

func TestDirectDatabaseMinimal(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	instance := awsrds.DatabaseInstance_FromDatabaseInstanceAttributes(stack, jsii.String("Db"), &awsrds.DatabaseInstanceAttributes{
		Engine:                  awsrds.DatabaseInstanceEngine_Mysql(&awsrds.MySqlInstanceEngineProps{Version: awsrds.MysqlEngineVersion_VER_8_0()}),
		InstanceEndpointAddress: jsii.String("db.example.com"),
		InstanceIdentifier:      jsii.String("db"),
		InstanceResourceId:      jsii.String("db-ABCDEFGHIJKL"),
		Port:                    jsii.Number(3306),
		SecurityGroups:          &[]awsec2.ISecurityGroup{awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("DbSg"), jsii.String("sg-0123456789abcdef0"), nil)},
	})
	d := NewDirectDatabase(stack, jsii.String("Direct"), &DirectDatabaseProps{Instance: instance, Database: jsii.String("shop"), MaxConnections: jsii.Number(50), User: jsii.String("app")})
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Vpc: vpc, Concurrency: &ConcurrencyProps{Reserved: jsii.Number(50)}})
	d.Connect(h.Function, nil)
	d.AddDependent(h.Alias)
	golden(t, stack)
}

func TestDirectDatabaseBudget(t *testing.T) {
	stack := setup(t)
	newDirectBackend(stack, jsii.Number(20), jsii.Number(199))
	got := refusal(t, func() { template(stack) })
	want := "[Test/Backend/DirectDatabase] DirectDatabaseProps.MaxConnections must be at least 200 connections, the sum of reserved instances × connections of each: 20 × 10 (Test/Backend/Handler/Function), got 199; lower Reserved, or put a DatabaseProxy in between"
	if !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConnectionRules(t *testing.T) {
	two := []share{{"api", known(20), 1}, {"worker", known(5), 10}}
	for name, c := range map[string]struct {
		limit  number
		shares []share
		want   []string
	}{
		"below":           {known(69), two, []string{"DirectDatabaseProps.MaxConnections must be at least 70 connections, the sum of reserved instances × connections of each: 20 × 1 (api) + 5 × 10 (worker), got 69; lower Reserved, or put a DatabaseProxy in between"}},
		"at":              {known(70), two, nil},
		"above":           {known(71), two, nil},
		"token":           {unresolved, two, nil},
		"token instances": {known(20), []share{{"api", known(20), 1}, {"worker", unresolved, 10}}, nil},
		"unbounded":       {known(20), []share{{"api", number{}, 1}}, []string{"Concurrency.Reserved of api must be set for a function that connects without a proxy, got none; without a bound on the instances nothing bounds the connections"}},
	} {
		if diff := cmp.Diff(c.want, directExcess(c.limit, c.shares)); diff != "" {
			t.Errorf("%s: messages differ (-want +got):\n%s", name, diff)
		}
	}
	m := &Manifest{HTTP: true, Queues: []wire.ManifestQueue{{Name: "a", Concurrency: 10}, {Name: "b", FIFO: true, Concurrency: 1}}}
	for part, want := range map[Half]float64{"": 10, Requests: 1, Jobs: 10} {
		if got := connectionsOf(halfOf(m, part)); got != want {
			t.Errorf("%q opens %v connections, want %v", part, got, want)
		}
	}
	runRules(t, []ruleCase{
		{"nothing", func(r *rules) { (&DirectDatabaseProps{}).check(r, &DatabaseProxyProps{}, text{}) }, []string{
			"P.Cluster must be set unless Instance is, got none; pass the database",
			"P.User must be a database user, got none; it logs in with a token, which the master user does not by itself",
			"P.MaxConnections must be set, got none; it is what the instances together may open",
		}},
	})
	stack := setup(t)
	with := databaseRules(stack)
	instance := awsrds.DatabaseInstance_FromDatabaseInstanceAttributes(stack, jsii.String("Instance"), &awsrds.DatabaseInstanceAttributes{
		Engine: awsrds.DatabaseInstanceEngine_POSTGRES(), InstanceEndpointAddress: jsii.String("a"), InstanceIdentifier: jsii.String("i"), Port: jsii.Number(1), SecurityGroups: &[]awsec2.ISecurityGroup{},
	})
	runRules(t, []ruleCase{
		{"readers of an instance", with(func(p *DatabaseProxyProps) { p.Cluster, p.Instance, p.ReadOnly = nil, instance, jsii.Bool(true) }), []string{"P.ReadOnly must be unset with Instance, which has no readers behind one endpoint; remove it, or use an Aurora cluster"}},
		{"idle at", with(func(p *DatabaseProxyProps) {
			p.MaxConnectionsPercent, p.MaxIdleConnectionsPercent = jsii.Number(50), jsii.Number(50)
		}), nil},
		{"idle above", with(func(p *DatabaseProxyProps) {
			p.MaxConnectionsPercent, p.MaxIdleConnectionsPercent = jsii.Number(50), jsii.Number(51)
		}), []string{"P.MaxIdleConnectionsPercent must be 0 to 50 percent, got 51; it is a part of MaxConnectionsPercent"}},
		{"idle token", with(func(p *DatabaseProxyProps) { p.MaxIdleConnectionsPercent = numberProp(unresolved) }), nil},
		{"no connections", with(func(p *DatabaseProxyProps) { p.MaxConnections = jsii.Number(0) }), []string{"P.MaxConnections must be at least 1 connection, got 0; see max_connections of the database"}},
	})
}

// TestDatabaseOfAnotherStack shows that a function can connect to a database in a stack
// that its own stack depends on, with the security group rules on its side.
func TestDatabaseOfAnotherStack(t *testing.T) {
	data := setup(t)
	vpc := newIsolatedVpc(data)
	cluster := newCluster(data, vpc)
	proxy := NewDatabaseProxy(data, jsii.String("Proxy"), &DatabaseProxyProps{Cluster: cluster, Vpc: vpc})
	endpoint := NewSqsEndpoint(data, jsii.String("Endpoint"), &SqsEndpointProps{Vpc: vpc})
	app := awscdk.NewStack(data.Node().Root().(awscdk.App), jsii.String("App"), nil)
	group := awsec2.NewSecurityGroup(app, jsii.String("Group"), &awsec2.SecurityGroupProps{AllowAllOutbound: jsii.Bool(false), Vpc: vpc})
	h := NewHandler(app, jsii.String("Handler"), &HandlerProps{
		Entry: entry("empty"), SecurityGroups: &[]awsec2.ISecurityGroup{group}, Vpc: vpc,
		Concurrency: &ConcurrencyProps{Reserved: jsii.Number(2)},
	})
	proxy.Connect(h.Function, nil)
	proxy.AddDependent(h.Alias)
	endpoint.Connect(h.Function)
	direct := NewDirectDatabase(app, jsii.String("Direct"), &DirectDatabaseProps{Cluster: cluster, MaxConnections: jsii.Number(2), User: jsii.String("app")})
	direct.Connect(NewHandler(app, jsii.String("Other"), &HandlerProps{Entry: entry("empty"), Vpc: vpc, Concurrency: &ConcurrencyProps{Reserved: jsii.Number(2)}}), nil)
	template(data)
	rules := resources(app, "AWS::EC2::SecurityGroupIngress")
	if len(rules) != 3 {
		t.Errorf("%d ingress rules in the stack of the functions, want 3", len(rules))
	}
	checkPlainPorts(t, rules)
	if n := len(resources(app, "AWS::EC2::SecurityGroupEgress")); n != 2 {
		t.Errorf("%d egress rules in the stack of the functions, want 2", n)
	}
	assertions.Annotations_FromStack(app).HasNoWarning(jsii.String("*"), assertions.Match_AnyValue())
}

// TestDatabaseProxyPoolToken shows that an unknown number of connections is not counted.
func TestDatabaseProxyPoolToken(t *testing.T) {
	stack := setup(t)
	vpc := newVpc(stack)
	proxy := NewDatabaseProxy(stack, jsii.String("Proxy"), &DatabaseProxyProps{
		Cluster: newCluster(stack, vpc), Vpc: vpc, MaxConnections: jsii.Number(1),
		MaxConnectionsPercent: awscdk.NewCfnParameter(stack, jsii.String("Percent"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber(),
	})
	proxy.Connect(NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Vpc: vpc, Concurrency: &ConcurrencyProps{Reserved: jsii.Number(2)}}), nil)
	assertions.Annotations_FromStack(stack).HasNoWarning(jsii.String("*"), assertions.Match_AnyValue())
}

// TestDatabaseProxyOfAnotherStack shows that a proxy works in another stack than its
// database, as in a stack for data and one for a backend.
func TestDatabaseProxyOfAnotherStack(t *testing.T) {
	data := setup(t)
	vpc := newIsolatedVpc(data)
	app := awscdk.NewStack(data.Node().Root().(awscdk.App), jsii.String("App"), nil)
	instance := awsrds.NewDatabaseInstance(data, jsii.String("Instance"), &awsrds.DatabaseInstanceProps{
		DatabaseName: jsii.String("app"),
		Engine:       awsrds.DatabaseInstanceEngine_Mysql(&awsrds.MySqlInstanceEngineProps{Version: awsrds.MysqlEngineVersion_VER_8_0()}),
		Vpc:          vpc,
		VpcSubnets:   &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED},
	})
	for id, props := range map[string]*DatabaseProxyProps{
		"Cluster":  {Cluster: newCluster(data, vpc), Vpc: vpc},
		"Instance": {Instance: instance, Vpc: vpc},
	} {
		NewBackend(app, &id, &BackendProps{Entry: entry("empty"), Database: props})
	}
	template(data)
	// For each: from the function to the proxy, and from the proxy to the database.
	rules := resources(app, "AWS::EC2::SecurityGroupIngress")
	if len(rules) != 4 {
		t.Errorf("%d ingress rules in the stack of the backends, want 4", len(rules))
	}
	checkPlainPorts(t, rules)
	for id, target := range resources(app, "AWS::RDS::DBProxyTargetGroup") {
		if !strings.Contains(target, `"StackName":"Test"`) {
			t.Errorf("%s must name the database of the other stack: %s", id, target)
		}
	}
}

// checkPlainPorts checks that rules name their ports: the CDK's validation refuses
// references to other stacks there.
func checkPlainPorts(t *testing.T, rules map[string]string) {
	t.Helper()
	for id, rule := range rules {
		if strings.Contains(rule, `Port":{`) {
			t.Errorf("%s must have its port as a number: %s", id, rule)
		}
	}
}
