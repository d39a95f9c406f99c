package plan

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

// planMappings plans the event source mappings of queues.
func (p *planner) planMappings() error {
	var errs []error
	for _, r := range p.app.OfType("AWS::Lambda::EventSourceMapping") {
		var props struct {
			EventSourceArn, FunctionName              string
			BatchSize, MaximumBatchingWindowInSeconds assembly.Int
			Enabled                                   *assembly.Bool
			FunctionResponseTypes                     []string
			ScalingConfig                             struct{ MaximumConcurrency assembly.Int }
			FilterCriteria                            struct{ Filters []struct{ Pattern string } }
		}
		if err := p.decode(r, &props); err != nil {
			errs = append(errs, err)
			continue
		}
		if !strings.HasPrefix(props.EventSourceArn, "arn:aws:sqs:") {
			p.skip(r, "its source is no queue")
			continue
		}
		if props.Enabled != nil && !bool(*props.Enabled) {
			continue
		}
		if queue := LastPart(props.EventSourceArn, ":"); !p.HasQueue(queue) {
			p.skip(r, "the app has no queue "+queue)
			continue
		}
		if !p.simulates(props.FunctionName) {
			p.skip(r, "its function is not simulated")
			continue
		}
		m := &Mapping{Resource: r, Queue: LastPart(props.EventSourceArn, ":"), Function: props.FunctionName, Options: sqs.MappingOptions{
			BatchSize: int(props.BatchSize), Window: time.Duration(props.MaximumBatchingWindowInSeconds) * time.Second,
			MaxConcurrency:          int(props.ScalingConfig.MaximumConcurrency),
			ReportBatchItemFailures: slices.Contains(props.FunctionResponseTypes, "ReportBatchItemFailures"),
		}}
		for _, f := range props.FilterCriteria.Filters {
			m.Options.Filters = append(m.Options.Filters, f.Pattern)
		}
		if !m.Options.ReportBatchItemFailures {
			p.warn(r, "queue %s: the mapping has no FunctionResponseTypes ReportBatchItemFailures: Lambda deletes the whole batch if the function returns without an error, and delivers all of it again after an error; "+
				"set it (ReportBatchItemFailures in the CDK's SqsEventSourceProps), and only failed messages come again", m.Queue)
		}
		p.Mappings = append(p.Mappings, m)
	}
	return errors.Join(errs...)
}
