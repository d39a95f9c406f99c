package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// The metrics that Monitoring watches of each part. Each metric has a link to the page
// that names it and its dimensions.

func (m *Monitoring) watchHandler(h *Handler) {
	sum := m.every.sum()
	errorsPerMinute := m.props.ErrorsPerMinute
	if errorsPerMinute == nil {
		errorsPerMinute = jsii.Number(defaultErrorsPerMinute)
	}
	throttles, errors := h.Function.MetricThrottles(sum), h.Function.MetricErrors(sum)
	m.alarm(h, "Throttles", alarm{
		description: "Invocations were throttled: the reserved or the account's concurrency is used up. Raise Reserved, or lower the MaxConcurrency of queues",
		metric:      throttles, periods: 5, of: 3, threshold: jsii.Number(defaultThrottledPerMin),
	})
	h.rollBackOn(m.alarm(h, "Errors", alarm{
		description: "Invocations failed: the program crashed, ran into the timeout of Lambda, or a schedule failed. See the log group",
		metric:      errors, periods: 1, threshold: errorsPerMinute,
	}))
	h.rollBackOn(m.alarm(h, "Timeouts", alarm{
		description: "Requests, jobs or runs took longer than the program allows them, and were cut off. Look for what they wait for, or raise their timeout",
		metric:      m.percent(m.hearthMetric(wire.MetricTimeouts, h, nil), h.Function.MetricInvocations(m.window.sum()), "Percent that took too long"),
		threshold:   jsii.Number(defaultTimeoutsPercent),
	}))
	h.rollBackOn(m.alarm(h, "Healed", alarm{
		description: "Instances ended again and again, because code that ignored its context held what others need: a FIFO job, job slots, or a lock. Look for code that does not return, and give it the context",
		metric:      m.hearthMetric(wire.MetricHealed, h, nil), threshold: jsii.Number(defaultHealed),
	}))
	h.rollBackOn(m.alarm(h, "InitErrors", alarm{
		description: "Instances did not start: a required resource failed in the init phase. Warm instances are missing until it works. See the log group",
		metric:      m.initErrors(h), periods: 1, threshold: jsii.Number(defaultErrorsPerMinute),
	}))
	m.show(m.name(h)+": invocations", h.Function.MetricInvocations(sum), errors, throttles)
	m.show(m.name(h)+": duration", h.Function.MetricDuration(m.every.statistic("p50")), h.Function.MetricDuration(m.every.statistic("p99")))
	instances := []awscloudwatch.IMetric{h.Function.Metric(jsii.String("ConcurrentExecutions"), m.every.maximum())}
	if h.props.Concurrency.Provisioned != nil {
		instances = append(instances, m.watchWarm(h)...)
	}
	m.show(m.name(h)+": instances", instances...)
	if h.contract != nil && len(halfOf(h.contract.manifest, h.contract.half).Schedules) > 0 {
		m.watchAsync(h)
	}
}

// watchWarm watches the warm instances.
func (m *Monitoring) watchWarm(h *Handler) []awscloudwatch.IMetric {
	spilled := h.Alias.Metric(jsii.String("ProvisionedConcurrencySpilloverInvocations"), m.window.sum())
	m.alarm(h, "Spillover", alarm{
		description: "Many invocations found no warm instance free. Raise Provisioned, or lower its Utilization so that it grows earlier",
		metric:      m.percent(spilled, h.Alias.MetricInvocations(m.window.sum()), "Percent without a warm instance"),
		periods:     3, of: 2, threshold: m.orDefault(m.props.SpilloverPercent, defaultSpilloverPercent),
	})
	return []awscloudwatch.IMetric{
		h.Alias.Metric(jsii.String("ProvisionedConcurrentExecutions"), m.every.maximum()), spilled,
	}
}

