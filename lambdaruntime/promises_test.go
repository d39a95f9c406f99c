package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// The behaviour of a random job.
const (
	jobOK         = "ok"
	jobFails      = "fail"
	jobDrops      = "drop"
	jobPanics     = "panic"
	jobBroken     = "broken"      // its body cannot be decoded
	jobObeys      = "obeys"       // works until it is cancelled
	jobIsStubborn = "stubborn"    // works on after it is cancelled
	jobIsLate     = "late but ok" // is cancelled, and finishes its work all the same
)

// trace is what happened to one job.
type trace struct {
	starts     []time.Time
	ended      time.Time
	succeeded  bool // returned nil or Drop
	order      int  // the how manieth job to start
	concurrent int  // others that were running when it started, and were not told to stop
}

type journal struct {
	mu      sync.Mutex
	jobs    map[string]*trace
	running map[*trace]context.Context
	started int
}

func (j *journal) work(ctx context.Context, job *Job[map[string]string]) (err error) {
	j.mu.Lock()
	t := j.jobs[job.ID]
	if t == nil {
		t = &trace{}
		j.jobs[job.ID] = t
	}
	t.starts = append(t.starts, time.Now())
	t.order, t.concurrent = j.started, 0
	for _, other := range j.running {
		if other.Err() == nil {
			t.concurrent++
		}
	}
	j.started++
	if j.running == nil {
		j.running = map[*trace]context.Context{}
	}
	j.running[t] = ctx
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.running, t)
		t.ended = time.Now()
		t.succeeded = err == nil || IsDrop(err)
	}()
	takes, parseErr := time.ParseDuration(job.Payload["takes"])
	if parseErr != nil {
		panic(parseErr)
	}
	switch job.Payload["do"] {
	case jobObeys:
		<-ctx.Done()
		return ctx.Err()
	case jobIsStubborn:
		time.Sleep(10 * time.Minute)
		return nil
	case jobIsLate:
		<-ctx.Done()
		return nil
	}
	time.Sleep(takes)
	switch job.Payload["do"] {
	case jobFails:
		return errors.New("no")
	case jobDrops:
		return Drop(errors.New("hopeless"))
	case jobPanics:
		err = errors.New("panic")
		panic("oh")
	}
	return nil
}

// randomBatch makes a batch of jobs with random outcomes in random groups.
func randomBatch(rng *rand.Rand, fifo bool) (bodies, groups, does []string) {
	outcomes := []string{jobOK, jobOK, jobOK, jobOK, jobFails, jobDrops, jobPanics, jobBroken, jobObeys, jobIsStubborn, jobIsLate}
	if rng.IntN(2) == 0 { // otherwise few batches get far
		outcomes = outcomes[:8]
	}
	for range 1 + rng.IntN(10) {
		do := outcomes[rng.IntN(len(outcomes))]
		group := string(rune('a' + rng.IntN(4)))
		takes := time.Duration(1+rng.IntN(int(3*time.Second))) | 1 // never the same moment as a timeout
		body := fmt.Sprintf(`{"do":%q,"takes":%q}`, do, takes)
		if do == jobBroken {
			body = `{"do":`
		}
		if fifo {
			body = group + ":" + body
		}
		bodies, groups, does = append(bodies, body), append(groups, group), append(does, do)
	}
	return bodies, groups, does
}

// TestBatchPromises runs random batches and checks the documented promises.
func TestBatchPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		for _, fifo := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, FIFO %v", seed, fifo), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { checkBatchPromises(t, rand.New(rand.NewPCG(seed, 1)), fifo) })
			})
		}
	}
}

