// Package awsenv reads the variables that Lambda sets for AWS clients. It replaces the
// SDK's config package, whose many other sources (profiles, SSO, instance metadata) a
// function never uses but would link.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (2026-11)
package awsenv

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Credentials provides the credentials of the function's role. Each use reads them again
// from the environment.
var Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return aws.Credentials{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set; Lambda sets them from the function's role, elsewhere set them yourself")
	}
	return c, nil
})

// Region returns the function's region.
func Region() (string, error) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := os.Getenv(name); region != "" {
			return region, nil
		}
	}
	return "", errors.New("AWS_REGION must be set; Lambda sets it, elsewhere set it yourself")
}

// MaxConcurrency returns how many invocations the process handles at the same time: one,
// or on Lambda Managed Instances as many as Lambda says.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html (2026-11)
func MaxConcurrency() int {
	n, err := strconv.Atoi(os.Getenv("AWS_LAMBDA_MAX_CONCURRENCY"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// Endpoint returns the endpoint that replaces a service's regional one, or "". service is
// the suffix of the service's variable: SQS for AWS_ENDPOINT_URL_SQS.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html (2026-11)
func Endpoint(service string) string {
	if strings.EqualFold(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return ""
	}
	if url := os.Getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return url
	}
	return os.Getenv("AWS_ENDPOINT_URL")
}
