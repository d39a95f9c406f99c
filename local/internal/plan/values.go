package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// values resolves references to resources on this machine.
type values struct {
	queueURL func(name string) string
	queueARN func(name string) string
	apiURL   func(r *assembly.Resource) string
	database Database
}

// decode reads properties of a resource into a struct. For a value that only AWS knows, a
// text gets a placeholder. A property of another kind is left out, with a warning.
func (p *planner) decode(r *assembly.Resource, into any) error {
	return decodeKnown(p.app, r, into, func(property, why string) {
		p.warn(r, "property %s is left out, because %s", property, why)
	})
}

// decodeKnown reads properties as [planner.decode] does. It calls leftOut for each property
// that it leaves out.
func decodeKnown(app *assembly.App, r *assembly.Resource, into any, leftOut func(property, why string)) error {
	unknown, err := app.Loosely(func() error { return r.Decode(into) })
	if err == nil || len(unknown) == 0 {
		return err
	}
	kind := reflect.TypeOf(into).Elem()
	known := *r
	known.Properties = maps.Clone(r.Properties)
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		alone := *r
		alone.Properties = map[string]any{name: r.Properties[name]}
		unknown, err := app.Loosely(func() error { return alone.Decode(reflect.New(kind).Interface()) })
		if err != nil && len(unknown) > 0 {
			delete(known.Properties, name)
			leftOut(name, strings.Join(unknown, " and "))
		}
	}
	reflect.ValueOf(into).Elem().SetZero()
	_, err = app.Loosely(func() error { return known.Decode(into) })
	return err
}

// leaveOut leaves out a resource that cannot be read because only AWS knows a value. It
// returns any other error.
func (p *planner) leaveOut(r *assembly.Resource, err error) error {
	if errors.Is(err, assembly.ErrUnknown) {
		p.skip(r, reason(r, err))
		return nil
	}
	return err
}

// reason returns an error without the name of its resource.
func reason(r *assembly.Resource, err error) string {
	return strings.TrimPrefix(err.Error(), r.String()+": ")
}

// isUnknown reports whether a text is a placeholder, or has one in it.
func isUnknown(text string) bool { return strings.Contains(text, assembly.Placeholder) }

// ID returns a stable id like those of API Gateway: ten letters and digits.
func ID(r *assembly.Resource) string { return stableID(r.String()) }

func stableID(name string) string {
	sum := sha256.Sum256([]byte(name))
	text := new(big.Int).SetBytes(sum[:]).Text(36)
	return "l" + text[:9]
}

// physicalName returns the name of a resource: the value of the property, or a name made
// from stack and logical id if there is none, or only AWS knows it.
func physicalName(r *assembly.Resource, property string, limit int) (string, error) {
	if raw, ok := r.Properties[property]; ok {
		v, err := r.Known(raw)
		if err != nil && !errors.Is(err, assembly.ErrUnknown) {
			return "", err
		}
		if name, ok := v.(string); ok && name != "" {
			return name, nil
		}
	}
	name := r.Stack.Name + "-" + r.ID
	if len(name) > limit {
		sum := sha256.Sum256([]byte(name))
		name = name[:limit-9] + "-" + hex.EncodeToString(sum[:4])
	}
	return name, nil
}

func functionName(r *assembly.Resource) (string, error) { return physicalName(r, "FunctionName", 64) }

func queueName(r *assembly.Resource) (string, error) {
	fifo := fmt.Sprint(r.Properties["FifoQueue"]) == "true"
	name, err := physicalName(r, "QueueName", 75)
	if fifo && !strings.HasSuffix(name, ".fifo") {
		name += ".fifo"
	}
	return name, err
}

func arn(service string, r *assembly.Resource, rest string) string {
	return "arn:aws:" + service + ":" + r.Stack.Region + ":" + r.Stack.Account + ":" + rest
}

// functionOf returns the name of the function of a version or alias.
func functionOf(r *assembly.Resource) (string, error) {
	v, err := r.Resolve(r.Properties["FunctionName"])
	if err != nil {
		return "", err
	}
	name, _ := v.(string)
	if i := strings.Index(name, ":function:"); i >= 0 {
		name = name[i+len(":function:"):]
	}
	if name == "" {
		return "", fmt.Errorf("%s: FunctionName is missing", r)
	}
	name, _, _ = strings.Cut(name, ":")
	return name, nil
}

