package local

import (
	"debug/buildinfo"
	"runtime/debug"
	"strings"
	"testing"
)

// TestOldSDKs: only modules that ignore the endpoint variables are named.
func TestOldSDKs(t *testing.T) {
	t.Parallel()
	module := func(path, version string) *debug.Module { return &debug.Module{Path: path, Version: version} }
	for _, c := range []struct {
		module  *debug.Module
		ignores bool
	}{
		{module("github.com/aws/aws-sdk-go", "v1.44.300"), true},
		{module("github.com/aws/aws-sdk-go-v2", "v1.21.2"), true},
		{module("github.com/aws/aws-sdk-go-v2", "v1.22.0"), false},
		{module("github.com/aws/aws-sdk-go-v2/service/sqs", "v1.0.0"), false},
		{module("github.com/aws/aws-lambda-go", "v1.0.0"), false},
		{&debug.Module{Path: "github.com/aws/aws-sdk-go-v2", Version: "v1.40.0", Replace: module("github.com/aws/aws-sdk-go-v2", "v1.20.0")}, true},
	} {
		why := ignoresEndpoints(&buildinfo.BuildInfo{Deps: []*debug.Module{c.module}})
		if (why != "") != c.ignores || c.ignores && !strings.Contains(why, "which ignores AWS_ENDPOINT_URL_SQS") {
			t.Errorf("%+v: %q", c.module, why)
		}
	}
}
