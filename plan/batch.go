package plan

// batch is one invocation with messages of a queue.
type batch struct {
	queue    int
	messages []message
	received float64 // when the poller received it
	tried    bool
	ends     []float64 // when each job ends, in seconds after the handler began,
	allowed  float64   // and when the function's timeout ends the invocation
	slots    []float64 // scratch space of the function duration
}

// batches holds the batches in flight, by number. Numbers are reused.
type batches struct {
	all  []batch
	free []int32
}

func (b *batches) get(queue int) int32 {
	var id int32
	if n := len(b.free); n > 0 {
		id, b.free = b.free[n-1], b.free[:n-1]
	} else {
		id = int32(len(b.all))
		b.all = append(b.all, batch{})
	}
	b.all[id].queue, b.all[id].tried = queue, false
	b.all[id].messages = b.all[id].messages[:0]
	return id
}

// invokeBatch starts a batch that a poller has received.
func (q *queue) invokeBatch(id int32) {
	q.inFlight++
	q.peak = max(q.peak, q.inFlight)
	q.m.batches.all[id].received = q.m.now
	q.try(id)
}

// try invokes the function with a batch. If Lambda throttles it, the batch waits.
func (q *queue) try(id int32) {
	m := q.m
	b := &m.batches.all[id]
	p, ok := m.acquire()
	if !ok {
		q.throttles++
		m.series.throttled++
		if m.now-b.received+throttlePause < q.visibility {
			m.timers.push(event{at: m.now + throttlePause, batch: id, kind: retriesBatch})
			return
		}
		q.returns(b.messages, m.now)
		q.release(id)
		return
	}
	total, jobs := q.duration(b)
	q.batches++
	q.jobSeconds += jobs
	need := 1
	if !q.FIFO {
		need = min(q.Jobs, len(b.messages))
	}
	m.invoke(call{place: p, source: ofBatch, batch: id, duration: total, need: need})
}

// tried counts the ages of the messages of a batch that takes total seconds.
func (q *queue) tried(b *batch, c *call, wait, total float64) {
	for _, msg := range b.messages {
		if msg.tries == 0 {
			waited := c.began - msg.sent
			q.oldest = max(q.oldest, waited)
			q.ages.add(waited+total, waited+wait, c.initing)
		}
	}
	q.invocationBilled += total
}

// retry invokes the function again with a throttled batch.
func (m *simulator) retry(id int32) { m.queues[m.batches.all[id].queue].try(id) }

// duration draws how long the jobs of a batch take, in seconds: total is the duration of
// the invocation, jobs the sum over its jobs. At most q.Jobs run at once; each further job
// begins when an earlier one ends.
func (q *queue) duration(b *batch) (total, jobs float64) {
	b.ends = b.ends[:0]
	if q.Jobs == 1 {
		for range b.messages {
			total += q.Duration.sample(q.random)
			b.ends = append(b.ends, total)
		}
		return total, total
	}
	b.slots = b.slots[:0]
	for range b.messages {
		d := q.Duration.sample(q.random)
		jobs += d
		if len(b.slots) < q.Jobs {
			b.slots = append(b.slots, d)
			b.ends = append(b.ends, d)
			total = max(total, d)
			continue
		}
		least := 0
		for i, end := range b.slots {
			if end < b.slots[least] {
				least = i
			}
		}
		b.slots[least] += d
		b.ends = append(b.ends, b.slots[least])
		total = max(total, b.slots[least])
	}
	return total, jobs
}

// endBatch draws the outcome of each message of a batch and ends the batch. A job fails if
// the function's timeout ends it.
func (m *simulator) endBatch(id int32) {
	b := &m.batches.all[id]
	q := m.queues[b.queue]
	visible := max(m.now, b.received+q.visibility)
	jobFails := func(i int) bool {
		return b.ends[i] > b.allowed || q.Failure > 0 && q.random.Float64() < q.Failure
	}
	failed := false
	if q.WholeBatch {
		for i := range b.messages {
			failed = failed || jobFails(i)
		}
	}
	var back []message
	for i, msg := range b.messages {
		// After a failure in a message group, the rest of the group goes back too.
		if failed || !q.WholeBatch && (jobFails(i) || q.FIFO && sameGroup(back, msg.group)) {
			back = append(back, msg)
			continue
		}
		q.done++
		q.lastDone = m.now
	}
	q.returns(back, visible)
	q.release(id)
}