// watchAsync watches the events that EventBridge Scheduler passed to Lambda, which keeps
// them in its own queue.
func (m *Monitoring) watchAsync(h *Handler) {
	age := h.Alias.Metric(jsii.String("AsyncEventAge"), m.every.maximum())
	dropped := h.Alias.Metric(jsii.String("AsyncEventsDropped"), m.every.sum())
	m.alarm(h, "EventAge", alarm{
		description: "Scheduled events wait for an instance: the function is throttled. Raise Reserved, or spread the schedules with FlexibleWindow",
		metric:      age, periods: 1, threshold: jsii.Number(defaultAsyncAgeSecs * 1000),
	})
	m.alarm(h, "EventsDropped", alarm{
		description: "Scheduled events were dropped after their retries, or because they were too old",
		metric:      dropped, periods: 1, threshold: jsii.Number(defaultErrorsPerMinute),
	})
	m.show(m.name(h)+": scheduled events", age, dropped)
}

// initErrors counts the instances that did not start. Lambda reports them in its log, but
// in no metric. The record has the level WARN, so every system log level lets it through.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html (2026-11)
func (m *Monitoring) initErrors(h *Handler) awscloudwatch.IMetric {
	return m.countLogged(h, h, "InitErrors", `{ $.type = "platform.initRuntimeDone" && $.record.status != "success" }`).Metric(m.every.sum())
}

// countLogged counts the records that match a pattern, in the log group of a function.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax-for-Metric-Filters.html (2026-11)
func (m *Monitoring) countLogged(part constructs.Construct, h *Handler, id, pattern string) awslogs.MetricFilter {
	unique := *awscdk.Names_UniqueResourceName(part, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(200)})
	return awslogs.NewMetricFilter(m, jsii.String(m.childID(part, id+"Filter")), &awslogs.MetricFilterProps{
		FilterPattern: awslogs.FilterPattern_Literal(jsii.String(pattern)),
		// A metric without a dimension has the part in its name.
		MetricName:      jsii.String(unique + id),
		MetricNamespace: jsii.String(wire.MetricNamespace),
		LogGroup:        h.LogGroup,
	})
}

// watchQueue watches a queue and the jobs of its consumer, which lambdaruntime counts.
func (m *Monitoring) watchQueue(q *Queue) {
	if h := q.consumer; h != nil && q.name.known {
		queue := map[string]*string{"Queue": &q.name.value}
		failed, done := m.hearthMetric(wire.MetricJobsFailed, h, queue), m.hearthMetric(wire.MetricJobsDone, h, queue)
		h.rollBackOn(m.alarm(q, "JobsFailed", alarm{
			description: "Many jobs of the queue fail: their messages are tried again, and reach the dead-letter queue in the end. See the log group of the consumer",
			metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
				Expression:   jsii.String("100 * failed / (failed + done)"),
				Label:        jsii.String("Percent of jobs that failed"),
				Period:       m.window.period,
				UsingMetrics: &map[string]awscloudwatch.IMetric{"done": done, "failed": failed},
			}),
			threshold: m.orDefault(m.props.JobsFailedPercent, defaultJobsFailedPercent),
		}))
		m.show(m.name(q)+": jobs", done, failed)
	}
	scope, prefix := constructs.Construct(q), ""
	if m.app.stackOf(q) != m.app.stackOf(m) {
		// Alarms beside the queue would refer to the actions, and so the stacks to each
		// other in a circle.
		scope, prefix = m, m.childID(q, "")
	}
	alarms := q.addAlarms(&QueueAlarmsProps{Actions: m.props.Actions, OldestMessage: m.props.OldestMessage}, m.every, scope, prefix)
	m.Alarms = append(m.Alarms, alarms.OldestMessage)
	messages := []awscloudwatch.IMetric{q.Queue.MetricApproximateNumberOfMessagesVisible(m.every.maximum())}
	if alarms.DeadLetters != nil {
		m.Alarms = append(m.Alarms, alarms.DeadLetters)
		messages = append(messages, q.dead.With(&awscloudwatch.MetricOptions{Label: jsii.String("Dead letters")}))
	}
	m.show(m.name(q)+": messages", messages...)
	m.show(m.name(q)+": oldest message", q.oldest)
}