func checkBatchPromises(t *testing.T, rng *rand.Rand, fifo bool) {
	j := &journal{jobs: map[string]*trace{}}
	q := Queue[map[string]string]{Name: "q", FIFO: fifo}
	if rng.IntN(3) > 0 {
		q.Timeout = 2 * time.Second
	}
	if fifo {
		q.StopBatch = rng.IntN(3) == 0
	} else {
		q.Concurrency = rng.IntN(4) // 0: the default
	}
	b := setup(t, &App{Queues: []Consumer{q.Consume(j.work)}})
	bodies, groups, does := randomBatch(rng, fifo)
	name := "q"
	if fifo {
		name = "q.fifo"
	}
	lambdaTimeout := time.Duration(3+rng.IntN(20)) * time.Second
	if rng.IntN(3) == 0 { // down to what Lambda allows, and to what it may have left
		lambdaTimeout = time.Duration(100+rng.IntN(2900)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), lambdaTimeout)
	defer cancel()
	reported := failures(t, b.mustInvoke(ctx, batchOf(name, bodies...)))
	answered := time.Now()
	if ctx.Err() != nil {
		t.Errorf("answered after the deadline of %s", lambdaTimeout)
	}
	describe := func() string {
		return fmt.Sprintf("timeout %s, Lambda's %s, StopBatch %v, jobs %q in groups %v, reported %v", q.Timeout, lambdaTimeout, q.StopBatch, does, groups, reported)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(reported))); len(unique) != len(reported) {
		t.Errorf("an id is reported twice: %s", describe())
	}

	j.mu.Lock()
	lastOfGroup, failedGroup, anyFailed := map[string]int{}, map[string]bool{}, false
	for i := range bodies {
		id := fmt.Sprintf("m%d", i)
		tr := j.jobs[id]
		isReported := slices.Contains(reported, id)
		finished := tr != nil && tr.succeeded && !tr.ended.After(answered)
		if finished && q.Timeout > 0 && tr.ended.Sub(tr.starts[0]) > q.Timeout+min(cancelGrace, lambdaTimeout/8) {
			finished = false // given up on before, while the batch went on
		}
		switch {
		case isReported == finished:
			t.Errorf("%s: reported %v, finished %v: %s", id, isReported, finished, describe())
		case tr != nil && len(tr.starts) != 1:
			t.Errorf("%s started %d times: %s", id, len(tr.starts), describe())
		case does[i] == jobBroken && tr != nil:
			t.Errorf("%s has no body and ran: %s", id, describe())
		}
		if !fifo {
			if limit := q.Concurrency; tr != nil && tr.concurrent >= max(limit, 1) && limit > 0 {
				t.Errorf("%s ran beside %d others: %s", id, tr.concurrent, describe())
			}
			continue
		}
		if tr != nil {
			if tr.concurrent > 0 {
				t.Errorf("%s ran beside another: %s", id, describe())
			}
			if last, ok := lastOfGroup[groups[i]]; ok && tr.order < last {
				t.Errorf("%s ran out of order: %s", id, describe())
			}
			if failedGroup[groups[i]] || anyFailed && q.StopBatch {
				t.Errorf("%s ran after a failure before it: %s", id, describe())
			}
			lastOfGroup[groups[i]] = tr.order
		} else if does[i] != jobBroken && !failedGroup[groups[i]] && !(anyFailed && q.StopBatch) && answered.Sub(start(j)) < lambdaTimeout-1500*time.Millisecond && lambdaTimeout > 3*time.Second {
			t.Errorf("%s was returned without a reason: %s", id, describe())
		}
		if isReported {
			failedGroup[groups[i]], anyFailed = true, true
		}
	}
	j.mu.Unlock()
	time.Sleep(time.Hour) // let abandoned jobs end
}

func start(j *journal) time.Time {
	first := time.Now()
	for _, tr := range j.jobs {
		if tr.starts[0].Before(first) {
			first = tr.starts[0]
		}
	}
	return first
}

// TestAbandonedHandlersReachNobodyElse serves thousands of requests while abandoned
// handlers go on writing.
func TestAbandonedHandlersReachNobodyElse(t *testing.T) {
	t.Parallel()
	const clients, requests = 8, 400
	b := setup(t, &App{RequestTimeout: 3 * time.Millisecond, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mark := r.URL.Path + ";"
		w.Header().Set("X-Mark", mark)
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, mark)
		if strings.HasSuffix(r.URL.Path, "/slow") {
			<-r.Context().Done()
			for range 200 { // as fast as it can, at everything it can reach
				io.WriteString(w, mark)
				w.Header().Set("X-Mark", mark)
				r.Header.Set("X-Mark", mark)
				r.URL.Path = mark
				w.(http.Flusher).Flush()
			}
		}
	})})
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for n := range requests {
				path := fmt.Sprintf("/%d/%d", c, n)
				slow := n%10 == 0
				if slow {
					path += "/slow"
				}
				out, err := b.serve(context.Background(), v2("GET", path, ""))
				if err != nil {
					t.Error(err)
					return
				}
				got := parseResponse(t, string(out))
				switch {
				case slow && (got.StatusCode != 504 || strings.Contains(string(out), ";")):
					t.Errorf("%s: got %.200s", path, out)
				case !slow && got.StatusCode == 504: // the machine was busy; that is allowed
				case !slow && (got.StatusCode != 200 || got.Body != path+";" || got.Headers["X-Mark"] != path+";"):
					t.Errorf("%s: got %.200s", path, out)
				}
			}
		})
	}
	wg.Wait()
}

