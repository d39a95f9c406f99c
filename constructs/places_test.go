package hearth

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// warningsOf returns the texts of the warnings below a path.
func warningsOf(stack awscdk.Stack, path string) string {
	var texts []string
	for _, warning := range *assertions.Annotations_FromStack(stack).FindWarning(&path, assertions.Match_AnyValue()) {
		texts = append(texts, warning.Entry.Data.(string))
	}
	return strings.Join(texts, "\n")
}

// TestQueuePlaces shows which queues of another region or account are refused.
func TestQueuePlaces(t *testing.T) {
	imported := func(stack awscdk.Stack, account, region string) awssqs.IQueue {
		return awssqs.Queue_FromQueueArn(stack, jsii.String("Imported"), jsii.String("arn:aws:sqs:"+region+":"+account+":dead"))
	}
	dead := func(account, region string) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			NewQueue(s, jsii.String("Queue"), &QueueProps{DeadLetterQueue: imported(s, account, region)})
		}
	}
	source := func(account, region string) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			NewQueue(s, jsii.String("Queue"), &QueueProps{Queue: imported(s, account, region), Handler: existingFunction(s), Name: jsii.String("jobs")})
		}
	}
	lost := func(account, region string) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			NewSchedule(s, jsii.String("Schedule"), &ScheduleProps{
				DeadLetterQueue: imported(s, account, region), Expression: jsii.String("rate(1 day)"), Handler: existingFunction(s), Name: jsii.String("nightly"),
			})
		}
	}
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"dead letters here":               {dead(ours, here), ""},
		"dead letters in another region":  {dead(ours, elsewhere), "QueueProps.DeadLetterQueue must be in the region of the queue, eu-west-1, got a queue in us-east-1; create one there, or leave it unset"},
		"dead letters in another account": {dead(theirs, here), "QueueProps.DeadLetterQueue must be in the account of the queue, 111111111111, got a queue in 222222222222; create one there, or leave it unset"},
		"source here":                     {source(ours, here), ""},
		"source in another region":        {source(ours, elsewhere), "QueueProps.Queue must be in the region of the function, eu-west-1, got a queue in us-east-1; create the function there, or forward the messages"},
		"runs lost here":                  {lost(ours, here), ""},
		"runs lost to another region":     {lost(ours, elsewhere), "ScheduleProps.DeadLetterQueue must be in the region of the schedule, eu-west-1, got a queue in us-east-1; create one there"},
		"dead letters in a stack of elsewhere": {func(s awscdk.Stack) {
			queue := awssqs.NewQueue(deployed(s, "Elsewhere", ours, elsewhere), jsii.String("Dead"), &awssqs.QueueProps{QueueName: jsii.String("dead")})
			NewQueue(s, jsii.String("Queue"), &QueueProps{DeadLetterQueue: queue})
		}, "QueueProps.DeadLetterQueue must be in the region of the queue, eu-west-1, got a queue in us-east-1"},
	})
	stack := deployed(setup(t), "Here", ours, here)
	source(theirs, here)(stack)
	if got, want := warningsOf(stack, "/Here/Queue"), "the queue is in the account 222222222222, which must permit the role of the function sqs:ReceiveMessage, "; !strings.Contains(got, want) {
		t.Errorf("got the warnings %q, want %q", got, want)
	}
	// An app that does not say where it is deployed may be there.
	stack = setup(t)
	dead(theirs, elsewhere)(stack)
	template(stack)
}

