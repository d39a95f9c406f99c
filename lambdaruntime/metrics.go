package lambdaruntime

import (
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// metricNamespace is the CloudWatch namespace of the runtime's metrics.
const metricNamespace = "Hearth"

// metrics writes embedded metric format: log lines that CloudWatch turns into
// metrics, here with the function's name as their dimension. A request that goes
// well costs no log line, a batch one.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html (2026-11)
type metrics struct {
	mu       sync.Mutex
	w        io.Writer // nil outside Lambda
	function string
}

type metric struct {
	name  string
	unit  string // a CloudWatch unit: Count, Milliseconds
	value float64
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// coldStart reports the first event of an instance.
func (m *metrics) coldStart(s startInfo) {
	m.put(nil,
		metric{"ColdStart", "Count", 1},
		metric{"InitDuration", "Milliseconds", milliseconds(s.initDuration)},
		metric{"WarmUpTime", "Milliseconds", milliseconds(s.warmUp)})
}

// timeout reports a request, job or run that took too long.
func (m *metrics) timeout(kind Kind) {
	m.put([][2]string{{"Kind", kind.String()}}, metric{"Timeouts", "Count", 1})
}

// jobs reports what became of a batch.
func (m *metrics) jobs(queue string, done, failed int) {
	m.put([][2]string{{"Queue", queue}}, metric{"JobsDone", "Count", float64(done)}, metric{"JobsFailed", "Count", float64(failed)})
}

// put writes one line. Every metric is given with the function's name alone and,
// where there are further dimensions, with those too.
func (m *metrics) put(dimensions [][2]string, values ...metric) {
	if m.w == nil {
		return
	}
	b := make([]byte, 0, 512)
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, time.Now().UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":"`+metricNamespace+`","Dimensions":[["FunctionName"]`...)
	if len(dimensions) > 0 {
		b = append(b, `,["FunctionName"`...)
		for _, d := range dimensions {
			b = append(b, ',')
			b = jsonscan.AppendString(b, d[0])
		}
		b = append(b, ']')
	}
	b = append(b, `],"Metrics":[`...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"Name":"`+v.name+`","Unit":"`+v.unit+`"}`...)
	}
	b = append(b, `]}]},"FunctionName":`...)
	b = jsonscan.AppendString(b, m.function)
	for _, d := range dimensions {
		b = append(b, ',')
		b = jsonscan.AppendString(b, d[0])
		b = append(b, ':')
		b = jsonscan.AppendString(b, d[1])
	}
	for _, v := range values {
		b = append(b, `,"`+v.name+`":`...)
		b = strconv.AppendFloat(b, v.value, 'f', -1, 64)
	}
	b = append(b, '}', '\n')
	m.mu.Lock()
	defer m.mu.Unlock()
	m.w.Write(b) //nolint:errcheck // there is nowhere to report a lost metric to
}
