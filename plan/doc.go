// Package plan goes from traffic to concurrency settings: it simulates a Lambda function
// and its queues, and says how many instances to keep warm, what that costs, and what the
// slowest requests see.
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
// [NewReport] has all that the command hearth plan prints.
//
// # The model
//
// A scenario is a stream of discrete events: arrivals, ends of invocations, expiries,
// and the minutes of Application Auto Scaling. An instance runs one invocation at a time.
// A request takes an idle provisioned instance, or else the idle instance that was used
// last. Without one, a new instance starts and runs its init phase first. If no more may
// run, the request is throttled. Instances that are idle for longer than [Scenario.Idle] end. docs/planning.md lists the assumptions,
// with their sources.
//
// All figures come from a seed: the same scenario gives the same result, bit by bit.
// Nothing is stored per request, so memory does not grow with the length of a run.
package plan
