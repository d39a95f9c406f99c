package event

import (
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// ScheduleNames returns the possible names of an event's schedule, most specific first:
// detail.schedule, then the last part of each ARN in resources
// (arn:aws:scheduler:{region}:{account}:schedule/{group}/{name},
// arn:aws:events:{region}:{account}:rule/{name}).
func (e *Envelope) ScheduleNames() []string {
	var names []string
	d := jsonscan.NewDecoder(e.rawDetail)
	if d.Peek() == '{' {
		for key, more := d.FirstKey(); more; key, more = d.Key() {
			if raw := d.Raw(); key == "schedule" {
				if name := Text(raw); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	d = jsonscan.NewDecoder(e.rawResources)
	if d.Peek() == '[' && d.Array() {
		for d.Elem() {
			arn := d.Text()
			if name := arn[strings.LastIndexByte(arn, '/')+1:]; name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