// Ref implements [assembly.Values].
func (v *values) Ref(r *assembly.Resource) (any, error) {
	switch r.Type {
	case "AWS::SQS::Queue":
		name, err := queueName(r)
		return v.queueURL(name), err
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable":
		return tableName(r)
	case "AWS::Lambda::Function":
		return functionName(r)
	case "AWS::Lambda::Version", "AWS::Lambda::Alias":
		name, err := functionOf(r)
		if err != nil {
			return nil, err
		}
		qualifier := "1"
		if r.Type == "AWS::Lambda::Alias" {
			if qualifier, err = physicalName(r, "Name", 128); err != nil {
				return nil, err
			}
		}
		return arn("lambda", r, "function:"+name+":"+qualifier), nil
	case "AWS::ApiGatewayV2::Stage", "AWS::ApiGateway::Stage":
		return physicalName(r, "StageName", 128)
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Deployment",
		"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Authorizer", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Method":
		return ID(r), nil
	case "AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup":
		return physicalName(r, "Name", 64)
	case "AWS::Events::Rule":
		return physicalName(r, "Name", 64)
	case "AWS::RDS::DBProxy":
		return physicalName(r, "DBProxyName", 63)
	case "AWS::Logs::LogGroup":
		return physicalName(r, "LogGroupName", 512)
	case "AWS::IAM::Role":
		return physicalName(r, "RoleName", 64)
	}
	return nil, assembly.ErrUnknown
}

// GetAtt implements [assembly.Values].
func (v *values) GetAtt(r *assembly.Resource, attribute string) (any, error) {
	ref := func(format func(name string) string) (any, error) {
		name, err := v.Ref(r)
		if err != nil {
			return nil, err
		}
		return format(name.(string)), nil
	}
	same := func(name string) string { return name }
	switch r.Type + "." + attribute {
	case "AWS::SQS::Queue.Arn":
		name, err := queueName(r)
		return v.queueARN(name), err
	case "AWS::SQS::Queue.QueueName":
		return queueName(r)
	case "AWS::DynamoDB::Table.Arn", "AWS::DynamoDB::GlobalTable.Arn":
		return tableARN(r)
	case "AWS::SQS::Queue.QueueUrl", "AWS::Lambda::Alias.AliasArn", "AWS::Lambda::Version.FunctionArn",
		"AWS::ApiGatewayV2::Api.ApiId", "AWS::ApiGatewayV2::Authorizer.AuthorizerId", "AWS::ApiGatewayV2::Integration.IntegrationId",
		"AWS::ApiGatewayV2::Route.RouteId", "AWS::ApiGatewayV2::Deployment.DeploymentId":
		return ref(same)
	case "AWS::Lambda::Function.Arn":
		return ref(func(name string) string { return arn("lambda", r, "function:"+name) })
	case "AWS::Lambda::Version.Version":
		return "1", nil
	case "AWS::ApiGatewayV2::Api.ApiEndpoint":
		return v.apiURL(r), nil
	case "AWS::ApiGateway::RestApi.RootResourceId":
		return rootResourceID(r), nil
	case "AWS::ApiGateway::RestApi.RestApiId", "AWS::ApiGateway::Resource.ResourceId", "AWS::ApiGateway::Authorizer.AuthorizerId", "AWS::ApiGateway::Deployment.DeploymentId":
		return ref(same)
	case "AWS::Lambda::Url.FunctionUrl":
		return v.apiURL(r) + "/", nil
	case "AWS::Scheduler::Schedule.Arn":
		return scheduleARN(r)
	case "AWS::Scheduler::ScheduleGroup.Arn":
		return ref(func(name string) string { return arn("scheduler", r, "schedule-group/"+name) })
	case "AWS::Events::Rule.Arn":
		return ref(func(name string) string { return arn("events", r, "rule/"+name) })
	case "AWS::Logs::LogGroup.Arn":
		return ref(func(name string) string { return arn("logs", r, "log-group:"+name+":*") })
	case "AWS::IAM::Role.Arn":
		return ref(func(name string) string { return "arn:aws:iam::" + r.Stack.Account + ":role/" + name })
	case "AWS::RDS::DBProxy.Endpoint", "AWS::RDS::DBProxyEndpoint.Endpoint", "AWS::RDS::DBCluster.Endpoint.Address",
		"AWS::RDS::DBCluster.ReadEndpoint.Address", "AWS::RDS::DBInstance.Endpoint.Address":
		return v.database.Host(), nil
	case "AWS::RDS::DBCluster.Endpoint.Port", "AWS::RDS::DBInstance.Endpoint.Port":
		return v.database.Port(), nil
	}
	return nil, assembly.ErrUnknown
}

func scheduleARN(r *assembly.Resource) (string, error) {
	name, err := physicalName(r, "Name", 64)
	if err != nil {
		return "", err
	}
	group := "default"
	if raw, ok := r.Properties["GroupName"]; ok {
		v, err := r.Known(raw)
		if err != nil && !errors.Is(err, assembly.ErrUnknown) {
			return "", err
		}
		if s, ok := v.(string); ok && s != "" {
			group = s
		}
	}
	return arn("scheduler", r, "schedule/"+group+"/"+name), nil
}
