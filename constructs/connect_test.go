package hearth

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsefs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

// variablesOf returns the variables of each function whose logical id contains a part.
func variablesOf(t *testing.T, stack awscdk.Stack, part string) []map[string]string {
	t.Helper()
	var all []map[string]string
	functions := resources(stack, "AWS::Lambda::Function")
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		if !strings.Contains(id, part) {
			continue
		}
		var fn struct {
			Properties struct {
				Environment struct{ Variables map[string]any }
			}
		}
		if err := json.Unmarshal([]byte(functions[id]), &fn); err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{}
		for name, value := range fn.Properties.Environment.Variables {
			variables[name] = flat(value)
		}
		all = append(all, variables)
	}
	return all
}

// TestQueueAlone shows that a queue with a consumer needs no Connect method: the program
// knows its queue, and that its responses may be partial.
func TestQueueAlone(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("full")})
	for _, q := range []struct {
		name string
		fifo bool
	}{{"screenshots", false}, {"ledger", true}} {
		NewQueue(stack, &q.name, &QueueProps{Handler: h.Alias, Name: &q.name, Fifo: &q.fifo})
	}
	for _, name := range []string{"nightly", "tick"} {
		NewSchedule(stack, jsii.String("S"+name), &ScheduleProps{Handler: h.Alias, Name: &name, Expression: jsii.String("rate(1 day)")})
	}
	got := variablesOf(t, stack, "Handler")[0]
	for name, want := range map[string]string{
		"HEARTH_PARTIAL_RESPONSES": "ledger,screenshots",
		"HEARTH_QUEUES":            "ledger={ledgerQueue6A7B623F},screenshots={screenshotsQueueAEA512FE}",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// TestConnectNames shows that one program can use two of each kind, and that the second
// one needs a name.
func TestConnectNames(t *testing.T) {
	stack := setup(t)
	vpc := newVpc(stack)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Vpc: vpc, Concurrency: &ConcurrencyProps{Reserved: jsii.Number(2)}})
	cluster := newCluster(stack, vpc)
	named := func(name string) *ConnectOptions { return &ConnectOptions{Name: &name} }
	for kind, connect := range map[string]func(id string, options *ConnectOptions){
		"queue": func(id string, options *ConnectOptions) {
			NewQueue(stack, &id, &QueueProps{Name: jsii.String("jobs")}).ConnectSend(h, options)
		},
		"database": func(id string, options *ConnectOptions) {
			NewDatabaseProxy(stack, &id, &DatabaseProxyProps{Cluster: cluster, Vpc: vpc}).Connect(h, options)
		},
		"registry": func(id string, options *ConnectOptions) {
			NewConnectionRegistry(stack, &id, nil).Connect(h, options)
		},
		"table": func(id string, options *ConnectOptions) {
			NewIdempotencyTable(stack, &id, nil).Connect(h, options)
		},
		"sockets": func(id string, options *ConnectOptions) {
			NewWebSocketApi(stack, &id, &WebSocketApiProps{Handler: importedFunctionAs(stack, id+"Fn")}).ConnectPush(h, options)
		},
	} {
		connect("One"+kind, nil)
		got := refusal(t, func() { connect("Two"+kind, nil) })
		want := "Test/Two" + kind + ": 1 problem\n  - "
		if !strings.HasPrefix(got, want) || !strings.Contains(got, " of Test/Handler/Function must lead to one construct, got Test/One"+kind+" and Test/Two"+kind+"; give one of the connections a name with ConnectOptions.Name, by which the program tells them apart") {
			t.Errorf("%s: got %q", kind, got)
		}
		connect("Three"+kind, named("second-"+kind))
	}
	got := slices.Sorted(maps.Keys(variablesOf(t, stack, "Handler")[0]))
	want := []string{
		"HEARTH_CONNECTIONS_TABLE", "HEARTH_CONNECTIONS_TABLE_SECOND_REGISTRY",
		"HEARTH_DATABASE_ENGINE", "HEARTH_DATABASE_ENGINE_SECOND_DATABASE", "HEARTH_DATABASE_HOST", "HEARTH_DATABASE_HOST_SECOND_DATABASE",
		"HEARTH_DATABASE_NAME", "HEARTH_DATABASE_NAME_SECOND_DATABASE", "HEARTH_DATABASE_PORT", "HEARTH_DATABASE_PORT_SECOND_DATABASE",
		"HEARTH_DATABASE_USER", "HEARTH_DATABASE_USER_SECOND_DATABASE", "HEARTH_IDEMPOTENCY_TABLE", "HEARTH_IDEMPOTENCY_TABLE_SECOND_TABLE", "HEARTH_QUEUES",
		"HEARTH_WEBSOCKET_ENDPOINT", "HEARTH_WEBSOCKET_ENDPOINT_SECOND_SOCKETS",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the variables differ (-want +got):\n%s", diff)
	}
	if queues := variablesOf(t, stack, "Handler")[0]["HEARTH_QUEUES"]; !strings.Contains(queues, ",second-queue={Threequeue") {
		t.Errorf("the second queue is not told by its name: %s", queues)
	}
	for name, message := range map[string]string{
		"a b": `ConnectOptions.Name must be 1 to 40 letters, digits, - and _, got "a b"; rename it`,
		"":    `ConnectOptions.Name must be 1 to 40 letters, digits, - and _, got ""; rename it`,
	} {
		if got := refusal(t, func() { connectedQueueOf(stack, "Q"+name).ConnectSend(h, named(name)) }); !strings.Contains(got, message) {
			t.Errorf("%q: got %q", name, got)
		}
	}
}