// TestLayerPlaces shows that a layer must be in the region of its function.
func TestLayerPlaces(t *testing.T) {
	with := func(layer func(s awscdk.Stack) awslambda.ILayerVersion) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			props := silent(nil)
			props.Layers = &[]awslambda.ILayerVersion{layer(s)}
			NewHandler(s, jsii.String("It"), props)
		}
	}
	imported := func(region string) func(awscdk.Stack) {
		return with(func(s awscdk.Stack) awslambda.ILayerVersion {
			return awslambda.LayerVersion_FromLayerVersionArn(s, jsii.String("Layer"), jsii.String("arn:aws:lambda:"+region+":"+theirs+":layer:tools:3"))
		})
	}
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"here":      {imported(here), ""}, // a layer may belong to another account
		"elsewhere": {imported(elsewhere), `HandlerProps.Layers[0] must be in the region of the stack, eu-west-1, got "arn:aws:lambda:us-east-1:222222222222:layer:tools:3"; pass one of this region`},
		"parameter": {with(func(s awscdk.Stack) awslambda.ILayerVersion {
			return awslambda.LayerVersion_FromLayerVersionArn(s, jsii.String("Layer"), awscdk.NewCfnParameter(s, jsii.String("Arn"), nil).ValueAsString())
		}), ""},
	})
}

// TestImportedPlaces shows which imported keys, certificates, groups and roles are refused.
func TestImportedPlaces(t *testing.T) {
	key := func(s awscdk.Stack, region string) awskms.IKey {
		return awskms.Key_FromKeyArn(s, jsii.String("Key"), jsii.String("arn:aws:kms:"+region+":"+theirs+":key/1"))
	}
	queue := func(region string) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			NewQueue(s, jsii.String("It"), &QueueProps{EncryptionMasterKey: key(s, region)})
		}
	}
	domain := func(region string) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			certificate := awscertificatemanager.Certificate_FromCertificateArn(s, jsii.String("Certificate"), jsii.String("arn:aws:acm:"+region+":"+ours+":certificate/1"))
			NewHttpApi(s, jsii.String("It"), &HttpApiProps{Domain: &DomainProps{Certificate: certificate, Name: jsii.String("api.example.com")}, Handler: existingFunction(s)})
		}
	}
	role := func(s awscdk.Stack, account string) awsiam.IRole {
		return awsiam.Role_FromRoleArn(s, jsii.String("Role"), jsii.String("arn:aws:iam::"+account+":role/it"), nil)
	}
	schedule := func(change func(s awscdk.Stack, p *ScheduleProps)) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			props := &ScheduleProps{Expression: jsii.String("rate(1 day)"), Handler: existingFunction(s), Name: jsii.String("nightly")}
			change(s, props)
			NewSchedule(s, jsii.String("It"), props)
		}
	}
	group := func(region string) func(awscdk.Stack) {
		return schedule(func(s awscdk.Stack, p *ScheduleProps) {
			p.Group = awsscheduler.ScheduleGroup_FromScheduleGroupArn(s, jsii.String("Group"), jsii.String("arn:aws:scheduler:"+region+":"+ours+":schedule-group/it"))
		})
	}
	handler := func(account string) func(awscdk.Stack) {
		return func(s awscdk.Stack) {
			props := silent(nil)
			props.Role = role(s, account)
			NewHandler(s, jsii.String("It"), props)
		}
	}
	const anotherKey = `must be in the region of the stack, eu-west-1, got "arn:aws:kms:us-east-1:222222222222:key/1"; pass one of this region`
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"key here":      {queue(here), ""}, // a key may belong to another account
		"key elsewhere": {queue(elsewhere), "QueueProps.EncryptionMasterKey " + anotherKey},
		"registry key elsewhere": {func(s awscdk.Stack) {
			NewConnectionRegistry(s, jsii.String("It"), &ConnectionRegistryProps{EncryptionKey: key(s, elsewhere)})
		}, "ConnectionRegistryProps.EncryptionKey " + anotherKey},
		"table key elsewhere": {func(s awscdk.Stack) {
			NewIdempotencyTable(s, jsii.String("It"), &IdempotencyTableProps{EncryptionKey: key(s, elsewhere)})
		}, "IdempotencyTableProps.EncryptionKey " + anotherKey},
		"schedule key elsewhere": {func(s awscdk.Stack) {
			NewSchedule(s, jsii.String("It"), &ScheduleProps{EncryptionKey: key(s, elsewhere), Expression: jsii.String("rate(1 day)"), Handler: existingFunction(s), Name: jsii.String("it")})
		}, "ScheduleProps.EncryptionKey " + anotherKey},
		"table key here": {func(s awscdk.Stack) {
			NewIdempotencyTable(s, jsii.String("It"), &IdempotencyTableProps{EncryptionKey: key(s, here)})
		}, ""},
		"own key": {func(s awscdk.Stack) {
			NewQueue(s, jsii.String("It"), &QueueProps{EncryptionMasterKey: awskms.NewKey(s, jsii.String("Key"), nil)})
		}, ""},
		"certificate here":         {domain(here), ""},
		"certificate elsewhere":    {domain(elsewhere), `DomainProps.Certificate must be in the region of the stack, eu-west-1, got "arn:aws:acm:us-east-1:111111111111:certificate/1"; pass one of this region`},
		"group here":               {group(here), ""},
		"group elsewhere":          {group(elsewhere), `ScheduleProps.Group must be in the region of the stack, eu-west-1, got "arn:aws:scheduler:us-east-1:111111111111:schedule-group/it"; pass one of this region`},
		"our role":                 {handler(ours), ""},
		"their role":               {handler(theirs), `HandlerProps.Role must be in the account of the stack, 111111111111, got "arn:aws:iam::222222222222:role/it"; pass one of this account`},
		"their role of a schedule": {schedule(func(s awscdk.Stack, p *ScheduleProps) { p.Role = role(s, theirs) }), `ScheduleProps.Role must be in the account of the stack, 111111111111, got "arn:aws:iam::222222222222:role/it"`},
		"topic as a queue": {func(s awscdk.Stack) {
			NewQueue(s, jsii.String("It"), &QueueProps{Queue: awssqs.Queue_FromQueueArn(s, jsii.String("Topic"), jsii.String("arn:aws:sns:"+here+":"+ours+":topic"))})
		}, `QueueProps.Queue must be an SQS queue, got an import of "arn:aws:sns:eu-west-1:111111111111:topic"; pass an ARN such as arn:aws:sqs:`},
	})
}

