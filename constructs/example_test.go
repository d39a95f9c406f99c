package hearth_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	hearth "github.com/lambdahearth/hearth/constructs"
)

// A whole backend. The manifest of the program in ./handler lists its parts.
func ExampleNewBackend() {
	var stack awscdk.Stack
	var vpc awsec2.IVpc
	var cluster awsrds.IDatabaseCluster

	hearth.NewBackend(stack, jsii.String("Backend"), &hearth.BackendProps{
		Entry:       jsii.String("./handler"),
		Concurrency: &hearth.ConcurrencyProps{Reserved: jsii.Number(50), Provisioned: hearth.Autoscaled(2, 20)},
		Database:    &hearth.DatabaseProxyProps{Cluster: cluster, Vpc: vpc},
		Queues:      map[string]*hearth.QueueProps{"screenshots": {MaxConcurrency: jsii.Number(10)}},
	})
}

// An existing queue, consumed by an existing function.
func ExampleNewQueue() {
	var stack awscdk.Stack
	var queue awssqs.IQueue
	var fn awslambda.Function

	jobs := hearth.NewQueue(stack, jsii.String("Jobs"), &hearth.QueueProps{
		Handler:        fn.CurrentVersion(),
		MaxConcurrency: jsii.Number(10),
		Name:           jsii.String("jobs"),
		Queue:          queue,
	})
	jobs.ConnectSend(fn, nil)
}

// A database for a function that hearth builds, without a Backend.
func ExampleDatabaseProxy_Connect() {
	var stack awscdk.Stack
	var vpc awsec2.IVpc
	var instance awsrds.IDatabaseInstance

	handler := hearth.NewHandler(stack, jsii.String("Handler"), &hearth.HandlerProps{
		Entry:       jsii.String("./handler"),
		Concurrency: &hearth.ConcurrencyProps{Provisioned: hearth.Fixed(2)},
		Vpc:         vpc,
	})
	database := hearth.NewDatabaseProxy(stack, jsii.String("Database"), &hearth.DatabaseProxyProps{
		Database: jsii.String("shop"),
		Instance: instance,
		Vpc:      vpc,
	})
	database.Connect(handler, nil)
}
