package dynamostore

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/internal/storetest"
	"github.com/lambdahearth/hearth/local"
)

// databases are the databases under the store: the simulator of hearth dev, which deletes
// expired items at once, and moto, which never does.
var databases = map[string]func(t *testing.T) (endpoint, table string){"hearth dev": startHearth, "moto": startMoto}

const startTimeout = time.Minute

// startHearth runs an app with only a table.
func startHearth(t *testing.T) (endpoint, table string) {
	t.Helper()
	engine := startEngine(t, local.Options{}, map[string]any{"Once": tableResource()})
	state := engine.State()
	return state.DynamoDBEndpoint, state.Tables[0].Name
}

// tableResource is the table in CloudFormation.
func tableResource() map[string]any {
	return map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
		"KeySchema":            []any{map[string]any{"AttributeName": "PK", "KeyType": "HASH"}},
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "PK", "AttributeType": "S"}},
		"BillingMode":          "PAY_PER_REQUEST", "TimeToLiveSpecification": map[string]any{"AttributeName": "expiresAt", "Enabled": true},
	}}
}

// startEngine runs an app with the given resources.
func startEngine(t *testing.T, opts local.Options, resources map[string]any) *local.Engine {
	t.Helper()
	manifest := map[string]any{"version": "54.0.0", "artifacts": map[string]any{"App": map[string]any{
		"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
		"properties": map[string]any{"templateFile": "App.template.json"},
	}}}
	opts.Assembly = t.TempDir()
	for name, content := range map[string]any{"App.template.json": map[string]any{"Resources": resources}, "manifest.json": manifest} {
		data, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(opts.Assembly, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	engine, err := local.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Stop() })
	return engine
}

// startMoto runs moto's server, which must be installed (pip install moto[server]). It gets
// one request at a time: moto checks a condition and writes in two steps, between which it
// takes other requests.
func startMoto(t *testing.T) (endpoint, table string) {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("skipped, as moto_server is not in PATH (pip install 'moto[server]')")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	server := exec.Command(program, "-H", host, "-p", port)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
	})
	endpoint = "http://" + net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/moto-api/data.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Skipf("skipped, as moto_server does not start: %v", err)
		case <-ctx.Done():
			t.Fatalf("moto_server was not ready within %v", startTimeout)
		case <-time.After(20 * time.Millisecond):
		}
	}
	var mu sync.Mutex
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)})
	endpoint = within.Server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		forward.ServeHTTP(w, r)
	})).URL
	setEnvironment(t, endpoint, "once")
	client, name, err := New().connect()
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return endpoint, "once"
}

// environment returns the environment of a function that has the table.
func environment(endpoint, table string) []string {
	return []string{
		EnvTable + "=" + table, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint, "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=session",
	}
}

