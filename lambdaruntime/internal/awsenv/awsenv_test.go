package awsenv

import "testing"

func TestEndpoint(t *testing.T) {
	for _, tc := range []struct{ service, all, ignore, want string }{
		{"", "", "", ""},
		{"http://sqs", "", "", "http://sqs"},
		{"", "http://all", "", "http://all"},
		{"http://sqs", "http://all", "", "http://sqs"},
		{"http://sqs", "http://all", "true", ""},
		{"http://sqs", "", "false", "http://sqs"},
	} {
		t.Setenv("AWS_ENDPOINT_URL_SQS", tc.service)
		t.Setenv("AWS_ENDPOINT_URL", tc.all)
		t.Setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", tc.ignore)
		if got := Endpoint("SQS"); got != tc.want {
			t.Errorf("%+v: got %q", tc, got)
		}
	}
}

func TestRegion(t *testing.T) {
	for _, tc := range []struct{ region, fallback, want string }{
		{"eu-west-1", "us-east-1", "eu-west-1"},
		{"", "us-east-1", "us-east-1"},
		{"", "", ""},
	} {
		t.Setenv("AWS_REGION", tc.region)
		t.Setenv("AWS_DEFAULT_REGION", tc.fallback)
		if got, err := Region(); got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%+v: got %q, %v", tc, got, err)
		}
	}
}

func TestMaxConcurrency(t *testing.T) {
	for value, want := range map[string]int{"": 1, "1": 1, "16": 16, "0": 1, "-2": 1, "many": 1} {
		t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", value)
		if got := MaxConcurrency(); got != want {
			t.Errorf("%q: got %d, want %d", value, got, want)
		}
	}
}

func TestCredentialsAreReadAtEachUse(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for _, token := range []string{"one", "two"} {
		t.Setenv("AWS_SESSION_TOKEN", token)
		if c, err := Credentials.Retrieve(t.Context()); err != nil || c.SessionToken != token {
			t.Errorf("got %q, %v; want %q", c.SessionToken, err, token)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if _, err := Credentials.Retrieve(t.Context()); err == nil {
		t.Error("got no error without an access key")
	}
}
