package checks

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
)

const (
	typeFunction = "AWS::Lambda::Function"
	typeAlias    = "AWS::Lambda::Alias"
	typeVersion  = "AWS::Lambda::Version"

	lambdaQuotas = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"

	minTimeoutSeconds   = 1
	maxTimeoutSeconds   = 900
	minMemoryMB         = 128
	maxMemoryMB         = 10240
	minStorageMB        = 512
	maxStorageMB        = 10240
	maxEnvironmentBytes = 4096
)

// between reports a known number that is outside its bounds.
func between(v value, name string, low, high float64, unit string, report reporter) {
	n, known := v.number()
	if !known || n >= low && n <= high {
		return
	}
	remedy := "raise"
	if n > high {
		remedy = "lower"
	}
	report("%s must be from %s to %s%s, got %s; %s it", name, scalar(low), scalar(high), unit, scalar(n), remedy)
}

var functionRules = []Rule{
	{
		ID: "function-timeout", Severity: Error, Page: lambdaQuotas,
		Fault: "A function's timeout outside of Lambda's range; Lambda refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			between(r.get("Timeout"), "Timeout", minTimeoutSeconds, maxTimeoutSeconds, " seconds", report)
		},
	},
	{
		ID: "function-memory", Severity: Error, Page: lambdaQuotas,
		Fault: "A function's memory outside of Lambda's range; Lambda refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			if !r.get("CapacityProviderConfig").has() { // Managed Instances have other bounds
				between(r.get("MemorySize"), "MemorySize", minMemoryMB, maxMemoryMB, " MB", report)
			}
		},
	},
	{
		ID: "function-storage", Severity: Error, Page: lambdaQuotas,
		Fault: "A size of /tmp outside of Lambda's range; Lambda refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			between(r.get("EphemeralStorage", "Size"), "EphemeralStorage.Size", minStorageMB, maxStorageMB, " MB", report)
		},
	},
	{
		ID: "function-environment", Severity: Error, Page: lambdaQuotas,
		Fault: "Environment variables whose names and known values exceed 4 KB together; Lambda refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			variables := r.get("Environment", "Variables")
			size := 0
			for name := range variables.keys() {
				// The length of tokens is unknown, so they do not count.
				size += len(name) + len(token.ReplaceAllString(variables.get(name).text(), ""))
			}
			if size > maxEnvironmentBytes {
				report("Environment.Variables must be at most %d bytes, got at least %d; shorten them, or keep them in Parameter Store or S3", maxEnvironmentBytes, size)
			}
		},
	},
	{
		ID: "function-environment-name", Severity: Error,
		Page:  "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
		Fault: "An environment variable with a name that Lambda reserves; Lambda refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			for _, name := range slices.Sorted(maps.Keys(r.get("Environment", "Variables").keys())) {
				if wire.ReservedVariables[name] {
					report("Environment.Variables must not have a name that Lambda reserves, got %q; choose another name", name)
				}
			}
		},
	},
	{
		ID: "function-snapstart", Severity: Error,
		Page:  "https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html",
		Fault: "SnapStart with provisioned concurrency, a container image, more than 512 MB of /tmp, or a runtime that does not support it; Lambda refuses it.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			if r.get("SnapStart", "ApplyOn").text() != "PublishedVersions" {
				return
			}
			if runtime, known := r.get("Runtime").literal(); known && !strings.HasPrefix(runtime, "java") && !strings.HasPrefix(runtime, "python") && !strings.HasPrefix(runtime, "dotnet") {
				report("SnapStart.ApplyOn must be None for a runtime other than Java, Python and .NET, got PublishedVersions for %q; remove it", runtime)
			}
			if r.get("PackageType").text() == "Image" {
				report("SnapStart.ApplyOn must be None for a container image, got PublishedVersions; remove it")
			}
			if size, known := r.get("EphemeralStorage", "Size").number(); known && size > minStorageMB {
				report("EphemeralStorage.Size must be at most %d MB with SnapStart, got %s; lower it or remove SnapStart", minStorageMB, scalar(size))
			}
			for _, w := range r.warm() {
				report("SnapStart.ApplyOn must be None with provisioned concurrency, got PublishedVersions and %s on %s; remove one of them", scalar(w.instances), w.resource.id)
			}
		},
	},
	{
		ID: "function-key", Severity: Error,
		Page:  "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
		Fault: "A KMS key that is named by its id or alias; Lambda accepts only its ARN and refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			if key, known := r.get("KmsKeyArn").literal(); known && key != "" && !strings.HasPrefix(key, "arn:") {
				report("KmsKeyArn must be the ARN of a key, got %q; write its ARN", key)
			} else if k := r.get("KmsKeyArn").resource("AWS::KMS::Key", "AWS::KMS::Alias"); k != nil && r.get("KmsKeyArn").text() == tokenOf(k, "") {
				report("KmsKeyArn must be the ARN of a key, got the name of %s; use Fn::GetAtt with Arn", k.id)
			}
		},
	},
	{
		ID: "function-logging", Severity: Error,
		Page:  "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html",
		Fault: "A log level of a function that logs text; Lambda accepts log levels only with JSON and refuses the function.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			format := r.get("LoggingConfig", "LogFormat")
			// Managed Instances log JSON by default.
			if text := format.text() == "Text"; !text && (format.has() || r.get("CapacityProviderConfig").has()) {
				return
			}
			for _, name := range []string{"ApplicationLogLevel", "SystemLogLevel"} {
				if level, known := r.get("LoggingConfig", name).literal(); known {
					report("LoggingConfig.LogFormat must be JSON with %s, got %q with %s; set it or remove the level", name, cmp.Or(format.text(), "Text"), level)
				}
			}
		},
	},
}