// TestConcurrentInvocations sends FIFO batches, standard batches and requests to one
// handler at once, as Lambda does where AWS_LAMBDA_MAX_CONCURRENCY is over 1.
func TestConcurrentInvocations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ordered, together := &journal{jobs: map[string]*trace{}}, &journal{jobs: map[string]*trace{}}
		b := setup(t, &App{
			HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }),
			Queues: []Consumer{
				Queue[map[string]string]{Name: "ordered", FIFO: true}.Consume(ordered.work),
				Queue[map[string]string]{Name: "together", Concurrency: 4}.Consume(together.work),
			},
		})
		body := `{"do":"ok","takes":"100ms"}`
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				group := fmt.Sprintf("g%d:", n/2) // two batches of each group
				payload := strings.ReplaceAll(string(batchOf("ordered.fifo", group+body, group+body)), `"messageId":"`, fmt.Sprintf(`"messageId":"b%d-`, n))
				if got := failures(t, b.mustInvoke(t.Context(), []byte(payload))); len(got) > 0 {
					t.Errorf("FIFO: %v", got)
				}
			})
			wg.Go(func() {
				payload := strings.ReplaceAll(string(batchOf("together", body, body, body, body)), `"messageId":"`, fmt.Sprintf(`"messageId":"b%d-`, n))
				if got := failures(t, b.mustInvoke(t.Context(), []byte(payload))); len(got) > 0 {
					t.Errorf("standard: %v", got)
				}
			})
			wg.Go(func() {
				path := fmt.Sprintf("/%d", n)
				if got := parseResponse(t, b.mustInvoke(t.Context(), v2("GET", path, ""))); got.Body != path {
					t.Errorf("HTTP: %v", got)
				}
			})
		}
		wg.Wait()
		for id, tr := range ordered.jobs {
			if tr.concurrent > 1 {
				t.Errorf("FIFO job %s ran beside one of its group", id)
			}
		}
		most := 0
		for _, tr := range together.jobs {
			most = max(most, tr.concurrent+1)
		}
		if len(ordered.jobs) != 8 || len(together.jobs) != 16 || most != 16 {
			t.Errorf("%d FIFO jobs, %d standard jobs, %d at once", len(ordered.jobs), len(together.jobs), most)
		}
	})
}

// brokenError is the result of a function that returns a nil pointer as an error: its
// methods panic.
type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

// TestErrorsThatPanic: reading such an error is a panic of the handler that returned it.
func TestErrorsThatPanic(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]error{
		"a nil pointer": (*brokenError)(nil), "a nil StatusError": (*StatusError)(nil), "one that unwraps": errors.Join(errors.New("x"), (*url.Error)(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := func(_ context.Context, job *Job[string]) error {
				if job.Payload == "broken" {
					return broken
				}
				return nil
			}
			b := setup(t, &App{
				Queues: []Consumer{Queue[string]{Name: "jobs"}.Consume(work), Queue[string]{Name: "ledger", FIFO: true}.Consume(work)},
				WebSocket: funcSocket{
					connect:    func(context.Context, *ConnectRequest) error { return broken },
					message:    func(context.Context, *WebSocketMessage) error { return broken },
					disconnect: func(context.Context, *DisconnectRequest) error { return broken },
				},
				Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return broken }}},
				Fallback:  lambda.NewHandler(func() error { return broken }),
				Warm:      []Warmer{funcWarmer{"db", true, func(context.Context) error { return broken }}},
			})
			for _, queue := range []string{"jobs", "ledger.fifo"} {
				bodies := []string{"ok", "broken", "ok"}
				if queue != "jobs" {
					bodies = []string{"a:ok", "b:broken", "c:ok"}
				}
				if got := failures(t, b.mustInvoke(t.Context(), batchOf(queue, bodies...))); !slices.Equal(got, []string{"m1"}) {
					t.Errorf("%s: got %v", queue, got)
				}
			}
			for name, want := range map[string]int{"websocket-connect": 500, "websocket-message": 500, "websocket-disconnect": 500} {
				if got := parseResponse(t, b.mustInvoke(t.Context(), sample(t, name))); got.StatusCode != want {
					t.Errorf("%s: got %d", name, got.StatusCode)
				}
			}
			for _, name := range []string{"schedule-scheduler", "s3-object-created"} {
				if _, err := b.invoke(t.Context(), sample(t, name)); err == nil || err.Error() == "" {
					t.Errorf("%s: got %v", name, err)
				}
			}
			if err := b.router.warmUp(t.Context(), 0); err == nil || err.Error() == "" {
				t.Errorf("warm-up: got %v", err)
			}
			if _, err := NewResource("db", func(context.Context) (int, error) { return 0, broken }).Get(t.Context()); err == nil || !strings.HasPrefix(err.Error(), `resource "db": panic: `) {
				t.Errorf("resource: got %v", err)
			}
			if len(b.logged("panic in ")) != 7 {
				t.Errorf("logs: %s", b.logs)
			}
		})
	}
}
