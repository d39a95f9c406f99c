package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/within"
)

func dynamodbClient(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// presenceTable is a table of the registry's schema, as the constructs make it.
func presenceTable() map[string]any {
	return map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
		"KeySchema":            []any{map[string]any{"AttributeName": "PK", "KeyType": "HASH"}, map[string]any{"AttributeName": "SK", "KeyType": "RANGE"}},
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "PK", "AttributeType": "S"}, map[string]any{"AttributeName": "SK", "AttributeType": "S"}},
		"BillingMode":          "PAY_PER_REQUEST", "TimeToLiveSpecification": map[string]any{"AttributeName": "expiresAt", "Enabled": true},
	}}
}

// presenceTemplate is a WebSocket API in front of a function that has a table.
func presenceTemplate() map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	resources := map[string]any{
		"Fn": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Code": map[string]any{"S3Bucket": "b", "S3Key": "k"}, "Timeout": 20,
			"Environment": map[string]any{"Variables": map[string]any{"HEARTH_CONNECTIONS_TABLE": ref("Presence")}},
		}},
		"Presence": presenceTable(),
		"Api":      map[string]any{"Type": "AWS::ApiGatewayV2::Api", "Properties": map[string]any{"Name": "Chat", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}},
		"Int": map[string]any{"Type": "AWS::ApiGatewayV2::Integration", "Properties": map[string]any{
			"ApiId": ref("Api"), "IntegrationType": "AWS_PROXY",
			"IntegrationUri": map[string]any{"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"},
		}},
		"Stage": map[string]any{"Type": "AWS::ApiGatewayV2::Stage", "Properties": map[string]any{"ApiId": ref("Api"), "StageName": "live"}},
	}
	for id, key := range map[string]string{"Connect": "$connect", "Default": "$default", "Disconnect": "$disconnect"} {
		resources[id] = map[string]any{"Type": "AWS::ApiGatewayV2::Route", "Properties": map[string]any{
			"ApiId": ref("Api"), "RouteKey": key, "Target": map[string]any{"Fn::Sub": "integrations/${Int}"}, "RouteResponseSelectionExpression": "$default",
		}}
	}
	resources["Reply"] = map[string]any{"Type": "AWS::ApiGatewayV2::RouteResponse", "Properties": map[string]any{"ApiId": ref("Api"), "RouteId": ref("Default"), "RouteResponseKey": "$default"}}
	return map[string]any{"Resources": resources}
}

