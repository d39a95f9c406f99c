package main

import "fmt"

// The function of the picture: two provisioned instances, five reserved, a queue that may
// have two of them, and an init phase of three steps on demand.
const (
	provisioned    = 2
	reserved       = 5
	maxConcurrency = 2
	initSteps      = 3
	steps          = 40
)

// event is a request or a batch of jobs that arrives at a step and takes some.
type event struct {
	at, takes int
	job       bool
}

// events are few at first, then a burst.
var events = []event{
	{at: 1, takes: 5}, {at: 3, takes: 4}, {at: 8, takes: 3}, {at: 9, takes: 9, job: true},
	{at: 12, takes: 8, job: true}, {at: 13, takes: 7}, {at: 15, takes: 5, job: true}, {at: 15, takes: 6}, {at: 16, takes: 6}, {at: 17, takes: 5}, {at: 19, takes: 4},
	{at: 27, takes: 4}, {at: 29, takes: 5, job: true}, {at: 31, takes: 4}, {at: 32, takes: 4},
}

// bar is what one instance does from one step to another.
type bar struct {
	class    string
	from, to int
}

// instance is a lane.
type instance struct {
	bars   []bar
	freeAt int
}

// simulate gives each event to the instance that was busy last, as Lambda prefers those
// that are warm, or to a new one up to the reserved number. A request beyond that is
// refused; a batch waits, as it does while the queue has its share.
func simulate() (lanes []*instance, refused []int, waited []bar) {
	for range provisioned {
		lanes = append(lanes, &instance{})
	}
	jobsUntil := []int{}
	for _, e := range events {
		at := e.at
		if e.job { // the queue's own limit
			for {
				running := 0
				for _, until := range jobsUntil {
					if until > at {
						running++
					}
				}
				if running < maxConcurrency && free(lanes, at) >= 0 {
					break
				}
				at++
			}
			if at > e.at {
				waited = append(waited, bar{from: e.at, to: at})
			}
		}
		i := free(lanes, at)
		if i < 0 {
			refused = append(refused, at)
			continue
		}
		if i == len(lanes) {
			lanes = append(lanes, &instance{bars: []bar{{"init", at, at + initSteps}}})
			at += initSteps
		}
		class := "busy"
		if e.job {
			class = "job"
			jobsUntil = append(jobsUntil, at+e.takes)
		}
		lanes[i].bars = append(lanes[i].bars, bar{class, at, at + e.takes})
		lanes[i].freeAt = at + e.takes
	}
	return lanes, refused, waited
}

// free is the lane for an event at a step: an idle one, provisioned ones first, then a new
// one; -1 for none.
func free(lanes []*instance, at int) int {
	for i, lane := range lanes {
		if lane.freeAt <= at {
			return i
		}
	}
	if len(lanes) < reserved {
		return len(lanes)
	}
	return -1
}

// concurrency shows how instances, provisioned and reserved concurrency and queues play
// together: a lane for each instance, from left to right in time.
func concurrency() *picture {
	const left, top, lane, step = 150, 62, 38, 21
	p := newPicture("Instances of one function in time: provisioned, on demand, refused at the reserved concurrency, and a queue that waits", 1040, 386)
	lanes, refused, waited := simulate()
	x := func(at int) int { return left + at*step }
	p.text("head", 20, 30, "One function: 2 provisioned, 5 reserved, a queue with MaxConcurrency 2")
	for i := range reserved {
		y := top + i*lane
		kind, class := "on demand", "cold"
		if i < provisioned {
			kind, class = "provisioned", "warm"
		}
		p.rect(class, 20, y+5, 22, 20, 4)
		p.text("dim", 50, y+20, kind)
		p.path("rule", fmt.Sprintf("M%d %dH%d", left, y+lane-2, x(steps)))
		if i >= len(lanes) {
			continue
		}
		for _, b := range lanes[i].bars {
			p.rect(b.class, x(b.from), y+5, (b.to-b.from)*step-2, 20, 3)
		}
	}
	bottom := top + reserved*lane
	p.path("limit", fmt.Sprintf("M%d %dH%d", left, bottom+3, x(steps)))
	p.text("limitText", 20, bottom+8, "reserved")
	for _, at := range refused {
		p.path("refused", fmt.Sprintf("M%d %dl12 12m0-12l-12 12", x(at), bottom+14))
	}
	p.text("dim", 20, bottom+26, "refused")
	for i, w := range waited {
		y := bottom + 46 + 14*i
		p.path("line", fmt.Sprintf("M%d %dH%d", x(w.from), y, x(w.to)-4))
		p.arrow(fmt.Sprintf("M%d %dh4", x(w.to)-6, y))
	}
	p.text("dim", 20, bottom+50, "queue waits")
	y := 364
	for i, item := range [][2]string{{"init", "init: a cold start"}, {"busy", "a request"}, {"job", "a batch of jobs"}} {
		p.rect(item[0], left+190*i, y-12, 22, 14, 3)
		p.text("dim", left+190*i+30, y, item[1])
	}
	p.text("dim", left+190*3, y, "✕ a request that gets 429: all five are busy")
	return p
}