// watchDatabase watches the database connections of a proxy. Several machines may serve
// it, and each reports its own numbers once a minute, so the metric is their sum.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.monitoring.html (2026-11)
func (m *Monitoring) watchDatabase(d *DatabaseProxy) {
	dimensions := map[string]*string{"ProxyName": d.Proxy.DbProxyName()}
	metric := func(name string) awscloudwatch.IMetric {
		return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			DimensionsMap: &dimensions,
			MetricName:    jsii.String(name),
			Namespace:     jsii.String("AWS/RDS"),
			Period:        m.every.period,
			Statistic:     jsii.String("Sum"),
		})
	}
	borrowed, allowed := metric("DatabaseConnectionsCurrentlyBorrowed"), metric("MaxDatabaseConnectionsAllowed")
	m.alarm(d, "Connections", alarm{
		description: "Nearly all connections of the proxy are lent, and queries wait for one. Look for pinning and long transactions, raise MaxConnectionsPercent, or use a larger database",
		metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression:   jsii.String("100 * borrowed / allowed"),
			Label:        jsii.String("Percent of connections lent"),
			Period:       m.every.period,
			UsingMetrics: &map[string]awscloudwatch.IMetric{"allowed": allowed, "borrowed": borrowed},
		}),
		periods: 5, threshold: jsii.Number(defaultBorrowedPercent),
	})
	m.show(m.name(d)+": connections", metric("ClientConnections"), borrowed, allowed, metric("DatabaseConnectionsCurrentlySessionPinned"))
}

// watchRequests watches the share of failed requests. Its metrics have the dimension
// ApiId, or ApiName for a REST API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html (2026-11)
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html (2026-11)
func (m *Monitoring) watchRequests(part constructs.Construct, h *Handler, failed, all awscloudwatch.IMetric) {
	h.rollBackOn(m.alarm(part, "ServerErrors", alarm{
		description: "Requests failed (5xx): the program answered with a server error, panicked or took too long, or was not reached. See its log group",
		metric:      m.percent(failed, all, "Percent of requests that failed"),
		threshold:   m.orDefault(m.props.FailedPercent, defaultFailedPercent),
	}))
	m.show(m.name(part)+": requests", all, failed)
}

// watchFunctionUrl watches the requests of all URLs of a function.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html (2026-11)
func (m *Monitoring) watchFunctionUrl(u *FunctionUrl) {
	if u.function == nil {
		warn(u, "functionUrlUnwatched", "the function of the URL is imported, so that its metrics are not known; watch Url5xxCount where it is created")
		return
	}
	m.watchRequests(u, u.app.ownerOf(u.function), u.function.Metric(jsii.String("Url5xxCount"), m.window.sum()), u.function.Metric(jsii.String("UrlRequestCount"), m.window.sum()))
}

// watchSockets watches the share of failed events of a WebSocket API. A connect that the
// program refuses with 401 or 403 counts too.
//
// AWS's page says that IntegrationError counts 4xx and 5xx answers of the integration. It
// does not say whether that is the statusCode that a function returns, or Lambda's own
// status, which is then 200. So the failures in the program's log count too: the larger
// number wins. MessageCount counts messages in both directions.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html (2026-11)
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (2026-11)
func (m *Monitoring) watchSockets(a *WebSocketApi) {
	metric := func(name string) awscloudwatch.IMetric { return a.Api.Metric(jsii.String(name), m.window.sum()) }
	refused, unreached, connects, messages := metric("IntegrationError"), metric("ExecutionError"), metric("ConnectCount"), metric("MessageCount")
	metrics := map[string]awscloudwatch.IMetric{"connects": connects, "messages": messages, "refused": refused, "unreached": unreached}
	answered := "FILL(refused, 0)"
	if a.handler != nil {
		metrics["failed"] = m.countLogged(a, a.handler, "SocketsFailed", `{ $.level = "ERROR" && $.message = "*WebSocket *" }`).Metric(m.window.sum())
		answered = "IF(FILL(failed, 0) > FILL(refused, 0), FILL(failed, 0), FILL(refused, 0))"
	}
	a.handler.rollBackOn(m.alarm(a, "SocketErrors", alarm{
		description: "Many events of the WebSocket API failed: the program failed, was not reached, or refused clients. See its log group",
		metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression:   jsii.String("100 * (" + answered + " + FILL(unreached, 0)) / (FILL(connects, 0) + FILL(messages, 0))"),
			Label:        jsii.String("Percent of events that failed"),
			Period:       m.window.period,
			UsingMetrics: &metrics,
		}),
		threshold: jsii.Number(defaultSocketFailedPercent),
	}))
	m.show(m.name(a)+": events", connects, messages, refused, unreached)
}

