package plan

import (
	"fmt"
	"strings"
)

// snippet returns Go source that sets the recommended numbers in a stack.
func (a *Advice) snippet() string {
	var b strings.Builder
	fmt.Fprintln(&b, "hearth.NewBackend(stack, jsii.String(\"Backend\"), &hearth.BackendProps{")
	fmt.Fprintln(&b, "\tConcurrency: &hearth.ConcurrencyProps{")
	if p := a.Provisioned; p != nil {
		switch {
		case len(p.Schedule) > 0:
			fmt.Fprintf(&b, "\t\tProvisioned: &hearth.ProvisionedConcurrency{\n\t\t\tMin: jsii.Number(%d),\n\t\t\tSchedules: map[string]*awsapplicationautoscaling.ScalingSchedule{\n", p.Min)
			changes, eachHour := hourly(p.Schedule)
			if !eachHour {
				changes = p.Schedule
			}
			for _, c := range changes {
				name, hour := strings.ReplaceAll(clock(c.At), ":", "-"), fmt.Sprint(int(c.At.Hours()))
				if eachHour {
					name, hour = fmt.Sprintf("minute-%d", int(c.At.Minutes())), "*"
				}
				fmt.Fprintf(&b, "\t\t\t\t\"at-%s\": {\n", name)
				fmt.Fprintf(&b, "\t\t\t\t\tSchedule:    awsapplicationautoscaling.Schedule_Expression(jsii.String(\"cron(%d %s * * ? *)\")),\n", int(c.At.Minutes())%60, hour)
				fmt.Fprintf(&b, "\t\t\t\t\tMinCapacity: jsii.Number(%d),\n\t\t\t\t\tMaxCapacity: jsii.Number(%d),\n\t\t\t\t},\n", c.Min, max(c.Min, c.Max))
			}
			fmt.Fprintln(&b, "\t\t\t},\n\t\t},")
		case p.Max > p.Min:
			fmt.Fprintf(&b, "\t\tProvisioned: hearth.Autoscaled(%d, %d),\n", p.Min, p.Max)
		default:
			fmt.Fprintf(&b, "\t\tProvisioned: hearth.Fixed(%d),\n", p.Min)
		}
	}
	pad := ""
	if a.Provisioned != nil && len(a.Provisioned.Schedule) == 0 {
		pad = "   "
	}
	fmt.Fprintf(&b, "\t\tReserved: %sjsii.Number(%d),\n\t},\n", pad, a.Reserved)
	if len(a.Queues) > 0 {
		fmt.Fprintln(&b, "\tQueues: map[string]*hearth.QueueProps{")
		width := 0
		for _, q := range a.Queues {
			width = max(width, len(q.Name))
		}
		for _, q := range a.Queues {
			fmt.Fprintf(&b, "\t\t%q: %s{MaxConcurrency: jsii.Number(%d)},\n", q.Name, strings.Repeat(" ", width-len(q.Name)), q.MaxConcurrency)
		}
		fmt.Fprintln(&b, "\t},")
	}
	fmt.Fprintln(&b, "})")
	return b.String()
}