// TestImportedFunctions shows what a function that was imported by its ARN alone lacks.
func TestImportedFunctions(t *testing.T) {
	by := func(arn string, wire func(awscdk.Stack, awslambda.IFunction)) func(awscdk.Stack) {
		return func(s awscdk.Stack) { wire(s, awslambda.Function_FromFunctionArn(s, jsii.String("Imported"), &arn)) }
	}
	http := func(s awscdk.Stack, fn awslambda.IFunction) {
		NewHttpApi(s, jsii.String("Http"), &HttpApiProps{Handler: fn})
	}
	rest := func(s awscdk.Stack, fn awslambda.IFunction) {
		NewRestApi(s, jsii.String("Rest"), &RestApiProps{Handler: fn})
	}
	socket := func(s awscdk.Stack, fn awslambda.IFunction) {
		NewWebSocketApi(s, jsii.String("WebSocket"), &WebSocketApiProps{Handler: fn})
	}
	route := func(s awscdk.Stack, fn awslambda.IFunction) {
		api := NewHttpApi(s, jsii.String("Http"), &HttpApiProps{Handler: existingFunction(s)})
		api.AddRoutes(&HttpRoutesProps{Handler: fn, Path: jsii.String("/a")})
		api.AddRoutes(&HttpRoutesProps{Handler: fn, Path: jsii.String("/b")})
	}
	restRoute := func(s awscdk.Stack, fn awslambda.IFunction) {
		api := NewRestApi(s, jsii.String("Rest"), &RestApiProps{Handler: existingFunction(s)})
		api.AddRoute(&RestRouteProps{Handler: fn, Path: jsii.String("/a")})
		api.AddRoute(&RestRouteProps{Handler: fn, Path: jsii.String("/b")})
	}
	socketRoute := func(s awscdk.Stack, fn awslambda.IFunction) {
		api := NewWebSocketApi(s, jsii.String("WebSocket"), &WebSocketApiProps{Handler: existingFunction(s)})
		api.AddRoute(&WebSocketRouteProps{Handler: fn, Key: jsii.String("a")})
		api.AddRoute(&WebSocketRouteProps{Handler: fn, Key: jsii.String("b")})
	}
	url := func(s awscdk.Stack, fn awslambda.IFunction) {
		NewFunctionUrl(s, jsii.String("Url"), &FunctionUrlProps{Handler: fn})
	}
	queue := func(s awscdk.Stack, fn awslambda.IFunction) {
		NewQueue(s, jsii.String("Queue"), &QueueProps{FunctionTimeout: seconds(3), Handler: fn, Name: jsii.String("jobs")})
	}
	schedule := func(s awscdk.Stack, fn awslambda.IFunction) {
		NewSchedule(s, jsii.String("Schedule"), &ScheduleProps{Expression: jsii.String("rate(1 day)"), Handler: fn, Name: jsii.String("nightly")})
	}
	const (
		known   = "arn:aws:lambda:" + here + ":" + ours + ":function:api"
		region  = "arn:aws:lambda:" + elsewhere + ":" + ours + ":function:api"
		account = "arn:aws:lambda:" + here + ":" + theirs + ":function:api:live"
	)
	runCases(t, map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{
		"HTTP API":           {by(known, http), ""},
		"alias":              {by(known+":live", http), ""},
		"schedule":           {by(known, schedule), ""},
		"queue":              {by(known, queue), ""},
		"URL":                {by(known, url), ""},
		"queue ARN":          {by("arn:aws:sqs:"+here+":"+ours+":api", http), `HttpApiProps.Handler must be a function, got an import of "arn:aws:sqs:eu-west-1:111111111111:api"; pass an ARN such as arn:aws:lambda:`},
		"mapping elsewhere":  {by(region, queue), "QueueProps.Handler must be in the region of the stack, eu-west-1, where the mapping of the queue is created, got a function in us-east-1; create the mapping of the queue in a stack there"},
		"mapping of theirs":  {by(account, queue), "QueueProps.Handler must be in the account of the stack, 111111111111, where the mapping of the queue is created, got a function in 222222222222"},
		"URL elsewhere":      {by(region, url), "FunctionUrlProps.Handler must be in the region of the stack, eu-west-1, where the URL is created, got a function in us-east-1"},
		"schedule of theirs": {by(account, schedule), "ScheduleProps.Handler must be a function whose permissions the CDK may change, got Here/Imported, imported by its ARN alone; import it with awslambda.Function_FromFunctionAttributes and SameEnvironment"},
	})
	const unpermitted = "nothing here permits the API to invoke Here/Imported, an imported function, so requests fail with 500 unless its own stack does"
	for name, c := range map[string]struct {
		path string
		wire func(awscdk.Stack, awslambda.IFunction)
	}{"HTTP": {"/Here/Http", http}, "REST": {"/Here/Rest", rest}, "WebSocket": {"/Here/WebSocket", socket}, "route": {"/Here/Http", route}, "REST route": {"/Here/Rest", restRoute}, "WebSocket route": {"/Here/WebSocket", socketRoute}} {
		for arn, want := range map[string]int{known: 0, account: 1} {
			stack := deployed(setup(t), "Here", ours, here)
			by(arn, c.wire)(stack)
			if got := strings.Count(warningsOf(stack, c.path), unpermitted); got != want {
				t.Errorf("%s, %s: got %d warnings, want %d", name, arn, got, want)
			}
		}
	}
}

