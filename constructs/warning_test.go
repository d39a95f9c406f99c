package hearth

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
)

// TestWarnings shows that a warning reaches the user of any version of the CDK that
// is tested, and that it can be acknowledged.
func TestWarnings(t *testing.T) {
	for name, want := range map[string]int{"given": 1, "acknowledged": 0} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			if name == "acknowledged" {
				awscdk.Annotations_Of(stack).AcknowledgeWarning(jsii.String("hearth:lowMaxReceiveCount"), jsii.String("few retries are meant"))
			}
			NewQueue(stack, jsii.String("Jobs"), &QueueProps{MaxReceiveCount: jsii.Number(3)})
			warnings := *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("/Test/Jobs"), assertions.Match_StringLikeRegexp(jsii.String("QueueProps.MaxReceiveCount is 3; .*")))
			if len(warnings) != want {
				t.Errorf("got %d warnings, want %d", len(warnings), want)
			}
		})
	}
}