// presenceProgram copies testdata/presence into a module of its own, so that it can
// be changed, and returns its folder.
func presenceProgram(t *testing.T) (dir string, change func(old, new string)) {
	t.Helper()
	dir = t.TempDir()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const module = "github.com/lambdahearth/hearth"
	write("go.mod", strings.Replace(read("../go.mod"), "module "+module, "module presence", 1)+
		"\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	write("go.sum", read("../go.sum"))
	write("main.go", read("testdata/presence/main.go"))
	return dir, func(old, new string) {
		t.Helper()
		write("main.go", strings.Replace(read(filepath.Join(dir, "main.go")), old, new, 1))
	}
}

// TestConnectionRegistry runs a program that remembers its connections in the table:
// two connections of one user, new code between them, and then their ends.
func TestConnectionRegistry(t *testing.T) {
	t.Parallel()
	dir, change := presenceProgram(t)
	out := &logBuffer{}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Chat", presenceTemplate()), Handlers: map[string]string{"Fn": dir}, Output: out,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	defer func() {
		if t.Failed() {
			t.Log(out)
		}
	}()
	connect := func(user string) *websocket.Conn {
		t.Helper()
		c, _, err := websocket.Dial(within.Context(t), e.WebSocketURL()+"?user="+user, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.CloseNow() })
		return c
	}
	type answer struct {
		Version     string
		Connections int
		Online      []string
	}
	ask := func(c *websocket.Conn) (a answer) {
		t.Helper()
		if err := c.Write(t.Context(), websocket.MessageText, []byte("ana")); err != nil {
			t.Fatal(err)
		}
		_, data, err := c.Read(within.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &a); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		return a
	}
	reported := func(news string, times int) {
		t.Helper()
		eventually(t, news, func() bool { return strings.Count(out.String(), news) >= times })
		if n := strings.Count(out.String(), news); n != times {
			t.Errorf("%q was reported %d times, want %d", news, n, times)
		}
	}

	first := connect("ana")
	ben := connect("ben")
	if diff := cmp.Diff(answer{"one", 1, []string{"ana", "ben"}}, ask(first)); diff != "" {
		t.Errorf("before the new code (-want +got):\n%s", diff)
	}
	change(`"one"`, `"two"`)
	if r, err := e.Rebuild(t.Context(), dir); err != nil || len(r.Functions) != 1 {
		t.Fatalf("rebuild: %+v, %v", r, err)
	}
	second := connect("ana")
	if diff := cmp.Diff(answer{"two", 2, []string{"ana", "ben"}}, ask(second)); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	reported("ana came online", 1)
	table := e.State().Tables[0]
	// An item for each user, and one for each connection.
	if want := (local.TableState{LogicalID: "Presence", Name: "Chat-Presence", ARN: "arn:aws:dynamodb:us-east-1:000000000000:table/Chat-Presence",
		Keys: []string{"PK", "SK"}, TimeToLive: "expiresAt", Counters: table.Counters}); cmp.Diff(want, table) != "" || table.Counters.Items != 5 {
		t.Errorf("the table (-want +got):\n%s, counters %+v", cmp.Diff(want, table), table.Counters)
	}

	first.Close(websocket.StatusNormalClosure, "")
	eventually(t, "the first connection is forgotten", func() bool { return ask(second).Connections == 1 })
	reported("ana went offline", 0)
	second.Close(websocket.StatusNormalClosure, "")
	eventually(t, "the last connection is forgotten", func() bool { return len(ask(ben).Online) == 1 })
	reported("ana went offline", 1)

	endpoint := e.DynamoDBEndpoint()
	e.Stop()
	reported("ana came online", 1)
	reported("ben came online", 1)
	reported("ana went offline", 1)
	if c, err := net.DialTimeout("tcp", strings.TrimPrefix(endpoint, "http://"), time.Second); err == nil {
		c.Close()
		t.Error("the tables are still served")
	}
}

