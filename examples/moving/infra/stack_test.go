package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/lambdahearth/hearth/constructs/checks"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/localtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

// page lists the changes of the move, between two marks.
const (
	page  = "docs/moving-in.md"
	begin = "<!-- made by go test ./examples/moving/infra -update -->\n```\n"
	end   = "```\n<!-- end -->"
)

// TestMove checks that the update replaces and deletes no resource with state, and that the
// page lists its changes.
func TestMove(t *testing.T) {
	t.Chdir("../../..")
	changes, err := checks.ComparePaths(synth(t, before), synth(t, after))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range changes {
		if c.Type == "AWS::SQS::Queue" || c.Type == "AWS::ApiGatewayV2::Api" {
			t.Errorf("the move changes what holds state: %s", c)
		}
		line := fmt.Sprintf("%-7s %-33s %s", c.Change, c.Type, c.Path)
		if c.Because != "" && c.Change == "update" {
			line += ": " + c.Because
		}
		lines = append(lines, line)
	}
	text := strings.Join(lines, "\n") + "\n"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(data), begin)
	shown, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no marks", page)
	}
	if hearthtest.Updating() {
		if err := os.WriteFile(page, []byte(head+begin+text+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if shown != text {
		t.Errorf("%s shows\n%s\nbut the move does\n%s\nrun go test ./examples/moving/infra -update", page, shown, text)
	}
}

func synth(t *testing.T, newStack func(constructs.Construct, string) awscdk.Stack) string {
	t.Helper()
	props := hearthtest.AppProps(t, "cdk.json")
	(*props.Context)["aws:cdk:enable-path-metadata"] = true // as the CDK CLI sets it
	app := awscdk.NewApp(props)
	newStack(app, "Orders")
	return *app.Synth(nil).Directory()
}

// TestAfter checks that the queue's messages and the API's requests reach the new program.
func TestAfter(t *testing.T) {
	t.Chdir("../../..")
	log := &strings.Builder{}
	app := localtest.Start(t, ".", local.Options{Assembly: synth(t, after), Output: log})
	resp, err := http.Get(app.HTTPURL() + "/orders/7")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "order 7\n" {
		t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
	}
	if err := app.Send("orders", `{"id": "7"}`, ""); err != nil {
		t.Fatal(err)
	}
	localtest.Await(t, "the order has left the queue", func() bool {
		state := app.State()
		i := slices.IndexFunc(state.Queues, func(q local.QueueState) bool { return q.Alias == "orders" })
		left := state.Queues[i].Counters
		return state.EventSources[0].Counters.Messages == 1 && left.Visible+left.InFlight == 0
	})
	if failed := app.State().EventSources[0].Counters.Failed; failed != 0 {
		t.Errorf("%d jobs failed", failed)
	}
	app.Stop() // after it, the log has all output of the program
	if !strings.Contains(log.String(), `"shipped"`) {
		t.Errorf("the job did not run: %s", log)
	}
}