func connectedQueueOf(stack awscdk.Stack, id string) *Queue { return NewQueue(stack, &id, nil) }

func importedFunctionAs(stack awscdk.Stack, id string) awslambda.IFunction {
	return awslambda.Function_FromFunctionAttributes(stack, &id, &awslambda.FunctionAttributes{
		FunctionArn: jsii.String("arn:aws:lambda:eu-north-1:123456789012:function:" + id), SameEnvironment: jsii.Bool(true),
	})
}

// TestConnectTwice shows that connecting the same twice is one connection.
func TestConnectTwice(t *testing.T) {
	stack := setup(t)
	fn := existingFunction(stack)
	q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{Name: jsii.String("jobs")})
	q.ConnectSend(fn, nil)
	q.ConnectSend(fn, nil)
	if got := variablesOf(t, stack, "Existing")[0]["HEARTH_QUEUES"]; strings.Count(got, "jobs=") != 1 {
		t.Errorf("got %s", got)
	}
}

// TestForeignQueue shows that the queue of another backend does not replace the program's
// own queue of the same name.
func TestForeignQueue(t *testing.T) {
	stack := setup(t)
	one := NewBackend(stack, jsii.String("One"), &BackendProps{Entry: entry("full")})
	two := NewBackend(stack, jsii.String("Two"), &BackendProps{Entry: entry("full")})
	got := refusal(t, func() { one.Queues["ledger"].ConnectSend(two, nil) })
	if want := `the queue "ledger" of Test/Two/Handler/Function must lead to one construct, got Test/Two/Queue-ledger and Test/One/Queue-ledger; `; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	one.Queues["ledger"].ConnectSend(two, &ConnectOptions{Name: jsii.String("other-ledger")})
	queues := variablesOf(t, stack, "TwoHandler")[0]["HEARTH_QUEUES"]
	for _, want := range []string{",other-ledger={OneQueueledger", "ledger={TwoQueueledger"} {
		if !strings.Contains(queues, want) {
			t.Errorf("no %s in %s", want, queues)
		}
	}
}

// TestBackendIsGrantee shows that a grant, a variable and network access for a backend
// reach all functions of its program, even a later second function.
func TestBackendIsGrantee(t *testing.T) {
	for name, jobs := range map[string]*HandlerProps{"one": nil, "two": {}} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			vpc := newVpc(stack)
			b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Entry: entry("full"), Handler: &HandlerProps{Vpc: vpc}, Jobs: jobs})
			table := awsdynamodb.NewTable(stack, jsii.String("Table"), &awsdynamodb.TableProps{
				EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil),
				PartitionKey:  &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
			})
			if !*table.GrantReadData(b).Success() {
				t.Error("the grant must succeed")
			}
			b.AddEnvironment(jsii.String("TABLE"), table.TableName(), nil)
			group := awsec2.NewSecurityGroup(stack, jsii.String("Cache"), &awsec2.SecurityGroupProps{Vpc: vpc})
			group.Connections().AllowFrom(b, awsec2.Port_Tcp(jsii.Number(6379)), nil)

			functions := 1
			if jobs != nil {
				functions = 2
			}
			for i, variables := range variablesOf(t, stack, "Backend") {
				if variables["TABLE"] == "" {
					t.Errorf("function %d has no TABLE", i)
				}
			}
			policies := 0
			for id, policy := range resources(stack, "AWS::IAM::Policy") {
				if strings.Contains(policy, "dynamodb:Scan") && strings.Contains(policy, "kms:Decrypt") && strings.Contains(id, "Backend") {
					policies++
				}
			}
			if policies != functions {
				t.Errorf("%d roles may read the table, want %d", policies, functions)
			}
			if rules := len(resources(stack, "AWS::EC2::SecurityGroupIngress")); rules != functions {
				t.Errorf("%d functions reach the cache, want %d", rules, functions)
			}
		})
	}
}

