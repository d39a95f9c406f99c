package local

import (
	"debug/buildinfo"
	"fmt"

	"golang.org/x/mod/semver"
)

// sdkWithEndpoints is the first version of the AWS SDK that reads AWS_ENDPOINT_URL_SQS
// and the like, released in November 2023.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html (2026-11)
const sdkWithEndpoints = "v1.22.0"

// whyIgnoresEndpoints names the modules of a program that would call AWS instead of the
// engine's services; "" means none. It reads the program's build information.
func whyIgnoresEndpoints(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	return ignoresEndpoints(info)
}

func ignoresEndpoints(info *buildinfo.BuildInfo) string {
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		switch {
		case module.Path == "github.com/aws/aws-sdk-go",
			module.Path == "github.com/aws/aws-sdk-go-v2" && semver.Compare(module.Version, sdkWithEndpoints) < 0:
			return fmt.Sprintf("the program is built with %s %s, which ignores AWS_ENDPOINT_URL_SQS and its like: its calls go to AWS, with credentials that AWS refuses; "+
				"use github.com/aws/aws-sdk-go-v2 %s or later, or set the endpoint in the program", module.Path, module.Version, sdkWithEndpoints)
		}
	}
	return ""
}