// TestTables changes the tables of a running app.
func TestTables(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template := ledgerTemplate()
	resources := template["Resources"].(map[string]any)
	dir := writeAssembly(t, t.TempDir(), "Chaos", template)
	e, err := local.Start(t.Context(), local.Options{Assembly: dir, Programs: map[string]string{"Ledger": self}, Env: map[string]string{envLedger: os.DevNull, "TEST_PRINT_ENV": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	reload := func() {
		t.Helper()
		writeAssembly(t, dir, "Chaos", template)
		if err := e.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	environ := func() string {
		t.Helper()
		out, err := e.Invoke(t.Context(), "Ledger", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if e.DynamoDBEndpoint() != "" || strings.Contains(environ(), "DYNAMODB") || len(e.State().Tables) != 0 {
		t.Errorf("without tables: endpoint %q, %+v", e.DynamoDBEndpoint(), e.State().Tables)
	}

	named := presenceTable()
	named["Properties"].(map[string]any)["TableName"] = "named"
	resources["Presence"], resources["Named"], resources["Twin"] = presenceTable(), named, named
	global := presenceTable()
	global["Type"] = "AWS::DynamoDB::GlobalTable"
	properties := global["Properties"].(map[string]any)
	properties["Replicas"] = []any{map[string]any{"Region": map[string]any{"Ref": "AWS::Region"}}, map[string]any{"Region": "eu-west-1"}}
	properties["StreamSpecification"] = map[string]any{"StreamViewType": "NEW_IMAGE"}
	resources["Global"] = global
	imported := presenceTable()
	imported["Properties"].(map[string]any)["KeySchema"] = map[string]any{"Fn::GetAtt": []any{"Topic", "TopicName"}}
	resources["Imported"], resources["Topic"] = imported, map[string]any{"Type": "AWS::SNS::Topic"}
	resources["Feed"] = map[string]any{"Type": "AWS::Lambda::EventSourceMapping", "Properties": map[string]any{
		"EventSourceArn": map[string]any{"Fn::GetAtt": []any{"Global", "StreamArn"}}, "FunctionName": map[string]any{"Ref": "Live"}}}
	resources["Ledger"].(map[string]any)["Properties"].(map[string]any)["Environment"] = map[string]any{"Variables": map[string]any{
		"NAME": map[string]any{"Ref": "Presence"}, "ARN": map[string]any{"Fn::GetAtt": []any{"Global", "Arn"}}}}
	reload()
	endpoint := e.DynamoDBEndpoint()
	for _, want := range []string{"AWS_ENDPOINT_URL_DYNAMODB=" + endpoint, "NAME=Chaos-Presence", "ARN=arn:aws:dynamodb:us-east-1:000000000000:table/Chaos-Global"} {
		if env := environ(); !strings.Contains(env, `"`+want+`"`) {
			t.Errorf("no %s in %s", want, env)
		}
	}
	s := e.State()
	var names []string
	for _, table := range s.Tables {
		names = append(names, table.Name)
	}
	if diff := cmp.Diff([]string{"Chaos-Global", "named", "Chaos-Presence"}, names); diff != "" || s.DynamoDBEndpoint != endpoint {
		t.Errorf("tables (-want +got):\n%s, endpoint %q", diff, s.DynamoDBEndpoint)
	}
	if diff := cmp.Diff([]local.Resource{
		{Stack: "Chaos", LogicalID: "Topic", Type: "AWS::SNS::Topic"},
		{Stack: "Chaos", LogicalID: "Global", Type: "AWS::DynamoDB::GlobalTable", Why: "the table is there, without its stream, replicas"},
		{Stack: "Chaos", LogicalID: "Imported", Type: "AWS::DynamoDB::Table", Why: "part of it is not known here"},
		{Stack: "Chaos", LogicalID: "Twin", Type: "AWS::DynamoDB::Table", Why: "another table has its name"},
		{Stack: "Chaos", LogicalID: "Feed", Type: "AWS::Lambda::EventSourceMapping", Why: "its source is no queue"},
	}, s.NotSimulated); diff != "" {
		t.Errorf("not simulated (-want +got):\n%s", diff)
	}

	client := dynamodbClient(endpoint)
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "a"}, "SK": &types.AttributeValueMemberS{Value: "b"}}
	found := func(table string) bool {
		t.Helper()
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key})
		var missing *types.ResourceNotFoundException
		if err != nil && !errors.As(err, &missing) {
			t.Fatal(err)
		}
		return err == nil && out.Item != nil
	}
	for _, table := range []string{"named", "Chaos-Presence"} {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: key}); err != nil {
			t.Fatal(err)
		}
	}
	delete(resources, "Named")
	delete(resources, "Twin")
	reload()
	if !found("Chaos-Presence") || found("named") || e.DynamoDBEndpoint() != endpoint {
		t.Error("a reload must keep the items of tables that stay, and no others")
	}
	// A page of another site cannot ask for them.
	req, err := http.NewRequest("POST", endpoint, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	if resp, err := within.Client.Do(req); err != nil || resp.StatusCode != 403 {
		t.Errorf("another host: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}

	for _, id := range []string{"Presence", "Global", "Imported", "Feed"} {
		delete(resources, id)
	}
	delete(resources["Ledger"].(map[string]any)["Properties"].(map[string]any), "Environment")
	reload()
	if e.DynamoDBEndpoint() != "" || strings.Contains(environ(), "DYNAMODB") {
		t.Errorf("an app without tables has the endpoint %q", e.DynamoDBEndpoint())
	}
	if c, err := net.DialTimeout("tcp", strings.TrimPrefix(endpoint, "http://"), time.Second); err == nil {
		c.Close()
		t.Error("the endpoint of no tables is served")
	}
	resources["Presence"] = presenceTable()
	reload()
	client = dynamodbClient(e.DynamoDBEndpoint())
	if found("Chaos-Presence") {
		t.Error("a table that was gone has its items again")
	}
}

func TestTableErrors(t *testing.T) {
	t.Parallel()
	broken := presenceTable()
	broken["Properties"].(map[string]any)["AttributeDefinitions"] = []any{}
	_, err := startLedger(t, local.Options{}, func(resources map[string]any) { resources["Presence"] = broken })
	if want := `Chaos/Presence: table "Chaos-Presence": the type of the key "PK" must be S, N or B, got ""`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestTablesElsewhere: the engine leaves the endpoint of a program with another DynamoDB
// alone.
func TestTablesElsewhere(t *testing.T) {
	t.Parallel()
	const elsewhere = "http://127.0.0.1:8000"
	for what, c := range map[string]struct {
		env       map[string]string
		variables map[string]any
	}{
		"by the user":     {map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": elsewhere}, map[string]any{}},
		"by the template": {map[string]string{}, map[string]any{"AWS_ENDPOINT_URL_DYNAMODB": elsewhere}},
		"by both":         {map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": elsewhere}, map[string]any{"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}},
	} {
		c.env["TEST_PRINT_ENV"] = "1"
		e, err := startLedger(t, local.Options{Env: c.env}, func(resources map[string]any) {
			resources["Presence"] = presenceTable()
			resources["Ledger"].(map[string]any)["Properties"].(map[string]any)["Environment"] = map[string]any{"Variables": c.variables}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Invoke(t.Context(), "Ledger", []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), `"AWS_ENDPOINT_URL_DYNAMODB=`+elsewhere+`"`) || strings.Contains(string(out), e.DynamoDBEndpoint()) {
			t.Errorf("%s: %s", what, out)
		}
	}
}

// TestTableIndexes: the indexes of a template's table can be queried.
func TestTableIndexes(t *testing.T) {
	t.Parallel()
	e, err := startLedger(t, local.Options{}, func(resources map[string]any) {
		key := func(hash, sort string) []any {
			return []any{map[string]any{"AttributeName": hash, "KeyType": "HASH"}, map[string]any{"AttributeName": sort, "KeyType": "RANGE"}}
		}
		resources["Orders"] = map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
			"TableName": "orders", "KeySchema": key("user", "id"),
			"AttributeDefinitions": []any{
				map[string]any{"AttributeName": "user", "AttributeType": "S"}, map[string]any{"AttributeName": "id", "AttributeType": "S"}, map[string]any{"AttributeName": "paid", "AttributeType": "N"},
			},
			"GlobalSecondaryIndexes": []any{map[string]any{"IndexName": "byId", "KeySchema": key("id", "paid"), "Projection": map[string]any{"ProjectionType": "KEYS_ONLY"}}},
			"LocalSecondaryIndexes":  []any{map[string]any{"IndexName": "byPaid", "KeySchema": key("user", "paid"), "Projection": map[string]any{"ProjectionType": "ALL"}}},
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	client := dynamodbClient(e.DynamoDBEndpoint())
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("orders"), Item: map[string]types.AttributeValue{
		"user": text("anna"), "id": text("1"), "paid": &types.AttributeValueMemberN{Value: "5"}, "note": text("x"),
	}}); err != nil {
		t.Fatal(err)
	}
	for index, want := range map[string]int{"byId": 3, "byPaid": 4} {
		key := map[string]string{"byId": "id = :v", "byPaid": "#u = :v"}[index]
		in := &dynamodb.QueryInput{
			TableName: aws.String("orders"), IndexName: &index, KeyConditionExpression: &key,
			ExpressionAttributeValues: map[string]types.AttributeValue{":v": text(map[string]string{"byId": "1", "byPaid": "anna"}[index])},
		}
		if index == "byPaid" {
			in.ExpressionAttributeNames = map[string]string{"#u": "user"}
		}
		out, err := client.Query(t.Context(), in)
		if err != nil || len(out.Items) != 1 || len(out.Items[0]) != want {
			t.Errorf("%s: %+v, %v, want %d attributes", index, out, err, want)
		}
	}
}
