package checks

import (
	"fmt"
	"slices"
	"strings"
)

const (
	queuePolicyPage = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html"
	asyncPage       = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
	vpcPage         = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
	streamsPage     = "https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html"
	proxyEnginePage = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBProxy.html"
	poolPage        = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ConnectionPoolConfiguration.html"
	proxyPage       = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-iam-setup.html"

	maxIdleClientSeconds = 28_800
	maxBorrowSeconds     = 3600 // the CDK gives this bound, the API's reference 300

	typeInvokeConfig = "AWS::Lambda::EventInvokeConfig"
	typeTopic        = "AWS::SNS::Topic"
	typeTable        = "AWS::DynamoDB::Table"
	typeStream       = "AWS::Kinesis::Stream"
)

// delivery is a service that sends to a queue and needs the queue's policy for it.
type delivery struct {
	property, service string
	queue             value
}

// deliveriesOf returns the deliveries of a resource that sends without a role.
func deliveriesOf(r *resource) []delivery {
	var found []delivery
	switch r.kind {
	case typeSubscriber:
		if r.get("Protocol").text() == "sqs" {
			found = append(found, delivery{"Endpoint", "sns.amazonaws.com", r.get("Endpoint")})
		}
		found = append(found, delivery{"RedrivePolicy.deadLetterTargetArn", "sns.amazonaws.com", r.get("RedrivePolicy", "deadLetterTargetArn")})
	case typeEventRule:
		targets, _ := r.get("Targets").list()
		for i, t := range targets {
			if t.get("RoleArn").absent() {
				found = append(found, delivery{fmt.Sprintf("Targets[%d].Arn", i), "events.amazonaws.com", t.get("Arn")})
			}
			found = append(found, delivery{fmt.Sprintf("Targets[%d].DeadLetterConfig.Arn", i), "events.amazonaws.com", t.get("DeadLetterConfig", "Arn")})
		}
	case typeBucket:
		queues, _ := r.get("NotificationConfiguration", "QueueConfigurations").list()
		for i, q := range queues {
			found = append(found, delivery{fmt.Sprintf("NotificationConfiguration.QueueConfigurations[%d].Queue", i), "s3.amazonaws.com", q.get("Queue")})
		}
	}
	return found
}

// sends returns the function and its queues, by property. A policy must allow the
// function's role to send to them.
func sends(r *resource) (f *resource, queues map[string]*resource) {
	if r.kind == typeFunction {
		return r, map[string]*resource{"DeadLetterConfig.TargetArn": r.get("DeadLetterConfig", "TargetArn").queue()}
	}
	t, _ := r.get("FunctionName").target()
	return t.function, map[string]*resource{
		"DestinationConfig.OnFailure.Destination": r.get("DestinationConfig", "OnFailure", "Destination").queue(),
		"DestinationConfig.OnSuccess.Destination": r.get("DestinationConfig", "OnSuccess", "Destination").queue(),
	}
}

