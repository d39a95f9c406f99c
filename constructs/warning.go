package hearth

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	kernel "github.com/aws/jsii-runtime-go/runtime"
)

// warn adds a CDK warning under an id that the user can acknowledge.
//
// It calls the CDK's process itself. The Go method AddWarningV2 has two parameters up to
// CDK 2.270 and three from 2.276 on, and the user's go.mod chooses the CDK's version.
func warn(c constructs.Construct, id, message string) {
	kernel.InvokeVoid(awscdk.Annotations_Of(c), "addWarningV2", []any{jsii.String("hearth:" + id), jsii.String(message)})
}
