package local

import (
	"debug/buildinfo"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

const (
	sdk1        = "github.com/aws/aws-sdk-go"
	sdk2        = "github.com/aws/aws-sdk-go-v2"
	sdkServices = sdk2 + "/service/"
)

// sdkWithEndpoints are the first versions of the AWS SDK's modules that read
// AWS_ENDPOINT_URL_SQS and the like, all of 2023-11-01. Each module counts: the client of a
// service asks the module config, which may be older.
// https://github.com/aws/aws-sdk-go-v2/blob/main/CHANGELOG.md (2026-11)
var sdkWithEndpoints = map[string]string{
	sdk2: "v1.22.0", sdk2 + "/config": "v1.21.0", sdkServices + "sqs": "v1.26.0", sdkServices + "dynamodb": "v1.25.0",
}

// sdkWarnings are sentences about the AWS SDK in a program that runs with an environment.
// They come from the program's build information, if it has one.
func sdkWarnings(program string, env map[string]string) []string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil
	}
	var list []string
	for _, why := range []string{ignoresEndpoints(info), callsOthers(info, env)} {
		if why != "" {
			list = append(list, why)
		}
	}
	return list
}

// ignoresEndpoints names a module of a program that would call AWS instead of the engine's
// services; "" means none.
func ignoresEndpoints(info *buildinfo.BuildInfo) string {
	for _, module := range info.Deps {
		version := module.Version
		if module.Replace != nil && module.Replace.Path == module.Path { // a fork has versions of its own
			version = module.Replace.Version
		}
		first, known := sdkWithEndpoints[module.Path]
		if module.Path == sdk1 || known && semver.Compare(version, first) < 0 {
			if !known {
				first = sdkWithEndpoints[sdk2]
			}
			return fmt.Sprintf("the program is built with %s %s, which ignores AWS_ENDPOINT_URL_SQS and its like: its calls go to AWS, with credentials that AWS refuses; "+
				"use %s %s or later, or set the endpoint in the program", module.Path, version, newer(module.Path), first)
		}
	}
	return ""
}

// newer returns the module that replaces one that ignores endpoints.
func newer(module string) string {
	if module == sdk1 {
		return sdk2
	}
	return module
}

// simulatedServices are the clients of services that the engine simulates, those that the
// SDK itself needs for credentials, and the one for WebSocket connections, of which the
// plan warns.
var simulatedServices = []string{"sqs", "dynamodb", "apigatewaymanagementapi", "sts", "sso", "ssooidc", "signin"}

// callsOthers names the services that a program may call and that are not simulated; ""
// means none, or that the user has set an endpoint or credentials.
func callsOthers(info *buildinfo.BuildInfo, env map[string]string) string {
	for name, value := range env {
		chosen := strings.HasPrefix(name, "AWS_ENDPOINT_URL") && name != "AWS_ENDPOINT_URL_SQS" && name != "AWS_ENDPOINT_URL_DYNAMODB"
		if value != "" && (chosen || name == "AWS_ACCESS_KEY_ID" || name == "AWS_PROFILE" || name == "AWS_WEB_IDENTITY_TOKEN_FILE") {
			return ""
		}
	}
	var names []string
	for _, module := range info.Deps {
		name, found := strings.CutPrefix(module.Path, sdkServices)
		simulated := slices.Contains(simulatedServices, name) && (name != "dynamodb" || env["AWS_ENDPOINT_URL_DYNAMODB"] != "")
		if found && path.Dir(name) == "." && !simulated {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("the program is built with the clients of %s, which are not simulated: their calls go to AWS, with credentials that AWS refuses; "+
		"name an endpoint (AWS_ENDPOINT_URL_S3 and the like) or credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) in .env", strings.Join(names, ", "))
}
