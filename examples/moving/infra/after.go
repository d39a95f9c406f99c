package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	hearth "github.com/lambdahearth/hearth/constructs"
)

// after is the app with a backend in place of the functions. What holds state is made by
// the same code under the same ids.
func after(scope constructs.Construct, id string) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), nil)
	queue := newQueue(stack)

	backend := hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry: jsii.String("./examples/moving/handler"),
		// A sixth of the queue's visibility timeout.
		Handler:       &hearth.HandlerProps{Timeout: awscdk.Duration_Seconds(jsii.Number(20))},
		HttpElsewhere: jsii.Bool(true),
		Queues:        map[string]*hearth.QueueProps{"orders": {Queue: queue}},
	})
	newApi(stack, backend.Handler.Alias)
	return stack
}
