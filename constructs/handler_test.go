package hearth

import (
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// TestClose shows that nothing is kept from one run of the CDK's process for the
// next one.
func TestClose(t *testing.T) {
	for range 2 {
		stack := setup(t)
		h := NewHandler(stack, jsii.String("Handler"), &HandlerProps{Entry: entry("silent"), Manifest: jsii.Bool(false)})
		q := NewQueue(stack, jsii.String("Jobs"), &QueueProps{Handler: h.Alias})
		NewMonitoring(stack, jsii.String("Monitoring"), &MonitoringProps{Handlers: []*Handler{h}, Queues: []*Queue{q}})
		template(stack).ResourceCountIs(jsii.String("AWS::CloudWatch::Alarm"), jsii.Number(5))
		jsii.Close()
	}
}