var deliveryRules = []Rule{
	{
		ID: "queue-delivery", Severity: Error, Page: queuePolicyPage,
		Fault: "A queue whose policy does not let its topic, event rule or bucket send to it; messages never arrive, or S3 refuses the bucket.",
		types: []string{typeSubscriber, typeEventRule, typeBucket},
		each: func(r *resource, report reporter) {
			for _, d := range deliveriesOf(r) {
				if q := d.queue.queue(); q != nil && !q.policyAllows("sqs:SendMessage", d.service) {
					report("%s must be a queue that %s may send to, got %s without a policy that allows it, or with one that denies it; allow sqs:SendMessage in an AWS::SQS::QueuePolicy", d.property, d.service, q.id)
				}
			}
		},
	},
	{
		ID: "queue-delivery-kind", Severity: Error,
		Page:  "https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html",
		Fault: "A FIFO queue that a standard topic or a bucket sends to; SNS or S3 refuses it.",
		types: []string{typeSubscriber, typeBucket},
		each: func(r *resource, report reporter) {
			for _, d := range deliveriesOf(r) {
				topic := r.get("TopicArn").resource(typeTopic)
				q := d.queue.queue()
				if q == nil || !q.get("FifoQueue").is() || strings.HasPrefix(d.property, "RedrivePolicy") {
					continue
				}
				if r.kind == typeBucket {
					report("%s must be a standard queue, got %s, a FIFO queue; choose another", d.property, q.id)
				} else if topic != nil && !topic.get("FifoTopic").is() && !topic.get("FifoTopic").unknown() {
					report("%s must be a standard queue for the standard topic %s, got %s, a FIFO queue; change one of them", d.property, topic.id, q.id)
				}
			}
		},
	},
	{
		ID: "function-destination", Severity: Error, Page: asyncPage,
		Fault: "A dead-letter queue or destination that is a FIFO queue, or that the function's role may not send to, or a destination that is the function itself; Lambda refuses it.",
		types: []string{typeFunction, typeInvokeConfig},
		each: func(r *resource, report reporter) {
			f, queues := sends(r)
			for _, property := range []string{"DeadLetterConfig.TargetArn", "DestinationConfig.OnFailure.Destination", "DestinationConfig.OnSuccess.Destination"} {
				if path := strings.Split(property, "."); f != nil && f == r.get(path...).resource(typeFunction) {
					report("%s must be another function, got %s itself; choose another", property, f.id)
				}
				q := queues[property]
				if q == nil {
					continue
				}
				if q.get("FifoQueue").is() {
					report("%s must be a standard queue, got %s, a FIFO queue; choose another", property, q.id)
				}
				if f == nil {
					continue
				}
				if role := f.get("Role").resource(typeRole); role.cannotSend(q) {
					report("%s must be a queue that the role %s of function %s may send to, got %s without a statement that allows it, or with one that denies it; allow sqs:SendMessage on it", property, role.id, f.id, q.id)
				}
			}
		},
	},
	{
		ID: "function-vpc-role", Severity: Error, Page: vpcPage,
		Fault: "A function in a VPC whose role may not create network interfaces; Lambda refuses it.",
		types: []string{typeFunction},
		each: func(r *resource, report reporter) {
			subnets, known := r.get("VpcConfig", "SubnetIds").list()
			role := r.get("Role").resource(typeRole)
			if !known || len(subnets) == 0 {
				return
			}
			if missing := role.lacks(interfaceActions, "", value{r.stack, nil}); len(missing) > 0 {
				report("Role must be a role that allows %s with VpcConfig, got %s without a statement that allows it, or with one that denies it; add the managed policy AWSLambdaVPCAccessExecutionRole", list(missing), role.id)
			}
		},
	},
	{
		ID: "mapping-position", Severity: Error, Page: streamsPage,
		Fault: "A stream's mapping without StartingPosition, or with one that the stream does not support, or a mapping of a table without a stream; Lambda refuses it.",
		types: []string{typeMapping},
		each: func(r *resource, report reporter) {
			source := r.get("EventSourceArn").resource(typeTable, typeStream)
			if source == nil {
				return
			}
			if r.get("StartingPosition").absent() {
				report("StartingPosition must be TRIM_HORIZON, LATEST or AT_TIMESTAMP for stream %s, got none; set it", source.id)
			}
			if r.get("StartingPosition").text() == "AT_TIMESTAMP" {
				if source.kind == typeTable {
					report("StartingPosition must be TRIM_HORIZON or LATEST for table %s, got AT_TIMESTAMP; change it", source.id)
				} else if r.get("StartingPositionTimestamp").absent() {
					report("StartingPositionTimestamp must be set with StartingPosition AT_TIMESTAMP, got none; set it")
				}
			}
			if source.kind == typeTable && source.get("StreamSpecification").absent() {
				report("EventSourceArn must be the stream of a table with StreamSpecification, got %s without one; set it there", source.id)
			}
		},
	},
	{
		ID: "proxy-role", Severity: Error, Page: proxyPage,
		Fault: "An RDS Proxy whose role may not read the secret that it logs in with; no client can connect.",
		types: []string{"AWS::RDS::DBProxy"},
		each: func(r *resource, report reporter) {
			role := r.get("RoleArn").resource(typeRole)
			logins, _ := r.get("Auth").list()
			for i, login := range logins {
				secret := login.get("SecretArn").resource("AWS::SecretsManager::Secret")
				if secret == nil {
					continue
				}
				if len(role.lacks([]string{"secretsmanager:GetSecretValue"}, tokenOf(secret, ""), secret.get("Name"))) > 0 {
					report("RoleArn must be a role that may read Auth[%d].SecretArn, got %s without a statement that allows secretsmanager:GetSecretValue on %s, or with one that denies it; change its policies", i, role.id, secret.id)
				}
			}
		},
	},
	{
		ID: "proxy-engine", Severity: Error, Page: proxyEnginePage,
		Fault: "An RDS Proxy for a database engine other than its target's; RDS refuses the target.",
		types: []string{"AWS::RDS::DBProxyTargetGroup"},
		each: func(r *resource, report reporter) {
			proxy := r.get("DBProxyName").resource("AWS::RDS::DBProxy")
			if proxy == nil {
				return
			}
			family, known := proxy.get("EngineFamily").literal()
			clusters, _ := r.get("DBClusterIdentifiers").list()
			instances, _ := r.get("DBInstanceIdentifiers").list()
			for _, target := range append(clusters, instances...) {
				database := target.resource("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
				if database == nil {
					continue
				}
				engine, engineKnown := database.get("Engine").literal()
				if of := engineFamily(engine); known && engineKnown && of != "" && of != family {
					report("DBProxyName must be a proxy of EngineFamily %s for %s, got %s of %s; change one of them", of, database.id, proxy.id, family)
				}
			}
		},
	},
	{
		ID: "proxy-range", Severity: Error, Page: poolPage,
		Fault: "A timeout or share of connections outside of RDS Proxy's range; RDS refuses the proxy or its target.",
		types: []string{"AWS::RDS::DBProxy", "AWS::RDS::DBProxyTargetGroup"},
		each: func(r *resource, report reporter) {
			between(r.get("IdleClientTimeout"), "IdleClientTimeout", 1, maxIdleClientSeconds, " seconds", report)
			pool := r.get("ConnectionPoolConfigurationInfo")
			between(pool.get("ConnectionBorrowTimeout"), "ConnectionPoolConfigurationInfo.ConnectionBorrowTimeout", 0, maxBorrowSeconds, " seconds", report)
			between(pool.get("MaxConnectionsPercent"), "ConnectionPoolConfigurationInfo.MaxConnectionsPercent", 1, 100, " %", report)
			most, known := pool.get("MaxConnectionsPercent").number()
			if idle, ok := pool.get("MaxIdleConnectionsPercent").number(); ok && known && idle > most {
				report("ConnectionPoolConfigurationInfo.MaxIdleConnectionsPercent must be at most MaxConnectionsPercent (%s), got %s; lower it", scalar(most), scalar(idle))
			}
		},
	},
	{
		ID: "permission-order", Severity: Error, Page: permissionsPage,
		Fault: "A bucket, log filter, rotation or target group that CloudFormation may create before its permission to invoke the function; the service checks the permission and refuses.",
		types: []string{typeBucket, typeLogFilter, typeRotation, typeTargetGroup},
		each: func(r *resource, report reporter) {
			for _, c := range callsOf(r) {
				if permissions := c.permissions(); len(permissions) > 0 && !slices.ContainsFunc(permissions, r.waitsFor) {
					report("DependsOn must include permission %s, without which the service refuses %s, got no reference to it; add it", permissions[0].id, c.property)
				}
			}
		},
	},
}

// engineFamily returns the family of a database engine, or "".
func engineFamily(engine string) string {
	switch {
	case strings.Contains(engine, "postgres"):
		return "POSTGRESQL"
	case strings.Contains(engine, "mysql"), engine == "aurora", engine == "mariadb":
		return "MYSQL"
	case strings.HasPrefix(engine, "sqlserver"):
		return "SQLSERVER"
	}
	return ""
}
