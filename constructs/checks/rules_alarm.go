package checks

import "math"

const (
	typeAlarm = "AWS::CloudWatch::Alarm"
	alarmPage = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"

	minuteSeconds = 60
	hourSeconds   = 3600
	daySeconds    = 86_400
)

var alarmRules = []Rule{
	{
		ID: "alarm-period", Severity: Error, Page: alarmPage,
		Fault: "An alarm whose Period, EvaluationPeriods or DatapointsToAlarm CloudWatch does not accept; it refuses the alarm.",
		types: []string{typeAlarm},
		each: func(r *resource, report reporter) {
			period, periodKnown := r.get("Period").number()
			if periodKnown && period != 10 && period != 20 && period != 30 && (period < minuteSeconds || math.Mod(period, minuteSeconds) != 0) {
				report("Period must be 10, 20, 30 or a multiple of %d seconds, got %s; change it", minuteSeconds, scalar(period))
			}
			periods, periodsKnown := r.get("EvaluationPeriods").number()
			if n, known := r.get("DatapointsToAlarm").number(); known && periodsKnown && n > periods {
				report("DatapointsToAlarm must be at most EvaluationPeriods (%s), got %s; lower it", scalar(periods), scalar(n))
			}
			most := float64(daySeconds)
			if period >= hourSeconds {
				most *= 7
			}
			if periodKnown && periodsKnown && period*periods > most {
				report("EvaluationPeriods must be at most %s with a Period of %s seconds, got %s; lower one of them", scalar(math.Floor(most/period)), scalar(period), scalar(periods))
			}
		},
	},
}
