package lambdaruntime

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Metric is one value of one of the program's own metrics.
type Metric struct {
	// Name is the metric's name: 1 to 255 characters, no control characters.
	Name string
	// Unit is a CloudWatch unit, such as Count, Milliseconds, Bytes or Percent; empty
	// means None.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html (2026-11)
	Unit string
	// Value is the value; it must be finite.
	Value float64
}

// Limits of one line of the embedded metric format.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html (2026-11)
const (
	maxMetrics        = 100
	maxDimensions     = 30
	maxMetricName     = 255
	maxDimensionName  = 250
	maxDimensionValue = 1024
	maxNamespace      = 255
)

// PutMetrics writes the program's own metrics in the embedded metric format: one log
// line, which CloudWatch turns into metrics in namespace with the given dimensions. It
// needs no API call and no permission. The line also has ctx's request id. It takes 1 to
// 100 metrics and up to 30 dimensions. Each combination of dimension values is a metric
// that costs money, so use no ids as values. Outside Lambda PutMetrics only checks its
// arguments.
//
//	lambdaruntime.PutMetrics(ctx, "Shop", map[string]string{"Plan": plan}, lambdaruntime.Metric{Name: "Orders", Unit: "Count", Value: 1})
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html (2026-11)
func PutMetrics(ctx context.Context, namespace string, dimensions map[string]string, metrics ...Metric) error {
	if err := checkMetrics(namespace, dimensions, metrics); err != nil {
		return fmt.Errorf("lambdaruntime: PutMetrics: %w", err)
	}
	names := slices.Sorted(maps.Keys(dimensions))
	values := make([]field, 0, len(dimensions)+1)
	for _, name := range names {
		values = append(values, field{name, dimensions[name]})
	}
	if e, ok := EventFromContext(ctx); ok && e.requestID != "" && dimensions["requestId"] == "" {
		values = append(values, field{"requestId", e.requestID})
	}
	newMetricWriter().put(namespace, [][]string{names}, values, metrics)
	return nil
}

func checkMetrics(namespace string, dimensions map[string]string, metrics []Metric) error {
	if namespace == "" || len(namespace) > maxNamespace {
		return fmt.Errorf("namespace must be 1 to %d bytes, got %d", maxNamespace, len(namespace))
	}
	if len(metrics) == 0 || len(metrics) > maxMetrics {
		return fmt.Errorf("it takes 1 to %d metrics, got %d", maxMetrics, len(metrics))
	}
	if len(dimensions) > maxDimensions {
		return fmt.Errorf("it takes at most %d dimensions, got %d", maxDimensions, len(dimensions))
	}
	taken := map[string]bool{"_aws": true}
	for name, value := range dimensions {
		if name == "" || len(name) > maxDimensionName || taken[name] || value == "" || len(value) > maxDimensionValue {
			return fmt.Errorf("dimension %q must have a name of 1 to %d bytes other than _aws and a value of 1 to %d bytes, got %d bytes", name, maxDimensionName, maxDimensionValue, len(value))
		}
		taken[name] = true
	}
	for _, m := range metrics {
		switch {
		case m.Name == "" || len(m.Name) > maxMetricName || taken[m.Name]:
			return fmt.Errorf("Metric.Name must be 1 to %d bytes, and no other metric or dimension of the same line, got %q", maxMetricName, m.Name)
		case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
			return fmt.Errorf("Metric.Value of %q must be finite, got %v", m.Name, m.Value)
		}
		taken[m.Name] = true
	}
	return nil
}

// metricWriter writes the embedded metric format. A successful request costs no log line,
// a batch one.
type metricWriter struct {
	w        io.Writer // nil outside Lambda
	function string
}

// stdout keeps concurrent lines of metrics apart.
var stdout sync.Mutex

func newMetricWriter() *metricWriter {
	name := functionName()
	if name == "" {
		return &metricWriter{}
	}
	return &metricWriter{os.Stdout, name}
}

// field is a field of a line besides its metrics.
type field struct{ name, value string }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// coldStart reports the first event of an instance.
func (m *metricWriter) coldStart(s startInfo) {
	m.own(field{}, Metric{"ColdStart", "Count", 1},
		Metric{"InitDuration", "Milliseconds", milliseconds(s.initDuration)},
		Metric{"WarmUpTime", "Milliseconds", milliseconds(s.warmUp)})
}

// timeout reports an operation that took too long.
func (m *metricWriter) timeout(kind Kind) {
	m.own(field{"Kind", kind.String()}, Metric{wire.MetricTimeouts, "Count", 1})
}

// jobs reports how many jobs of a batch were done and how many failed.
func (m *metricWriter) jobs(queue string, done, failed int) {
	m.own(field{"Queue", queue}, Metric{wire.MetricJobsDone, "Count", float64(done)}, Metric{wire.MetricJobsFailed, "Count", float64(failed)})
}

// healed reports an instance that ends because of abandoned code.
func (m *metricWriter) healed(pool string) {
	m.own(field{"Pool", pool}, Metric{wire.MetricHealed, "Count", 1})
}

// own writes the runtime's own metrics. Each one has the function's name as its only
// dimension and, where there is a further dimension, also both together.
func (m *metricWriter) own(dimension field, metrics ...Metric) {
	sets, values := [][]string{{"FunctionName"}}, []field{{"FunctionName", m.function}}
	if dimension.name != "" {
		sets, values = append(sets, []string{"FunctionName", dimension.name}), append(values, dimension)
	}
	m.put(wire.MetricNamespace, sets, values, metrics)
}

// put writes one line, with metrics in each set of dimensions.
func (m *metricWriter) put(namespace string, sets [][]string, values []field, metrics []Metric) {
	if m.w == nil {
		return
	}
	b := make([]byte, 0, 512)
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, time.Now().UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":`...)
	b = jsonscan.AppendString(b, namespace)
	b = append(b, `,"Dimensions":[`...)
	for i, set := range sets {
		b = comma(b, i)
		b = append(b, '[')
		for i, name := range set {
			b = jsonscan.AppendString(comma(b, i), name)
		}
		b = append(b, ']')
	}
	b = append(b, `],"Metrics":[`...)
	for i, v := range metrics {
		b = append(comma(b, i), `{"Name":`...)
		b = jsonscan.AppendString(b, v.Name)
		if v.Unit != "" {
			b = append(b, `,"Unit":`...)
			b = jsonscan.AppendString(b, v.Unit)
		}
		b = append(b, '}')
	}
	b = append(b, `]}]}`...)
	for _, f := range values {
		b = append(b, ',')
		b = jsonscan.AppendString(b, f.name)
		b = append(b, ':')
		b = jsonscan.AppendString(b, f.value)
	}
	for _, v := range metrics {
		b = append(b, ',')
		b = jsonscan.AppendString(b, v.Name)
		b = append(b, ':')
		b = strconv.AppendFloat(b, v.Value, 'f', -1, 64)
	}
	b = append(b, '}', '\n')
	stdout.Lock()
	defer stdout.Unlock()
	m.w.Write(b) //nolint:errcheck // there is nowhere to report a lost metric to
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}
