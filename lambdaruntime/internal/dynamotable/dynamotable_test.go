package dynamotable

import (
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

func TestOpen(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
	t.Setenv("TABLE", "things")
	client, table, err := Open("TABLE", "Things")
	if err != nil || table != "things" {
		t.Fatalf("got %q, %v", table, err)
	}
	options := client.Options()
	if options.Region != "eu-west-1" || options.BaseEndpoint == nil || *options.BaseEndpoint != "http://127.0.0.1:1" {
		t.Errorf("region %s, endpoint %v", options.Region, options.BaseEndpoint)
	}
	if got := options.HTTPClient.(*awshttp.BuildableClient).GetTimeout(); got != 5*time.Second {
		t.Errorf("an attempt may take %v", got)
	}
	t.Setenv("TABLE", "")
	if _, _, err := Open("TABLE", "Things"); err == nil || err.Error() != "TABLE must hold the table's name, got nothing; hearth.Things creates the table and sets it" {
		t.Errorf("got %v", err)
	}
	t.Setenv("TABLE", "things")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, _, err := Open("TABLE", "Things"); err == nil {
		t.Error("there is no region")
	}
}
