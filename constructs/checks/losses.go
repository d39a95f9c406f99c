package checks

import (
	"maps"
	"slices"
	"strings"
)

// contents describes what CloudFormation deletes with a resource, also when it replaces the
// resource.
var contents = map[string]string{
	typeQueue:                        "its messages",
	"AWS::DynamoDB::Table":           "its items",
	"AWS::DynamoDB::GlobalTable":     "its items",
	"AWS::Logs::LogGroup":            "its log history",
	"AWS::S3::Bucket":                "its objects",
	"AWS::RDS::DBCluster":            "its data",
	"AWS::RDS::DBInstance":           "its data",
	"AWS::EFS::FileSystem":           "its files",
	"AWS::Kinesis::Stream":           "its records",
	"AWS::SecretsManager::Secret":    "its value",
	"AWS::SSM::Parameter":            "its value",
	"AWS::KMS::Key":                  "whatever it has encrypted",
	"AWS::Cognito::UserPool":         "its users",
	"AWS::ElastiCache::CacheCluster": "its items",
	"AWS::ECR::Repository":           "its images",
	"AWS::SNS::Topic":                "its subscriptions from outside of the stack",
	"AWS::EC2::EIP":                  "its address",
	typeURL:                          "its address, which clients call",
	typeRESTAPI:                      "its address, which clients call",
	typeFunction:                     "its warm instances, and its name for callers outside of the stack",
	typeAlias:                        "its warm instances",
	"AWS::RDS::DBProxy":              "its address and the database connections of clients",
}

// losses describes what the deletion or replacement of a resource loses.
func (r *resource) losses(change string) string {
	raw := r.raw.DeletionPolicy
	if change == replaced {
		raw = r.raw.UpdateReplacePolicy
	}
	policy := value{r.stack, raw}.text()
	lost := contents[r.kind]
	switch {
	case r.kind == typeAPI:
		lost = "its address, which clients call"
		if r.get("ProtocolType").text() == "WEBSOCKET" {
			lost = "its address and the connections of its clients"
		}
	case r.kind == typeStage || r.kind == "AWS::ApiGateway::Stage":
		lost = "its part of the API's address"
	case r.kind == typeAlias && r.get("ProvisionedConcurrencyConfig").absent():
		lost = "its ARN for callers outside of the stack"
	}
	switch {
	case lost == "":
		return ""
	case strings.HasPrefix(policy, "Retain"):
		return "the stack's control of it: CloudFormation retains it, with " + lost
	case policy == "Snapshot":
		return lost + ", but CloudFormation keeps a snapshot"
	case policy == "" && change == deleted && (r.kind == "AWS::RDS::DBCluster" || r.kind == "AWS::RDS::DBInstance" && r.get("DBClusterIdentifier").absent()):
		return lost + ", but CloudFormation keeps a snapshot"
	}
	return lost
}

// replacementLosses describes what the replacement of was by r loses. The policy of the
// newer template applies.
func (r *resource) replacementLosses(was *resource, causes []string) string {
	if was.kind != r.kind {
		return "nothing, because CloudFormation refuses to change the type of a resource; choose another logical id"
	}
	renamed := slices.ContainsFunc(causes, func(cause string) bool {
		property, _, _ := strings.Cut(cause, " ")
		return slices.Contains(names[r.kind], property)
	})
	if !renamed && r.sameName(was) {
		return "nothing, because CloudFormation refuses the update: the new resource has the name of the old one; change " + list(names[r.kind]) + " too"
	}
	old := *was
	old.raw.UpdateReplacePolicy = r.raw.UpdateReplacePolicy
	return old.losses(replaced)
}

// additionLosses reports a new resource that has the name of a deleted one. CloudFormation
// creates before it deletes, so it refuses the update.
func (r *resource) additionLosses(before, after map[string]*resource) string {
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if was := before[id]; after[id] == nil && was.kind == r.kind && r.sameName(was) {
			return "nothing, because CloudFormation refuses the update: " + id + ", which it deletes later, has the same name; change " + list(names[r.kind]) + ", or keep the logical id"
		}
	}
	return ""
}

// sameName reports whether two resources have the same fixed name.
func (r *resource) sameName(was *resource) bool {
	if len(names[r.kind]) == 0 {
		return false
	}
	name, known := r.name()
	old, same := was.name()
	return known && same && readable(name) == readable(old)
}

// updateLosses describes what an update in place loses.
func (r *resource) updateLosses(was *resource) string {
	lowered := func(property string, fallback float64) (float64, bool) {
		before, ok1 := was.get(property).numberOr(fallback)
		after, ok2 := r.get(property).numberOr(fallback)
		return after, ok1 && ok2 && after < before
	}
	switch r.kind {
	case typeAlias:
		if warm := was.get("ProvisionedConcurrencyConfig"); warm.absent() {
			return ""
		}
		if r.get("ProvisionedConcurrencyConfig").absent() {
			return "its warm instances, so that requests wait for cold starts"
		}
		if readable(was.get("FunctionVersion").text()) != readable(r.get("FunctionVersion").text()) {
			return "the warm instances of the old version, once those of the new one are ready"
		}
	case typeQueue:
		if seconds, less := lowered("MessageRetentionPeriod", defaultRetentionSeconds); less {
			return "messages older than " + scalar(seconds) + " seconds"
		}
	case "AWS::Logs::LogGroup":
		const forever = 1e9 // more days than any retention
		if days, less := lowered("RetentionInDays", forever); less {
			return "log history older than " + scalar(days) + " days"
		}
	}
	return ""
}