// TestOtherVpc shows that a function in another VPC than what it connects to gets a
// warning, unless the app connects the VPCs.
func TestOtherVpc(t *testing.T) {
	connect := map[string]func(s awscdk.Stack, one, other *string){
		"not at all": func(awscdk.Stack, *string, *string) {},
		"peering": func(s awscdk.Stack, one, other *string) {
			awsec2.NewCfnVPCPeeringConnection(s, jsii.String("Peering"), &awsec2.CfnVPCPeeringConnectionProps{VpcId: one, PeerVpcId: other})
		},
		"transit gateway": func(s awscdk.Stack, one, other *string) {
			for id, vpc := range map[string]*string{"One": one, "Other": other} {
				awsec2.NewCfnTransitGatewayAttachment(s, jsii.String("Attachment"+id), &awsec2.CfnTransitGatewayAttachmentProps{
					SubnetIds: &[]any{"subnet-1"}, TransitGatewayId: jsii.String("tgw-1"), VpcId: vpc,
				})
			}
		},
		"half a transit gateway": func(s awscdk.Stack, one, _ *string) {
			awsec2.NewCfnTransitGatewayAttachment(s, jsii.String("Attachment"), &awsec2.CfnTransitGatewayAttachmentProps{
				SubnetIds: &[]any{"subnet-1"}, TransitGatewayId: jsii.String("tgw-1"), VpcId: one,
			})
		},
	}
	for name, join := range connect {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			vpc := newIsolatedVpc(stack)
			other := awsec2.NewVpc(stack, jsii.String("OtherVpc"), &awsec2.VpcProps{MaxAzs: jsii.Number(2), RestrictDefaultSecurityGroup: jsii.Bool(false)})
			join(stack, vpc.VpcId(), other.VpcId())
			in := func(id string, vpc awsec2.IVpc) *Handler {
				props := silent(&ConcurrencyProps{Reserved: jsii.Number(1)})
				props.Vpc = vpc
				return NewHandler(stack, &id, props)
			}
			same, far := in("Same", vpc), in("Far", other)
			cluster := newCluster(stack, vpc)
			proxy := NewDatabaseProxy(stack, jsii.String("Proxy"), &DatabaseProxyProps{Cluster: cluster, Vpc: vpc})
			endpoint := NewSqsEndpoint(stack, jsii.String("Endpoint"), &SqsEndpointProps{Vpc: vpc})
			direct := NewDirectDatabase(stack, jsii.String("Direct"), &DirectDatabaseProps{Cluster: cluster, MaxConnections: jsii.Number(100), User: jsii.String("app")})
			for _, h := range []*Handler{same, far} {
				proxy.Connect(h, nil)
				endpoint.Connect(h)
				direct.Connect(h, &ConnectOptions{Name: jsii.String("direct")})
			}
			for path, what := range map[string]string{"/Test/Proxy": "the proxy", "/Test/Endpoint": "the endpoint", "/Test/Direct": "the database"} {
				want := ""
				if name == "not at all" || name == "half a transit gateway" {
					want = "Test/Far is in another VPC than " + what + ", and the app has no peering connection or transit gateway between them; without one, connections time out: use one VPC, or acknowledge this warning [ack: hearth:anotherVpc]"
				}
				if got := warningsOf(stack, path); got != want {
					t.Errorf("%s: got %q, want %q", path, got, want)
				}
			}
		})
	}
}

