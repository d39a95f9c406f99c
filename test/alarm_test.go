package test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local"
)

// metrics are the sums of metrics by namespace, name and dimensions. A metric that is
// not there has no data.
type metrics map[string]float64

func metricKey(namespace, name string, dimensions map[string]string) string {
	key := namespace + " " + name
	for _, d := range slices.Sorted(maps.Keys(dimensions)) {
		key += " " + d + "=" + dimensions[d]
	}
	return key
}

func (m metrics) add(namespace, name string, dimensions map[string]string, value float64) {
	m[metricKey(namespace, name, dimensions)] += value
}

func (m metrics) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%s: %v\n", key, m[key])
	}
	return b.String()
}

// addEmbedded adds what a line in embedded metric format says.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html (2026-11)
func (m metrics) addEmbedded(line []byte) {
	var head struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	var fields map[string]any
	if json.Unmarshal(line, &head) != nil || json.Unmarshal(line, &fields) != nil {
		return
	}
	for _, directive := range head.AWS.CloudWatchMetrics {
		for _, names := range directive.Dimensions {
			dimensions := map[string]string{}
			for _, name := range names {
				dimensions[name] = fmt.Sprint(fields[name])
			}
			for _, metric := range directive.Metrics {
				value, _ := fields[metric.Name].(float64)
				m.add(directive.Namespace, metric.Name, dimensions, value)
			}
		}
	}
}

// addRecord counts a log record for each metric filter that it matches.
func (m metrics) addRecord(resources map[string]resource, line []byte) {
	var record map[string]any
	if json.Unmarshal(line, &record) != nil {
		return
	}
	for _, r := range resources {
		if r.Type != "AWS::Logs::MetricFilter" || !matches(r.Properties["FilterPattern"].(string), record) {
			continue
		}
		for _, t := range r.Properties["MetricTransformations"].([]any) {
			transformation := t.(map[string]any)
			value, _ := strconv.ParseFloat(transformation["MetricValue"].(string), 64)
			m.add(transformation["MetricNamespace"].(string), transformation["MetricName"].(string), nil, value)
		}
	}
}

// condition is one comparison in a filter pattern.
var condition = regexp.MustCompile(`^\$\.([\w.]+) (=|!=) "([^"]*)"$`)

// matches evaluates a pattern on JSON as far as the constructs use them: comparisons of
// texts, with * at their ends, joined by &&.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax-for-Metric-Filters.html (2026-11)
func matches(pattern string, record map[string]any) bool {
	for _, part := range strings.Split(strings.Trim(pattern, "{} "), " && ") {
		c := condition.FindStringSubmatch(part)
		if c == nil {
			panic("the test does not know the pattern " + pattern)
		}
		var field any = record
		for _, name := range strings.Split(c[1], ".") {
			object, _ := field.(map[string]any)
			field = object[name]
		}
		text, ok := field.(string)
		if !ok {
			return false
		}
		want := "^" + strings.ReplaceAll(regexp.QuoteMeta(c[3]), `\*`, ".*") + "$"
		if regexp.MustCompile(want).MatchString(text) != (c[2] == "=") {
			return false
		}
	}
	return true
}

// named adds each metric once more, with the logical ids of the template in place of the
// physical names, which is how the alarms name them.
func (m metrics) named(state *local.State) metrics {
	var pairs []string
	for _, f := range state.Functions {
		pairs = append(pairs, "="+f.Name, "="+f.LogicalID)
	}
	for _, a := range state.HTTPAPIs {
		pairs = append(pairs, "="+a.ID, "="+a.LogicalID)
	}
	for _, a := range state.WebSocketAPIs {
		pairs = append(pairs, "="+a.ID, "="+a.LogicalID)
	}
	for _, q := range state.Queues {
		pairs = append(pairs, "="+q.Name, "="+q.LogicalID)
	}
	all, ids := metrics{}, strings.NewReplacer(pairs...)
	for key, value := range m {
		all[ids.Replace(key)] += value
	}
	return all
}

// alarm is an alarm of a template. It goes off when value is at its threshold or over.
type alarm struct {
	name      string // the logical id without its hash
	threshold float64
	periods   float64 // that must be over the threshold
	period    time.Duration
	value     func(m metrics) (float64, bool)
}

// delay is how long a complete failure lasts until the alarm goes off.
func (a *alarm) delay() time.Duration { return time.Duration(a.periods) * a.period }

func (a *alarm) goesOff(m metrics) bool {
	value, ok := a.value(m)
	return ok && value >= a.threshold
}

// metricOf is a metric in an alarm.
type metricOf struct {
	Namespace, MetricName string
	Dimensions            []struct {
		Name  string
		Value any
	}
}

func (m metricOf) value(all metrics) (float64, bool) {
	dimensions := map[string]string{}
	for _, d := range m.Dimensions {
		dimensions[d.Name] = logicalText(d.Value)
	}
	v, ok := all[metricKey(m.Namespace, m.MetricName, dimensions)]
	return v, ok
}

// logicalText is a value of a template as text, with logical ids for references.
func logicalText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if id, ok := v["Ref"].(string); ok {
			return id
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok && att[1] == "QueueName" {
			return att[0].(string)
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var parts []string
			for _, part := range join[1].([]any) {
				parts = append(parts, logicalText(part))
			}
			return strings.Join(parts, join[0].(string))
		}
	}
	panic(fmt.Sprintf("the test does not know the value %v", v))
}

