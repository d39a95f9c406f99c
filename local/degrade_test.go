package local_test

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// get asks a URL, and returns the status and the body.
func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := within.Client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

// startApis starts the app of apisTemplate, changed.
func startApis(t *testing.T, opts local.Options, change func(resources map[string]any)) *local.Engine {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template := apisTemplate()
	change(template["Resources"].(map[string]any))
	opts.Assembly = writeAssembly(t, t.TempDir(), "Apis", template)
	programs := map[string]string{"Fn": self}
	maps.Copy(programs, opts.Programs)
	opts.Programs = programs
	if opts.Env == nil {
		opts.Env = map[string]string{}
	}
	opts.Env[envLedger], opts.Env["TEST_PRINT_ENV"] = os.DevNull, "1"
	e, err := local.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func properties(resources map[string]any, id string) map[string]any {
	return resources[id].(map[string]any)["Properties"].(map[string]any)
}

// TestUnknownValuesArePlaceholders: a variable whose value is not known here costs
// nothing but a line, and a given one not even that.
func TestUnknownValuesArePlaceholders(t *testing.T) {
	t.Parallel()
	log := &lines{}
	e := startApis(t, local.Options{Log: log.add, Env: map[string]string{"GIVEN": "mine"}}, func(resources map[string]any) {
		for _, id := range []string{"Bucket", "Topic", "Stream", "Secret"} {
			resources[id] = map[string]any{"Type": "AWS::Some::" + id, "Properties": map[string]any{}}
		}
		ref := func(id string) any { return map[string]any{"Ref": id} }
		properties(resources, "Fn")["Environment"] = map[string]any{"Variables": map[string]any{
			"BUCKET": ref("Bucket"), "TOPIC": map[string]any{"Fn::GetAtt": []any{"Topic", "Arn"}}, "MISSING": ref("Nothing"), "GIVEN": ref("Secret"),
			"URL": map[string]any{"Fn::Sub": "https://${Bucket}.s3.amazonaws.com/x"}, "SECRET": "{{resolve:secretsmanager:db:SecretString:password::}}", "PLAIN": "1",
		}}
		properties(resources, "Fn")["DeadLetterConfig"] = map[string]any{"TargetArn": ref("Topic")}
		resources["Async"] = map[string]any{"Type": "AWS::Lambda::EventInvokeConfig", "Properties": map[string]any{
			"FunctionName": ref("Fn"), "Qualifier": "$LATEST", "DestinationConfig": map[string]any{"OnFailure": map[string]any{"Destination": ref("Topic")}},
		}}
	})
	env := get(t, e.URL()+"/any")
	for _, want := range []string{
		`"BUCKET=not-known-here-apis-bucket"`, `"TOPIC=not-known-here-apis-topic"`, `"MISSING=not-known-here-apis-nothing"`, `"GIVEN=mine"`,
		`"URL=https://not-known-here-apis-bucket.s3.amazonaws.com/x"`, `"SECRET=not-known-here-secret"`, `"PLAIN=1"`,
	} {
		if !strings.Contains(env, want) {
			t.Errorf("no %s in %s", want, env)
		}
	}
	for _, want := range []string{
		`Apis/Fn: variable BUCKET is "not-known-here-apis-bucket", because Ref Bucket of type AWS::Some::Bucket is not known here; give it a value in .env, or with --env BUCKET=VALUE`,
		`variable TOPIC is "not-known-here-apis-topic", because Fn::GetAtt Topic.Arn of type AWS::Some::Topic is not known here`,
		`variable MISSING is`, `variable URL is`, `variable SECRET is "not-known-here-secret", because a secret or parameter of the account is not known here`,
	} {
		if log.count(want) != 1 {
			t.Errorf("not one line %q in %q", want, log.all())
		}
	}
	if log.count("variable GIVEN")+log.count("variable PLAIN") > 0 {
		t.Errorf("%q", log.all())
	}
}

// TestFunctionsThatDoNotRunHere cost their own routes alone.
func TestFunctionsThatDoNotRunHere(t *testing.T) {
	t.Parallel()
	other := elf.EM_AARCH64
	if self, err := elf.Open("/proc/self/exe"); err == nil && self.Machine == other {
		other = elf.EM_X86_64
	}
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	header[16], header[18], header[20], header[52] = 2, byte(other), 1, 64
	for name, c := range map[string]struct {
		bootstrap string
		mode      fs.FileMode
		want      string
	}{
		"a script":             {"#!/bin/sh\necho hi\n", 0o755, "is a script"},
		"another architecture": {string(header), 0o755, "the deployed bootstrap is for linux/"},
		"no program":           {"hello", 0o755, "is no program for Linux"},
		"empty":                {"", 0o755, "is no program for Linux"},
		"not executable":       {string(header), 0o644, "the deployed bootstrap is not executable"},
		"a folder":             {"", fs.ModeDir, "the deployed bootstrap is a folder"},
		"nothing":              {"", 0, "there is no deployed program in the assembly"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &lines{}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			template, dir := apisTemplate(), t.TempDir()
			resources := template["Resources"].(map[string]any)
			fn := maps.Clone(resources["Fn"].(map[string]any))
			fn["Properties"] = maps.Clone(fn["Properties"].(map[string]any))
			fn["Properties"].(map[string]any)["Code"] = map[string]any{"S3Bucket": "b", "S3Key": "other.zip"}
			resources["Other"] = fn
			properties(resources, "HttpBInt")["IntegrationUri"] = map[string]any{"Fn::GetAtt": []any{"Other", "Arn"}}
			for _, key := range []string{"AuthorizationType", "AuthorizerId"} {
				delete(properties(resources, "HttpBRoute"), key)
			}
			writeAssembly(t, dir, "Apis", template)
			if c.mode != 0 {
				addAsset(t, dir, "other.zip", c.bootstrap, c.mode)
			}
			e, err := local.Start(t.Context(), local.Options{Assembly: dir, Programs: map[string]string{"Fn": self}, Log: log.add, Env: map[string]string{envLedger: os.DevNull, "TEST_PRINT_ENV": "1"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Stop)
			if got := get(t, e.URL()+"/any"); !strings.HasPrefix(got, "200 ") {
				t.Errorf("another function: %s", got)
			}
			if got := get(t, e.State().HTTPAPIs[1].URL+"/guarded"); !strings.HasPrefix(got, "500 ") {
				t.Errorf("its own route: %s", got)
			}
			if log.count("Apis/Other: it does not run here: ", c.want, "name the folder of its Go program with --handler Other=DIR") != 1 {
				t.Errorf("log: %q", log.all())
			}
		})
	}
}

// addAsset puts a folder with a bootstrap into an assembly.
func addAsset(t *testing.T, dir, key, bootstrap string, mode fs.FileMode) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "asset.other"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var manifest map[string]any
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	manifest["artifacts"].(map[string]any)["Assets"] = map[string]any{"type": "cdk:asset-manifest", "properties": map[string]any{"file": "assets.json"}}
	assets := map[string]any{"files": map[string]any{"x": map[string]any{
		"source": map[string]any{"path": "asset.other"}, "destinations": map[string]any{"y": map[string]any{"objectKey": key}},
	}}}
	for path, content := range map[string]any{path: manifest, filepath.Join(dir, "assets.json"): assets} {
		data, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, "asset.other", "bootstrap")
	if mode.IsDir() {
		err = os.Mkdir(path, 0o755)
	} else {
		err = os.WriteFile(path, []byte(bootstrap), mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnknownAuthorizers: the app starts, open routes are open, and the routes of an
// authorizer that is not known here answer 401 and say so.
func TestUnknownAuthorizers(t *testing.T) {
	t.Parallel()
	cognito := func(resources map[string]any) {
		resources["Pool"] = map[string]any{"Type": "AWS::Cognito::UserPool", "Properties": map[string]any{}}
		resources["Client"] = map[string]any{"Type": "AWS::Cognito::UserPoolClient", "Properties": map[string]any{}}
		properties(resources, "Jwt")["JwtConfiguration"] = map[string]any{
			"Issuer": map[string]any{"Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/${Pool}"}, "Audience": []any{map[string]any{"Ref": "Client"}},
		}
	}
	log := &lines{}
	e := startApis(t, local.Options{Log: log.add}, cognito)
	if got := get(t, e.URL()+"/any"); !strings.HasPrefix(got, "200 ") {
		t.Errorf("an open route: %s", got)
	}
	if got := get(t, e.State().HTTPAPIs[1].URL+"/guarded"); got != `401 {"message":"Unauthorized"}` {
		t.Errorf("a guarded route: %s", got)
	}
	if log.count("Apis/Jwt: its routes are answered 401, because", "Ref Pool of type AWS::Cognito::UserPool", "name its issuer with --issuer Jwt=URL,AUDIENCE") != 1 {
		t.Errorf("at the start: %q", log.all())
	}
	if log.count("GET /guarded is answered 401: the authorizer Apis/Jwt cannot be asked: ") != 1 {
		t.Errorf("at the request: %q", log.all())
	}

	log = &lines{}
	e = startApis(t, local.Options{Log: log.add, Issuers: map[string]local.Issuer{"Jwt": {Issuer: "http://127.0.0.1:1", Audience: []string{"a"}}}}, cognito)
	if got := get(t, e.State().HTTPAPIs[1].URL+"/guarded"); got != `401 {"message":"Unauthorized"}` || log.count("Jwt") > 0 {
		t.Errorf("with an issuer: %s %q", got, log.all())
	}

	// Authorizers of other kinds, on both kinds of APIs.
	log = &lines{}
	e = startApis(t, local.Options{Log: log.add}, func(resources map[string]any) {
		for id, api := range map[string]string{"AskA": "HttpA", "AskB": "SocketB"} {
			resources[id] = map[string]any{"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": map[string]any{
				"ApiId": map[string]any{"Ref": api}, "AuthorizerType": "REQUEST", "AuthorizerUri": map[string]any{"Fn::ImportValue": "elsewhere"},
			}}
		}
		for id, auth := range map[string]any{"HttpARoute": map[string]any{"Ref": "AskA"}, "SocketBRoute": map[string]any{"Ref": "AskB"}, "HttpBRoute": map[string]any{"Ref": "Unheard"}} {
			p := properties(resources, id)
			p["AuthorizationType"], p["AuthorizerId"] = "CUSTOM", auth
		}
		properties(resources, "SocketBRoute")["RouteKey"] = "$connect"
		resources["Unheard"] = map[string]any{"Type": "AWS::Some::Authorizer", "Properties": map[string]any{}}
	})
	s := e.State()
	for what, got := range map[string]string{"a Lambda authorizer elsewhere": get(t, e.URL()+"/any"), "an authorizer of another type": get(t, s.HTTPAPIs[1].URL+"/guarded")} {
		if got != `401 {"message":"Unauthorized"}` {
			t.Errorf("%s: %s", what, got)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", strings.Replace(s.WebSocketAPIs[1].URL, "ws", "http", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
		req.Header.Set(name, value)
	}
	resp, err := within.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("$connect: %s", resp.Status)
	}
}

// TestReloadErrorKeepsTheApp: after a failed reload the old app keeps running, under the
// same addresses.
func TestReloadErrorKeepsTheApp(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(change func(resources map[string]any)) {
		template := apisTemplate()
		resources := template["Resources"].(map[string]any)
		resources["Jobs"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "jobs", "VisibilityTimeout": 30}}
		change(resources)
		writeAssembly(t, dir, "Apis", template)
	}
	write(func(map[string]any) {})
	e, err := local.Start(t.Context(), local.Options{Assembly: dir, Programs: map[string]string{"Fn": self}, Env: map[string]string{envLedger: os.DevNull, "TEST_PRINT_ENV": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	before := e.State()
	urls := []string{before.HTTPAPIs[0].URL + "/any", before.HTTPAPIs[2].URL + "/any"}
	// The APIs' ids change, tables come and a port is needed; and one part is wrong.
	for name, wrong := range map[string]func(resources map[string]any){
		"a schedule": func(resources map[string]any) {
			resources["Bad"] = map[string]any{"Type": "AWS::Scheduler::Schedule", "Properties": map[string]any{
				"ScheduleExpression": "daily", "Target": map[string]any{"Arn": map[string]any{"Fn::GetAtt": []any{"Fn", "Arn"}}},
			}}
		},
		"a queue": func(resources map[string]any) {
			resources["Bad"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "not a name"}}
		},
		"a table": func(resources map[string]any) {
			properties(resources, "Notes")["TableName"] = "x"
		},
		"a route": func(resources map[string]any) {
			resources["HttpARoute2"] = resources["NewRoute"]
		},
		"a name that is there twice": func(resources map[string]any) {
			resources["Twin"] = resources["Fn"]
			properties(resources, "Fn")["FunctionName"] = "api"
		},
	} {
		write(func(resources map[string]any) {
			for _, part := range []string{"", "Int", "Route", "Stage"} {
				moved := resources["HttpA"+part].(map[string]any)
				delete(resources, "HttpA"+part)
				if part != "" {
					moved["Properties"].(map[string]any)["ApiId"] = map[string]any{"Ref": "New"}
				}
				if part == "Route" {
					moved["Properties"].(map[string]any)["Target"] = "integrations/x"
					moved["Properties"].(map[string]any)["Target"] = map[string]any{"Fn::Sub": "integrations/${NewInt}"}
				}
				resources["New"+part] = moved
			}
			resources["Notes"] = map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
				"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
				"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
			}}
			properties(resources, "Jobs")["VisibilityTimeout"] = 60
			resources["Later"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"QueueName": "later"}}
			wrong(resources)
		})
		if err := e.Reload(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
		for _, url := range urls {
			if got := get(t, url); !strings.HasPrefix(got, "200 ") {
				t.Errorf("%s: GET %s: %.200s", name, url, got)
			}
		}
		if e.DynamoDBEndpoint() != "" {
			t.Errorf("%s: there is an endpoint of tables", name)
		}
		for queue, want := range map[string]string{"jobs": `"VisibilityTimeout":"30"`, "later": "AWS.SimpleQueueService.NonExistentQueue"} {
			if got := sqsCall(t, e, "GetQueueAttributes", queue, `"AttributeNames":["All"]`); !strings.Contains(got, want) {
				t.Errorf("%s: queue %s: got %s, want %s", name, queue, got, want)
			}
		}
	}
	write(func(map[string]any) {})
	if err := e.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

// sqsCall returns SQS's answer to an operation on a queue, and the error's name.
func sqsCall(t *testing.T, e *local.Engine, operation, queue, input string) string {
	t.Helper()
	endpoint := e.State().SQSEndpoint
	return awsCall(t, endpoint, "AmazonSQS."+operation, `{"QueueUrl":"`+endpoint+`/000000000000/`+queue+`",`+input+`}`)
}

// awsCall returns the answer of a simulated service, and the error's name.
func awsCall(t *testing.T, endpoint, target, input string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	resp, err := within.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body) + resp.Header.Get("X-Amzn-Query-Error")
}

// TestOneNameTwice: two stacks with one physical name are not merged.
func TestOneNameTwice(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		names  [2]string
		change func(resources map[string]any)
	}{
		`the function name "api" is that of Dev/Ledger and of Prod/Ledger, which cannot run side by side here; choose one with --stack Dev`: {
			[2]string{"Dev", "Prod"}, func(resources map[string]any) { properties(resources, "Ledger")["FunctionName"] = "api" }},
		`the queue name "mails" is that of Dev/Mails and of Prod/Mails`: {
			[2]string{"Dev", "Prod"}, func(resources map[string]any) { properties(resources, "Mails")["QueueName"] = "mails" }},
		`the table name "users" is that of Dev/Users and of Prod/Users, which cannot run side by side here; choose one with --stack Dev`: {
			[2]string{"Dev", "Prod"}, func(resources map[string]any) {
				resources["Users"] = map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
					"TableName": "users", "KeySchema": []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
					"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
				}}
			}},
		`the stacks Dev and Prod are both named App; choose one with --stack Dev`: {[2]string{"App", "App"}, nil},
	} {
		dir := t.TempDir()
		artifacts := map[string]any{}
		for i, id := range []string{"Dev", "Prod"} {
			template := ledgerTemplate()
			if c.change != nil {
				c.change(template["Resources"].(map[string]any))
			}
			data, err := json.Marshal(template)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, id+".json"), data, 0o644); err != nil {
				t.Fatal(err)
			}
			artifacts[id] = map[string]any{"type": "aws:cloudformation:stack", "properties": map[string]any{"templateFile": id + ".json", "stackName": c.names[i]}}
		}
		data, err := json.Marshal(map[string]any{"artifacts": artifacts})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		opts := local.Options{Assembly: dir, Programs: map[string]string{"Ledger": self}, Env: map[string]string{envLedger: os.DevNull}}
		if e, err := local.Start(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
			if err == nil {
				e.Stop()
			}
		}
		opts.Stacks = []string{"Prod"}
		e, err := local.Start(t.Context(), opts)
		if err != nil {
			t.Errorf("with --stack Prod: %v", err)
			continue
		}
		e.Stop()
	}
}

// TestCallbacksThatReachAWS: a WebSocket API whose callback URL no function is told is
// named at the start.
func TestCallbacksThatReachAWS(t *testing.T) {
	t.Parallel()
	log := &lines{}
	e := startApis(t, local.Options{Log: log.add}, func(map[string]any) {})
	for i, want := range []int{1, 0} { // SocketB is in the variable CALLBACKS
		s := e.State().WebSocketAPIs[i]
		if got := log.count("Apis/"+s.LogicalID+": programs that push to https://{domainName}/live reach AWS", "which is "+s.CallbackURL+" here"); got != want {
			t.Errorf("%s: %d lines, want %d: %q", s.LogicalID, got, want, log.all())
		}
	}
}