// TestConnectElsewhere shows that a program is in the region of what it connects to: its
// packages call in the region of their function. Parts of a function are in its region too.
func TestConnectElsewhere(t *testing.T) {
	to := func(connect func(stack awscdk.Stack, client Client)) func(region string) func(awscdk.Stack) {
		return func(region string) func(awscdk.Stack) {
			return func(stack awscdk.Stack) {
				connect(stack, existingFunction(deployed(stack, "Client", ours, region)))
			}
		}
	}
	const says = "Client.Function must be in eu-west-1, the region of what it connects to, got Client/Existing in us-east-1; the program calls in the region of its function: create one there"
	cases := map[string]struct {
		create func(stack awscdk.Stack)
		want   string
	}{}
	for name, connect := range map[string]func(region string) func(awscdk.Stack){
		"queue": to(func(s awscdk.Stack, client Client) {
			NewQueue(s, jsii.String("It"), &QueueProps{Name: jsii.String("jobs")}).ConnectSend(client, nil)
		}),
		"imported queue": to(func(s awscdk.Stack, client Client) {
			given := awssqs.Queue_FromQueueArn(s, jsii.String("Given"), jsii.String("arn:aws:sqs:"+here+":"+ours+":jobs"))
			NewQueue(s, jsii.String("It"), &QueueProps{Name: jsii.String("jobs"), Queue: given}).ConnectSend(client, nil)
		}),
		"registry": to(func(s awscdk.Stack, client Client) {
			NewConnectionRegistry(s, jsii.String("It"), nil).Connect(client, nil)
		}),
		"table": to(func(s awscdk.Stack, client Client) {
			NewIdempotencyTable(s, jsii.String("It"), nil).Connect(client, nil)
		}),
		"imported table": to(func(s awscdk.Stack, client Client) {
			given := awsdynamodb.Table_FromTableArn(s, jsii.String("Given"), jsii.String("arn:aws:dynamodb:"+here+":"+ours+":table/t"))
			NewIdempotencyTable(s, jsii.String("It"), &IdempotencyTableProps{Table: given}).Connect(client, nil)
		}),
		"WebSocket API": to(func(s awscdk.Stack, client Client) {
			NewWebSocketApi(s, jsii.String("It"), &WebSocketApiProps{Handler: inline(s, "Sockets")}).ConnectPush(client, nil)
		}),
	} {
		cases[name] = struct {
			create func(stack awscdk.Stack)
			want   string
		}{connect(here), ""}
		cases[name+" elsewhere"] = struct {
			create func(stack awscdk.Stack)
			want   string
		}{connect(elsewhere), says}
	}
	// A replica of a global table is in the region of the function.
	cases["replica elsewhere"] = struct {
		create func(stack awscdk.Stack)
		want   string
	}{func(s awscdk.Stack) {
		table := awsdynamodb.NewTableV2(s, jsii.String("Table"), &awsdynamodb.TablePropsV2{
			PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("PK"), Type: awsdynamodb.AttributeType_STRING},
			Replicas:     &[]*awsdynamodb.ReplicaTableProps{{Region: jsii.String(elsewhere)}},
			TableName:    jsii.String("once"),
		})
		client := deployed(s, "Client", ours, elsewhere)
		NewIdempotencyTable(client, jsii.String("It"), &IdempotencyTableProps{Table: table.Replica(jsii.String(elsewhere))}).Connect(existingFunction(client), nil)
	}, ""}
	there := func(s awscdk.Stack) awslambda.Function {
		return existingFunction(deployed(s, "There", ours, elsewhere))
	}
	cases["consumer elsewhere"] = struct {
		create func(stack awscdk.Stack)
		want   string
	}{func(s awscdk.Stack) {
		NewQueue(s, jsii.String("It"), &QueueProps{Handler: there(s), Name: jsii.String("jobs")})
	}, "QueueProps.Handler must be in the region of the queue, eu-west-1, got a function in us-east-1; create the queue in a stack there, or forward the messages"}
	cases["URL elsewhere"] = struct {
		create func(stack awscdk.Stack)
		want   string
	}{func(s awscdk.Stack) { NewFunctionUrl(s, jsii.String("It"), &FunctionUrlProps{Handler: there(s)}) },
		"FunctionUrlProps.Handler must be in the region of the stack, eu-west-1, where the URL is created, got a function in us-east-1; create the URL in a stack there"}
	// API Gateway invokes functions of other regions.
	cases["API elsewhere"] = struct {
		create func(stack awscdk.Stack)
		want   string
	}{func(s awscdk.Stack) { NewHttpApi(s, jsii.String("It"), &HttpApiProps{Handler: there(s)}) }, ""}
	runCases(t, cases)
}