// watchSchedules watches the groups of the schedules. A run that fails in the program is
// an error of its function.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html (2026-11)
func (m *Monitoring) watchSchedules(schedules []*Schedule) {
	seen := map[string]bool{}
	for _, s := range schedules {
		if seen[s.group] {
			continue
		}
		seen[s.group] = true
		metric := func(name string) awscloudwatch.IMetric {
			return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
				DimensionsMap: &map[string]*string{"ScheduleGroup": jsii.String(s.group)},
				MetricName:    jsii.String(name),
				Namespace:     jsii.String("AWS/Scheduler"),
				Period:        m.every.period,
				Statistic:     jsii.String("Sum"),
			})
		}
		failed, dropped := metric("TargetErrorCount"), metric("InvocationDroppedCount")
		m.alarm(s, "TargetErrors", alarm{
			description: "Schedules of the group do not reach their functions, again and again: the role or the function is missing, or Lambda throttles. See EventBridge Scheduler",
			metric:      failed, periods: 5, of: 3, threshold: jsii.Number(1),
		})
		m.alarm(s, "RunsDropped", alarm{
			description: "Runs of schedules of the group were given up after all retries. Run what was missed by hand",
			metric:      dropped, threshold: jsii.Number(1),
		})
		m.show("schedules", metric("InvocationAttemptCount"), failed, dropped)
	}
}

// watchLostRuns watches the queue for schedule runs that would be lost.
func (m *Monitoring) watchLostRuns(b *Backend) {
	dead, growth := growthOf(b.ScheduleDeadLetterQueue, m.every)
	m.alarm(b, "LostRuns", alarm{
		description: "Runs of schedules could not be delivered, or failed three times in the program. See the log group, and run what was missed after the fix",
		metric:      growth, threshold: jsii.Number(1),
	})
	m.show("lost runs of schedules", dead)
}

// watchAccount watches the concurrency of all functions of the account, including
// reserved and provisioned concurrency.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html (2026-11)
func (m *Monitoring) watchAccount() {
	claimed := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		MetricName: jsii.String("ClaimedAccountConcurrency"), Namespace: jsii.String("AWS/Lambda"), Period: m.every.period, Statistic: jsii.String("Maximum"),
	})
	m.alarm(m, "AccountConcurrency", alarm{
		description: "Nearly all concurrent executions of the account are in use: soon functions without reserved concurrency are throttled. Ask for a higher quota",
		metric:      claimed, periods: 5, of: 3, threshold: jsii.Number(*m.props.AccountConcurrency * defaultClaimedPercent / 100),
	})
	m.show("account: claimed concurrency", claimed)
}

// percent returns the share of one metric in another.
func (m *Monitoring) percent(part, whole awscloudwatch.IMetric, label string) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression:   jsii.String("100 * FILL(part, 0) / whole"),
		Label:        jsii.String(label),
		Period:       m.window.period,
		UsingMetrics: &map[string]awscloudwatch.IMetric{"part": part, "whole": whole},
	})
}

func (m *Monitoring) orDefault(v *float64, fallback float64) *float64 {
	if v == nil {
		return jsii.Number(fallback)
	}
	return v
}

func (h *Handler) functionName() *string {
	if h.name == nil {
		h.name = h.Function.FunctionName()
	}
	return h.name
}

// hearthMetric returns one of the metrics that lambdaruntime writes into the log in the
// embedded metric format.
func (m *Monitoring) hearthMetric(name string, h *Handler, dimensions map[string]*string) awscloudwatch.IMetric {
	all := map[string]*string{"FunctionName": h.functionName()}
	for key, value := range dimensions {
		all[key] = value
	}
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		DimensionsMap: &all, MetricName: jsii.String(name), Namespace: jsii.String(wire.MetricNamespace), Period: m.window.period, Statistic: jsii.String("Sum"),
	})
}
