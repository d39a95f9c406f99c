package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// restDeployment is the logical id of the REST API's deployment. The CDK gives it a new
// hash when the API changes.
var restDeployment = regexp.MustCompile(`RestApiDeployment[0-9A-F]{8}[0-9a-f]{32}`)

// TestUpdate changes a variable of the function and the deployment of the REST API while
// clients make requests through each way in. No request fails, no address changes, and
// whoever has seen the new version never sees the old one again.
func TestUpdate(t *testing.T) {
	t.Parallel()
	assembly := synth(t, "drill", "..", nil, "CDK_VALIDATION=false")
	program, err := drillProgram()
	if err != nil {
		t.Fatal(err)
	}
	release(t, assembly, "1")
	d := startDrill(t, assembly, program, nil)
	ways := map[string]func() string{"HTTP API": d.api, "REST API": d.rest, "Function URL": d.url}
	addresses := map[string]string{}
	for way, address := range ways {
		addresses[way] = address()
	}
	for way, address := range addresses {
		if got := version(address); got != "200 1" {
			t.Errorf("%s before the update: %s", way, got)
		}
	}
	release(t, assembly, "2")
	d.resources = readResources(t, assembly)

	var updated atomic.Bool
	var clients, begun sync.WaitGroup
	for way, address := range addresses {
		begun.Add(1)
		clients.Go(func() {
			want := "200 1"
			for n, done := 0, false; !done; n++ {
				done = updated.Load()
				got := version(address)
				if done || got == "200 2" {
					want = "200 2"
				}
				if got != want {
					t.Errorf("%s, after the update: %t: %s, want %s", way, done, got, want)
				}
				if n == 0 {
					begun.Done()
				}
			}
		})
	}
	begun.Wait()
	if err := d.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	updated.Store(true)
	clients.Wait()
	for way, address := range ways {
		if got := address(); got != addresses[way] {
			t.Errorf("%s has moved from %s to %s", way, addresses[way], got)
		}
	}
	if t.Failed() {
		t.Log(d.log)
	}
}

// release writes a version of the app: a variable of its functions, and a deployment of
// its REST API.
func release(t *testing.T, assembly, version string) {
	t.Helper()
	path := filepath.Join(assembly, "Drill.template.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	deployment := "RestApiDeployment" + strings.Repeat("A", 8) + fmt.Sprintf("%032s", version)
	if !restDeployment.Match(data) {
		t.Fatal("the template has no deployment of a REST API")
	}
	var template map[string]any
	if err := json.Unmarshal(restDeployment.ReplaceAll(data, []byte(deployment)), &template); err != nil {
		t.Fatal(err)
	}
	for _, r := range template["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == "AWS::Lambda::Function" {
			r["Properties"].(map[string]any)["Environment"].(map[string]any)["Variables"].(map[string]any)["DRILL_VERSION"] = version
		}
	}
	if data, err = json.Marshal(template); err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// version returns the status and the body of an answer.
func version(address string) string {
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.Get(address + "/work")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(response.StatusCode, " ", string(body))
}
