// Package plan computes concurrency settings from traffic. It simulates a Lambda function
// with its queues, schedules and database connections. It reports how many instances to keep warm, their cost, and the latency
// of the slowest requests.
//
//	result, err := plan.Run(plan.Scenario{
//		Traffic:     plan.Steady(5),                      // requests a second
//		Duration:    plan.Exponential(time.Second),       // of the handler
//		Init:        plan.Constant(45 * time.Millisecond), // of a new instance
//		Provisioned: plan.Provisioned{Min: 8},
//	})
//	fmt.Println(result.SpillShare) // 0.0700, which is plan.ErlangB(8, 5)
//
// [Advise] runs many such scenarios and recommends settings, with the reason for each.
// [NewReport] makes the report that the command hearth plan prints.
//
// # The model
//
// The simulator processes discrete events: arrivals, ends of invocations, expiries, and
// the minutes of Application Auto Scaling. An instance runs one invocation at a time. A
// request takes an idle provisioned instance, or else the idle on-demand instance that was
// used last. If none is idle, Lambda starts a new instance, which runs its init phase
// first. At the concurrency limit, Lambda throttles the request. An instance that is idle
// for longer than [Scenario.Idle] ends. docs/planning.md lists the assumptions, with their
// sources.
//
// A seed determines all figures: the same scenario gives the same result, bit by bit.
// The simulator stores nothing per request, so memory does not grow with the length of a
// run.
package plan