// TestSecondFunction shows that a second function copies every prop, except those listed
// here.
func TestSecondFunction(t *testing.T) {
	own := map[string]bool{"Concurrency": true, "FunctionName": true, "Half": true, "LogGroup": true, "Role": true}
	// Refine of the relay is that of the function without what needs a VPC; see TestRelayOfRefined.
	outside := map[string]bool{"Description": true, "MemorySize": true, "Refine": true, "SecurityGroups": true, "Timeout": true, "Vpc": true, "VpcSubnets": true}
	stack := setup(t)
	vpc := newVpc(stack)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty")})
	full := &HandlerProps{
		Architecture: awslambda.Architecture_X86_64(), Code: awslambda.Code_FromInline(jsii.String("x")), Image: awslambda.Code_FromInline(jsii.String("x")), Concurrency: &ConcurrencyProps{Reserved: jsii.Number(1)}, Half: Requests, LogGroup: h.LogGroup,
		LogRetention: awslogs.RetentionDays_ONE_DAY, Role: h.Function.Role(), Timeout: seconds(5), Tracing: awslambda.Tracing_DISABLED, Vpc: vpc,
	}
	// A field that is not an interface gets a value by reflection.
	value := reflect.ValueOf(full).Elem()
	name := func(i int) string { return value.Type().Field(i).Name }
	for i := range value.NumField() {
		switch field := value.Field(i); {
		case !field.IsZero():
		case field.Kind() == reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case field.Kind() == reflect.Map:
			field.Set(reflect.MakeMap(field.Type()))
		case field.Kind() == reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		case name(i) == "Refine":
			field.Set(reflect.ValueOf(func(*awslambda.FunctionProps) {}))
		case field.Kind() == reflect.String:
			field.SetString("x")
		default:
			t.Fatalf("give %s a value", name(i))
		}
	}
	jobs, relay := reflect.ValueOf(full.secondFunction(&HandlerProps{}, Jobs)).Elem(), reflect.ValueOf(full.relay()).Elem()
	for i := range value.NumField() {
		name := name(i)
		same := func(other reflect.Value) bool { return same(value.Field(i), other.Field(i)) }
		if same(jobs) == own[name] {
			t.Errorf("%s of the jobs: taken over is %t", name, same(jobs))
		}
		if same(relay) == (own[name] || outside[name]) {
			t.Errorf("%s of the relay: taken over is %t", name, same(relay))
		}
	}
	if refined := full.secondFunction(&HandlerProps{LogGroup: h.LogGroup, MemorySize: jsii.Number(1024)}, Jobs); *refined.MemorySize != 1024 || refined.LogRetention != "" || refined.LogGroup == nil {
		t.Errorf("what is refined must win, got %+v", refined)
	}
}

// TestRelayOfRefined shows that the relay, which is in no VPC, takes over what Refine sets,
// except what needs a VPC.
func TestRelayOfRefined(t *testing.T) {
	stack := setup(t)
	vpc := newIsolatedVpc(stack)
	files := awsefs.NewFileSystem(stack, jsii.String("Files"), &awsefs.FileSystemProps{Vpc: vpc}).AddAccessPoint(jsii.String("Access"), nil)
	NewBackend(stack, jsii.String("Backend"), &BackendProps{
		Entry: entry("relayed"), WebSocketRelay: jsii.Bool(true),
		Handler: &HandlerProps{Vpc: vpc, Refine: func(p *awslambda.FunctionProps) {
			p.AllowAllOutbound, p.AllowPublicSubnet, p.Ipv6AllowedForDualStack = jsii.Bool(true), jsii.Bool(true), jsii.Bool(true)
			p.Filesystem = awslambda.FileSystem_FromEfsAccessPoint(files, jsii.String("/mnt/files"))
			p.RecursiveLoop = awslambda.RecursiveLoop_ALLOW
		}},
	})
	functions := resources(stack, "AWS::Lambda::Function")
	mounted, refined := 0, 0
	for id, fn := range functions {
		if strings.Contains(fn, "FileSystemConfigs") {
			mounted++
			if strings.Contains(id, "Relay") {
				t.Errorf("the relay must mount nothing: %s", fn)
			}
		}
		if strings.Contains(fn, `"RecursiveLoop":"Allow"`) {
			refined++
		}
	}
	if len(functions) != 2 || mounted != 1 || refined != 2 {
		t.Errorf("of %d functions, %d mount the files and %d are refined, want 2, 1 and 2", len(functions), mounted, refined)
	}
}

// TestGivenVariable shows that no connection overwrites a variable that the user sets.
func TestGivenVariable(t *testing.T) {
	stack := setup(t)
	h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("empty"), Environment: &map[string]*string{
		"HEARTH_QUEUES": jsii.String("jobs=https://sqs/1/jobs"), "HEARTH_CONNECTIONS_TABLE": jsii.String("mine"),
	}})
	for want, connect := range map[string]func(){
		"HEARTH_QUEUES of Test/Handler/Function must lead to one construct, got Test/Handler and Test/Jobs; ": func() {
			NewQueue(stack, jsii.String("Jobs"), &QueueProps{Name: jsii.String("jobs")}).ConnectSend(h, nil)
		},
		"HEARTH_CONNECTIONS_TABLE of Test/Handler/Function must lead to one construct, got Test/Handler and Test/Online; ": func() {
			NewConnectionRegistry(stack, jsii.String("Online"), nil).Connect(h, nil)
		},
	} {
		if got := refusal(t, connect); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