func setEnvironment(t *testing.T, endpoint, table string) {
	t.Helper()
	for _, v := range environment(endpoint, table) {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

func open(_ *testing.T, clock *storetest.Clock) idempotency.Store {
	s := New()
	if clock != nil {
		s.now = clock.Now
	}
	return s
}

func TestStore(t *testing.T) {
	for name, start := range databases {
		t.Run(name, func(t *testing.T) {
			endpoint, table := start(t)
			setEnvironment(t, endpoint, table)
			storetest.Run(t, open)
		})
	}
}

func TestCrashes(t *testing.T) {
	if storetest.CrashStep() != "" { // the child has its parent's environment
		storetest.RunCrashes(t, nil, open)
	}
	for name, start := range databases {
		t.Run(name, func(t *testing.T) {
			endpoint, table := start(t)
			setEnvironment(t, endpoint, table)
			storetest.RunCrashes(t, environment(endpoint, table), open)
		})
	}
}

// TestItems checks the table's items, and that an expired result that has not been
// deleted does not count.
func TestItems(t *testing.T) {
	for name, start := range databases {
		t.Run(name, func(t *testing.T) {
			endpoint, table := start(t)
			setEnvironment(t, endpoint, table)
			clock := storetest.NewClock()
			clock.Advance(time.Millisecond)
			s := open(t, clock).(*Store)
			ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
			defer cancel()
			read := func() string {
				t.Helper()
				client, table, err := s.connect()
				if err != nil {
					t.Fatal(err)
				}
				out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: item{"PK": text("k")}, ConsistentRead: aws.Bool(true)})
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]any{}
				for name, v := range out.Item {
					switch v := v.(type) {
					case *types.AttributeValueMemberS:
						got[name] = v.Value
					case *types.AttributeValueMemberN:
						got[name] = v.Value
					case *types.AttributeValueMemberB:
						got[name] = string(v.Value)
					}
				}
				return fmt.Sprint(got)
			}
			start := clock.Now()
			c := idempotency.Claim{Key: "k", Owner: "ana", Fingerprint: "f", Lease: time.Minute}
			if _, err := s.Begin(ctx, c); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"PK": "k", "owner": "ana", "fingerprint": "f", "leaseUntil": fmt.Sprint(start.Add(time.Minute).UnixMilli()), "expiresAt": fmt.Sprint(start.Unix() + 1 + 60 + 24*3600)}
			if got := read(); got != fmt.Sprint(want) {
				t.Errorf("got the item %s, want %v", got, want)
			}
			if err := s.Complete(ctx, c, []byte("=42"), time.Hour); err != nil {
				t.Fatal(err)
			}
			want = map[string]any{"PK": "k", "owner": "ana", "fingerprint": "f", "result": "=42", "expiresAt": fmt.Sprint(start.Unix() + 1 + 3600)}
			if got := read(); got != fmt.Sprint(want) {
				t.Errorf("got the item %s, want %v", got, want)
			}
			clock.Advance(time.Hour + time.Second)
			if read() == "map[]" {
				t.Fatal("the item must still be there")
			}
			c.Owner = "ben"
			if out, err := s.Begin(ctx, c); err != nil || out.Status != idempotency.Acquired {
				t.Errorf("got %+v, %v; want the key", out, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, v := range environment("", "") {
		name, _, _ := strings.Cut(v, "=")
		t.Setenv(name, "")
	}
	t.Setenv("AWS_DEFAULT_REGION", "")
	check := func(want string) {
		t.Helper()
		if _, err := New().Begin(t.Context(), idempotency.Claim{Key: "k"}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	check("dynamostore: HEARTH_IDEMPOTENCY_TABLE must hold the table's name, got nothing; hearth.IdempotencyTable creates the table and sets it")
	t.Setenv(EnvTable, "once")
	check("dynamostore: AWS_REGION must be set; Lambda sets it, elsewhere set it yourself")
	for _, i := range []item{{}, {"fingerprint": text("")}} {
		if _, err := outcomeOf(i, time.Now()); err == nil || !strings.Contains(err.Error(), "the table must be for idempotency keys alone") {
			t.Errorf("another item: got %v", err)
		}
	}
}

// TestLostAnswers loses the first answer of each operation after the operation was done,
// so that the SDK repeats it.
func TestLostAnswers(t *testing.T) {
	endpoint, table := startHearth(t)
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var mu sync.Mutex
	seen := map[string]int{}
	lossy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		op := r.Header.Get("X-Amz-Target")
		seen[op]++
		lost := seen[op] == 1
		mu.Unlock()
		if !lost {
			proxy.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}))
	t.Cleanup(lossy.Close)
	setEnvironment(t, lossy.URL, table)
	s := New()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
	defer cancel()
	first := idempotency.Claim{Key: "first", Owner: "ana", Lease: time.Minute}
	if out, err := s.Begin(ctx, first); err != nil || out.Status != idempotency.Acquired {
		t.Errorf("begin: got %+v, %v", out, err)
	}
	if err := s.Complete(ctx, first, []byte("="), time.Hour); err != nil {
		t.Errorf("complete: %v", err)
	}
	second := idempotency.Claim{Key: "second", Owner: "ana", Lease: time.Minute}
	if out, err := s.Begin(ctx, second); err != nil || out.Status != idempotency.Acquired {
		t.Errorf("begin: got %+v, %v", out, err)
	}
	if err := s.Release(ctx, second); err != nil {
		t.Errorf("release: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "map[DynamoDB_20120810.DeleteItem:2 DynamoDB_20120810.PutItem:3 DynamoDB_20120810.UpdateItem:2]"; fmt.Sprint(seen) != want {
		t.Errorf("got the requests %v, want %s", seen, want)
	}
}