// newAlarm reads an alarm as CloudWatch would. What it does not know is an error.
func newAlarm(id string, properties map[string]any) (*alarm, error) {
	data, err := json.Marshal(properties)
	if err != nil {
		return nil, err
	}
	var p struct {
		metricOf
		ComparisonOperator, Statistic, TreatMissingData         string
		DatapointsToAlarm, EvaluationPeriods, Period, Threshold float64
		Metrics                                                 []struct {
			ID         string `json:"Id"`
			Expression string
			MetricStat struct {
				Metric metricOf
				Period float64
				Stat   string
			}
			ReturnData *bool
		}
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	if p.ComparisonOperator != "GreaterThanOrEqualToThreshold" || p.TreatMissingData != "notBreaching" {
		return nil, fmt.Errorf("%s: %s, missing data %s", id, p.ComparisonOperator, p.TreatMissingData)
	}
	a := &alarm{name: id[:len(id)-8], threshold: p.Threshold, periods: p.DatapointsToAlarm, value: p.metricOf.value}
	if a.periods == 0 {
		a.periods = p.EvaluationPeriods
	}
	statistics := []string{p.Statistic}
	expression, used := "", map[string]metricOf{}
	for _, q := range p.Metrics {
		switch {
		case q.Expression == "":
			p.Period, used[q.ID], statistics = q.MetricStat.Period, q.MetricStat.Metric, append(statistics, q.MetricStat.Stat)
		case q.ReturnData == nil || *q.ReturnData:
			expression = q.Expression
		}
	}
	a.period = time.Duration(p.Period) * time.Second
	for _, s := range statistics { // of one period, the drill knows sums and gauges
		if s != "" && s != "Sum" && s != "Maximum" {
			return nil, fmt.Errorf("%s: statistic %s", id, s)
		}
	}
	if len(p.Metrics) > 0 {
		parsed, err := parser.ParseExpr(expression) // metric math looks like Go here
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", id, expression, err)
		}
		a.value = func(m metrics) (float64, bool) {
			return evaluate(parsed, func(name string) (float64, bool) { return used[name].value(m) })
		}
	}
	return a, nil
}

// evaluate calculates an expression of metric math. A value without data, or a division
// by zero, has none.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (2026-11)
func evaluate(e ast.Expr, metric func(name string) (float64, bool)) (float64, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		v, err := strconv.ParseFloat(e.Value, 64)
		return v, err == nil
	case *ast.Ident:
		return metric(e.Name)
	case *ast.ParenExpr:
		return evaluate(e.X, metric)
	case *ast.BinaryExpr:
		x, known := evaluate(e.X, metric)
		y, too := evaluate(e.Y, metric)
		if !known || !too {
			return 0, false
		}
		switch e.Op {
		case token.ADD:
			return x + y, true
		case token.MUL:
			return x * y, true
		case token.QUO:
			return x / y, y != 0
		case token.GTR:
			if x > y {
				return 1, true
			}
			return 0, true
		}
	case *ast.CallExpr:
		switch e.Fun.(*ast.Ident).Name {
		case "FILL":
			if v, ok := evaluate(e.Args[0], metric); ok {
				return v, true
			}
			return evaluate(e.Args[1], metric)
		case "DIFF": // the period before had none
			return evaluate(e.Args[0], metric)
		case "IF":
			if v, ok := evaluate(e.Args[0], metric); !ok || v == 0 {
				return evaluate(e.Args[2], metric)
			}
			return evaluate(e.Args[1], metric)
		}
	}
	panic(fmt.Sprintf("the test does not know the expression %T %v", e, e))
}

// TestMetricMath shows that the drill calculates as CloudWatch does.
func TestMetricMath(t *testing.T) {
	t.Parallel()
	known := map[string]float64{"part": 1, "whole": 4, "none": 0}
	for expression, want := range map[string]string{
		"100 * FILL(part, 0) / whole": "25 true", "100 * FILL(missing, 0) / whole": "0 true", "missing / whole": "0 false", "part / none": "+Inf false",
		"IF(part > whole, part, whole)": "4 true", "IF(whole > part, FILL(missing, 7), part)": "7 true", "DIFF(FILL(whole, 0))": "4 true",
		"100 * (part + whole) / (whole + part)": "100 true",
	} {
		parsed, err := parser.ParseExpr(expression)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := evaluate(parsed, func(name string) (float64, bool) { v, ok := known[name]; return v, ok })
		if got := fmt.Sprint(v, ok); got != want {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
	for pattern, want := range map[string]bool{
		`{ $.level = "ERROR" && $.message = "*socket *" }`: true, `{ $.level = "ERROR" && $.message = "socket *" }`: false,
		`{ $.record.status != "success" }`: true, `{ $.record.missing != "success" }`: false,
	} {
		record := map[string]any{"level": "ERROR", "message": "panic in socket message", "record": map[string]any{"status": "error"}}
		if got := matches(pattern, record); got != want {
			t.Errorf("%s: got %t", pattern, got)
		}
	}
}