func sameGroup(messages []message, group int32) bool {
	for _, msg := range messages {
		if msg.group == group {
			return true
		}
	}
	return false
}

// returns makes failed messages visible again at a time. A message that has reached
// MaxReceives goes to the dead-letter queue instead. In a FIFO queue, messages return to
// the front of their group, and the group stops until that time.
func (q *queue) returns(messages []message, at float64) {
	for i := len(messages) - 1; i >= 0; i-- {
		msg := messages[i]
		if msg.tries++; int(msg.tries) >= q.MaxReceives {
			q.dead++
			q.lastDone = q.m.now
			continue
		}
		q.retried++
		if !q.FIFO {
			q.hidden.push(msg, at)
			q.wakeUp(at)
			continue
		}
		q.groups[msg.group].pushFirst(msg)
		q.count++
		if !q.stopped[msg.group] {
			q.stopped[msg.group] = true
			q.hidden.push(message{group: msg.group}, at)
			q.wakeUp(at)
		}
	}
}

// visible makes a hidden message visible; in a FIFO queue it lets the message's group
// continue.
func (q *queue) visible(msg message) {
	if !q.FIFO {
		q.put(msg)
		return
	}
	q.stopped[msg.group], q.busy[msg.group] = false, false
	if q.groups[msg.group].n > 0 {
		q.turn.push(msg.group)
	}
}

// release ends a batch and frees its message groups for the next batches.
func (q *queue) release(id int32) {
	b := &q.m.batches.all[id]
	if q.FIFO {
		for _, msg := range b.messages {
			if q.busy[msg.group] && !q.stopped[msg.group] {
				q.busy[msg.group] = false
				if q.groups[msg.group].n > 0 {
					q.turn.push(msg.group)
				}
			}
		}
	}
	q.inFlight--
	q.m.batches.free = append(q.m.batches.free, id)
	q.dispatch()
}

// ring is a first-in, first-out buffer; its length is a power of two.
type ring[T any] struct {
	values []T
	first  int
	n      int
}

func (r *ring[T]) push(v T) {
	if r.n == len(r.values) {
		grown := make([]T, max(8, 2*r.n))
		for i := range r.n {
			grown[i] = r.values[(r.first+i)&(len(r.values)-1)]
		}
		r.values, r.first = grown, 0
	}
	r.values[(r.first+r.n)&(len(r.values)-1)] = v
	r.n++
}

func (r *ring[T]) pushFirst(v T) {
	r.push(v) // grows the buffer if it is full
	r.first = (r.first + len(r.values) - 1) & (len(r.values) - 1)
	r.values[r.first] = v
}

func (r *ring[T]) pop() T {
	v := r.values[r.first]
	r.first = (r.first + 1) & (len(r.values) - 1)
	r.n--
	return v
}

func (r *ring[T]) at(i int) *T { return &r.values[(r.first+i)&(len(r.values)-1)] }

// hidden is a heap of messages that become visible later, the earliest first.
type hidden []hiddenMessage

type hiddenMessage struct {
	message
	at float64
}

func (h *hidden) push(msg message, at float64) {
	a := append(*h, hiddenMessage{msg, at})
	for i := len(a) - 1; i > 0 && a[(i-1)/2].at > a[i].at; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
	*h = a
}

func (h *hidden) pop() message {
	a := *h
	first := a[0].message
	n := len(a) - 1
	a[0] = a[n]
	a = a[:n]
	for i := 0; ; {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && a[child+1].at < a[child].at {
			child++
		}
		if a[i].at <= a[child].at {
			break
		}
		a[i], a[child] = a[child], a[i]
		i = child
	}
	*h = a
	return first
}
