package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// pageBench is the example on an engine with its page open.
type pageBench struct {
	*bench
	*tab
	api *api
}

func (p *pageBench) mainFunction() local.FunctionState { return p.State().Functions[0] }

// sure clicks something that asks before it does it.
func (p *pageBench) sure(selector string) {
	p.tab.t.Helper()
	p.click(selector)
	p.click("dialog[open] #yes")
	p.await("!document.querySelector('dialog').open")
}

// TestPage drives each panel with a real app behind it. What an action does is asserted
// in the engine.
func TestPage(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	p := &pageBench{bench: startBookmarks(t, local.Options{Assembly: bookmarksAssembly(t, func(template map[string]any) {
		for id, r := range template["Resources"].(map[string]any) { // a fault that the checks find
			if strings.HasPrefix(id, "BackendQueuetitlesDeadLetterQueue") && r.(map[string]any)["Type"] == "AWS::SQS::Queue" {
				r.(map[string]any)["Properties"].(map[string]any)["MessageRetentionPeriod"] = 172800
			}
		}
	})})}
	p.api = &api{p.Engine, p.Token()}
	post, err := http.NewRequestWithContext(t.Context(), "POST", p.HTTPURL()+"/bookmarks?token=hidden", strings.NewReader(`{"url":"http://127.0.0.1:1/","big":12345678901234567890}`))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("Authorization", "Bearer not-for-the-screen")
	post.Header.Set("X-User", "anna")
	if resp, err := within.Client.Do(post); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%v, %v", resp, err)
	}
	eventually(t, "the jobs ran", func() bool { return len(p.api.invocations(t, "source=queue&status=ok")) >= 2 })
	p.tab = b.open(t, p.URL()+"/_hearth/", 1280, 900)
	p.await("document.body.dataset.ready")

	for _, panel := range []struct {
		name string
		test func(*testing.T, *pageBench)
	}{
		{"instances", testInstancesPanel}, {"invocations", testInvocationsPanel}, {"queues", testQueuesPanel}, {"connections", testConnectionsPanel},
		{"schedules and clock", testSchedulesPanel}, {"faults", testFaultsPanel}, {"map", testMapPanel}, {"plots", testPlotsPanel}, {"logs", testLogsPanel}, {"keys and links", testKeys},
	} {
		t.Run(panel.name, func(t *testing.T) {
			p.tab.t = t
			panel.test(t, p)
			p.clean()
			var nameless []string
			p.value("[...document.querySelectorAll('button,a,input:not([hidden]),select,textarea,canvas,aside,nav')].filter(e => !(e.textContent.trim() || e.ariaLabel || e.title || e.labels?.length || e.closest('.uplot'))).map(e => e.outerHTML.slice(0, 120))", &nameless)
			for _, e := range nameless {
				t.Errorf("a screen reader has no name for %s", e)
			}
		})
	}
}

// painted counts the pixels of a canvas that have a colour of the theme.
const painted = `((colour) => {
	const c = document.querySelector('canvas.lane'), g = c.getContext('2d')
	g.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--' + colour)
	const want = g.fillStyle.match(/\w\w/g).map(x => parseInt(x, 16))
	const d = g.getImageData(0, 0, c.width, c.height).data
	let n = 0
	for (let i = 0; i < d.length; i += 4) if (d[i] === want[0] && d[i + 1] === want[1] && d[i + 2] === want[2]) n++
	return n
})`

func testInstancesPanel(t *testing.T, p *pageBench) {
	p.visit("#/instances")
	p.await("document.querySelector('canvas.lane')")
	p.await(painted + "('busy') > 20 && " + painted + "('frozen') > 100 && " + painted + "('init') > 5")
	p.await("document.querySelector('canvas.lane').ariaLabel.includes('2 provisioned and')")

	// A click on a lane leads to the invocation.
	var at []float64
	eventually(t, "a bar is found", func() bool {
		p.value(`(() => {
			const c = document.querySelector('canvas.lane'), g = c.getContext('2d'), r = c.getBoundingClientRect()
			g.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--busy')
			const want = g.fillStyle.match(/\w\w/g).map(x => parseInt(x, 16))
			for (let y = 115; y < c.height - 45; y += 3) for (let x = c.width - 1; x > 0; x--) {
				const d = g.getImageData(x, y, 1, 1).data
				if (d[0] === want[0] && d[1] === want[1] && d[2] === want[2]) return [r.x + x, r.y + y]
			}
			return []
		})()`, &at)
		if len(at) == 0 {
			return false
		}
		for _, kind := range []string{"mouseMoved", "mousePressed", "mouseReleased"} {
			if _, err := p.b.call(p.session, "Input.dispatchMouseEvent", params{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}); err != nil {
				t.Fatal(err)
			}
		}
		found := false
		time.Sleep(100 * time.Millisecond)
		p.value("location.hash.startsWith('#/instances/invocation/')", &found)
		return found
	})
	p.await("document.querySelector('aside .wf')")

	// The table leads to an instance.
	p.click("details summary")
	p.await("document.querySelectorAll('details tbody tr').length >= 2")
	first := provisioned(p.bench)[0].ID
	p.visit(fmt.Sprintf("#/instances/instance/%d", first))
	p.await("document.querySelector('aside h2')?.textContent === 'Instance " + fmt.Sprint(first) + "'")
	p.click("#freeze")
	eventually(t, "it is frozen", func() bool { return provisioned(p.bench)[0].Frozen })
	p.await("document.querySelector('aside').textContent.includes('frozen')")
	p.click("#thaw")
	eventually(t, "it is thawed", func() bool { return !provisioned(p.bench)[0].Frozen })
	replaced := func(id int) func() bool {
		return func() bool {
			list := provisioned(p.bench)
			return len(list) == 2 && !slices.ContainsFunc(list, func(i local.InstanceState) bool { return i.ID == id || i.State != "idle" })
		}
	}
	p.click("#recycle")
	eventually(t, "it is replaced", replaced(first))
	p.await("document.querySelector('aside').textContent.includes('it was recycled by hand')")
	second := provisioned(p.bench)[0].ID
	p.visit(fmt.Sprintf("#/instances/instance/%d", second))
	p.await("document.querySelector('aside h2')?.textContent === 'Instance " + fmt.Sprint(second) + "'")
	p.click("#kill")
	p.click("dialog[open] button:not(#yes)") // cancelled
	if list := provisioned(p.bench); !slices.ContainsFunc(list, func(i local.InstanceState) bool { return i.ID == second }) {
		t.Error("it was killed although that was cancelled")
	}
	p.sure("#kill")
	eventually(t, "it is replaced", replaced(second))
	p.await(painted + "('kill') > 20") // its mark

	p.sure(".card .head button") // stop the function
	eventually(t, "reserved concurrency is 0", func() bool { r := p.mainFunction().Reserved; return r != nil && *r == 0 })
	if status := p.request(t, "GET", "/none", "anna", "", nil); status < 500 {
		t.Errorf("while it is stopped: %d", status)
	}
	p.await("document.querySelector('.card .head button').textContent === 'Start again'")
	p.await("document.querySelector('.labels .bad')?.textContent.startsWith('throttled')")
	p.click(".card .head button")
	eventually(t, "reserved concurrency is back", func() bool { r := p.mainFunction().Reserved; return r != nil && *r == 50 })
}

func testInvocationsPanel(t *testing.T, p *pageBench) {
	p.visit("#/invocations")
	p.await("document.querySelectorAll('#panel tbody tr').length >= 3")
	p.do("const s = document.querySelector('select[name=source]'); s.value = 'http'; s.dispatchEvent(new Event('change'))")
	p.await("location.hash.includes('source=http') && [...document.querySelectorAll('#panel tbody tr td:nth-child(3)')].every(e => e.textContent === 'http')")
	p.fill("#text", "bookmarks")
	p.await("location.hash.includes('text=bookmarks') && document.querySelectorAll('#panel tbody tr').length === 1")
	p.click("#panel tbody tr")
	p.await("document.querySelector('aside h2').textContent === 'POST /bookmarks'")
	p.await("document.querySelectorAll('aside .wf > *').length >= 4") // request, message, job, …
	var event string
	p.value("document.querySelector('aside pre').textContent", &event)
	for _, secret := range []string{"hidden", "not-for-the-screen"} {
		if strings.Contains(event, secret) {
			t.Errorf("%q is on the screen: %s", secret, event)
		}
	}
	if !strings.Contains(event, "12345678901234567890") || !strings.Contains(event, "••••••") {
		t.Errorf("event %s", event)
	}
	p.click("#secrets")
	p.await("document.querySelector('aside pre').textContent.includes('not-for-the-screen')")
	p.click("#secrets")
	p.await("!document.querySelector('aside pre').textContent.includes('not-for-the-screen')")

	// The command of "Copy as curl" works as it is.
	p.do("navigator.clipboard.writeText = async text => { window.copied = text }")
	p.click("#gotest")
	p.await("window.copied?.includes('lambdatest.New')")
	p.request(t, "GET", "/none", "anna", "", nil)
	p.visit("#/invocations/invocation/" + p.api.invocations(t, "text=none&status=ok")[0].ID)
	p.await("document.querySelector('aside h2').textContent === 'GET /none'")
	p.click("#curl")
	p.await("window.copied?.startsWith('curl')")
	var command string
	p.value("window.copied", &command)
	if _, err := exec.LookPath("curl"); err == nil {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "404 Not Found") {
			t.Errorf("%s\n%s, %v", command, out, err)
		}
	}

	replays := func() []summary { return p.api.invocations(t, "source=replay") }
	p.click("#again")
	eventually(t, "it was sent again", func() bool { return len(replays()) == 1 && replays()[0].Status == "ok" })
	p.await("location.hash.includes('" + replays()[0].ID + "')")
	p.await("document.querySelector('aside').textContent.includes('replay')")
	p.click("#edit")
	p.await("document.querySelector('dialog[open] textarea')?.value.includes('/none')")
	p.do("const e = document.querySelector('dialog textarea'); e.value = e.value.replaceAll('/none', '/elsewhere')")
	p.click("dialog[open] #yes")
	eventually(t, "it was sent again, changed", func() bool { return len(replays()) == 2 && replays()[0].Label == "GET /elsewhere" })
	p.await("location.hash.includes('" + replays()[0].ID + "')")
	p.press("k", "KeyK")
	p.press("j", "KeyJ")
	p.press("Escape", "Escape")
	p.await("document.querySelector('aside').hidden")
}

func testQueuesPanel(t *testing.T, p *pageBench) {
	titles, changes := p.queue(t, "titles"), p.queue(t, "changes")
	card := func(name string) string { return `[data-queue="` + name + `"] ` }
	count := func(name string) local.SQSCounters { return p.queue(t, name).Counters }
	p.visit("#/queues")
	p.await("document.querySelectorAll('[data-queue]').length === 5")
	for _, q := range []local.QueueState{titles, changes} {
		p.click(card(q.Name) + "[data-act=pause]")
		eventually(t, "its mapping is paused", func() bool {
			return slices.ContainsFunc(p.State().EventSources, func(m local.EventSourceState) bool { return m.Queue == q.Name && m.Counters.Paused })
		})
	}
	p.sure(card(titles.Name) + "[data-act=purge]")
	eventually(t, "it is empty", func() bool { c := count("titles"); return c.Visible+c.InFlight == 0 })

	// FIFO: lanes by message group, the second message of a group waits.
	for n, group := range []string{"anna", "anna", "bo"} {
		p.click(card(changes.Name) + "[data-act=send]")
		p.fill("dialog[open] textarea", fmt.Sprintf(`{"n":%d,"password":"of-a-message"}`, n))
		p.fill("dialog[open] [name=group]", group)
		p.click("dialog[open] #yes")
		eventually(t, "it was sent", func() bool { return count("changes").Visible == n+1 })
	}
	p.await("document.querySelectorAll('" + card(changes.Name) + ".groups > b').length === 2 && document.querySelectorAll('" + card(changes.Name) + ".chip.waits').length === 1")
	p.click(card(changes.Name) + ".chip")
	p.await("document.querySelector('aside pre')?.textContent.includes('••••••')")
	p.sure("#delete")
	eventually(t, "it is deleted", func() bool { return count("changes").Visible == 2 })

	// A dead letter is delayed, made visible, edited and redriven.
	dead := titles.DeadLetterQueue
	p.click(card(dead) + "[data-act=send]")
	p.fill("dialog[open] textarea", `{"id":1,"password":"of-a-message"}`)
	p.fill("dialog[open] [name=delay]", "600")
	p.click("dialog[open] #yes")
	p.click(card(dead) + ".chip.delayed")
	p.click("#show")
	eventually(t, "it is visible", func() bool { return count(dead).Visible == 1 })
	p.await("document.querySelector('" + card(dead) + ".chip.visible')")
	p.click(card(dead) + ".chip")
	p.click("#edit")
	p.await("document.querySelector('dialog[open] textarea')?.value.includes('••••••')")
	p.do("const e = document.querySelector('dialog textarea'); e.value = e.value.replace('\"id\":1', '\"id\":2')")
	p.click("dialog[open] #yes")
	eventually(t, "it is redriven", func() bool { return count("titles").Visible == 1 && count(dead).Visible == 0 })
	for n := range 2 {
		if err := p.Send(dead, "letter", ""); err != nil {
			t.Fatal(n, err)
		}
	}
	p.click(card(dead) + "[data-act=redrive]")
	eventually(t, "all are redriven", func() bool { return count("titles").Visible == 3 && count(dead).Visible == 0 })

	// In flight, with the countdown, and the next try after the timeout.
	p.click(card(titles.Name) + "[data-act=pause]")
	p.await("/in flight|received/.test(document.querySelector('" + card(titles.Name) + ".chip.inFlight')?.textContent)")
	p.await("/[0-9]:[0-9][0-9]/.test(document.querySelector('" + card(titles.Name) + ".chip.inFlight').textContent)")
	p.click(card(changes.Name) + "[data-act=pause]")
	eventually(t, "changes goes on", func() bool { return count("changes").Visible == 0 })
}

func testConnectionsPanel(t *testing.T, p *pageBench) {
	open := func() int { return p.State().WebSocketAPIs[0].Connections }
	p.visit("#/connections")
	connect := func() string {
		t.Helper()
		p.await("document.querySelector('#url')?.value.startsWith('ws:')")
		p.fill("#url", p.WebSocketURL()+"?user=anna")
		p.click("#dial")
		eventually(t, "the page is connected", func() bool { return open() == 1 })
		id := p.State().WebSocketAPIs[0].ConnectionIDs[0]
		p.await(fmt.Sprintf("[...document.querySelectorAll('[data-connection]')].map(e => e.dataset.connection).join() === %q", id)) // and not the one before
		return id
	}
	id := connect()
	p.fill("#message", `{"action":"ping"}`)
	p.click("#say")
	p.await("document.querySelector('[role=status].dim').textContent.includes('pong')")
	p.await("document.querySelector('#panel .log').textContent.includes('{\"action\":\"ping\"}') && document.querySelector('#panel .log').textContent.includes('pong')")
	p.visit("#/connections/" + url.PathEscape(id))
	p.fill("#pushtext", "from the page")
	p.click("#push")
	p.await("document.querySelector('[role=status].dim').textContent.includes('from the page')")
	p.sure("aside [data-act=close]")
	eventually(t, "it is closed", func() bool { return open() == 0 })
	p.await("document.querySelector('[role=status].dim').textContent.includes('closed 1000')")
	p.visit("#/connections")
	connect()
	p.sure("[data-connection] [data-act=lose]")
	eventually(t, "it is lost", func() bool { return open() == 0 })
	p.await("document.querySelector('[role=status].dim').textContent.includes('closed 1006')")
}

func testSchedulesPanel(t *testing.T, p *pageBench) {
	runs := func() int { return p.State().Schedules[0].Runs }
	before := runs()
	p.visit("#/schedules")
	p.await("document.querySelectorAll('#panel ol li').length === 5")
	p.click("[data-act=run]")
	eventually(t, "it ran", func() bool { return runs() == before+1 })
	p.await(fmt.Sprintf("document.querySelector('[data-runs=\"%d\"]')", before+1))

	for _, c := range []struct {
		button string
		step   time.Duration
	}{{"#by1s", time.Second}, {"#by1m", time.Minute}, {"#by1h", time.Hour}} {
		from := p.clock.Now()
		p.click(c.button)
		eventually(t, "the clock moves", func() bool { return p.clock.Now().Equal(from.Add(c.step)) })
	}
	var clock struct{ NextSchedule, NextVisible *time.Time }
	p.api.must(t, "GET", "/clock", "", &clock)
	p.await("document.querySelector('#toschedule').textContent.includes(':')")
	p.click("#toschedule")
	eventually(t, "the clock is at the schedule", func() bool { return p.clock.Now().Equal(*clock.NextSchedule) })
	if err := p.Send("ScheduleDeadLetters", "later", ""); err != nil {
		t.Fatal(err)
	}
	p.api.must(t, "POST", "/send?name=ScheduleDeadLetters&delay=300", "later", nil)
	p.api.must(t, "GET", "/clock", "", &clock)
	p.await("!document.querySelector('#tovisible').disabled")
	p.click("#tovisible")
	eventually(t, "the clock is at the message", func() bool { return p.clock.Now().Equal(*clock.NextVisible) })
}

func testFaultsPanel(t *testing.T, p *pageBench) {
	faults := func() (list []struct {
		local.Fault
		Active bool
	}) {
		t.Helper()
		var answer struct {
			Faults []struct {
				local.Fault
				Active bool
			}
		}
		p.api.must(t, "GET", "/faults", "", &answer)
		return answer.Faults
	}
	p.visit("#/faults")
	for n, kind := range []string{"kill", "throttle", "delay", "slowInit", "duplicate"} {
		p.click("[data-kind=" + kind + "]")
		p.await("document.querySelector('dialog[open] [name=share]')")
		if kind == "throttle" {
			p.fill("dialog[open] [name=share]", "25")
			p.fill("dialog[open] [name=for]", "10m")
		}
		p.click("dialog[open] #yes")
		eventually(t, "there is one more", func() bool { return len(faults()) == n+1 })
		p.await(fmt.Sprintf("document.querySelector('[data-fault=%s]')", kind))
	}
	if f := faults()[1]; f.Share != 0.25 || f.For != local.FaultDuration(10*time.Minute) || !f.Active {
		t.Errorf("%+v", f)
	}
	p.click("[data-fault=kill] [role=switch]")
	eventually(t, "it is off", func() bool { return !faults()[0].Active && faults()[1].Active })

	dir := t.TempDir()
	if _, err := p.b.call("", "Browser.setDownloadBehavior", params{"behavior": "allow", "downloadPath": dir}); err != nil {
		t.Fatal(err)
	}
	p.await("document.querySelector('[data-fault=kill] [aria-checked=false]')")
	p.click("#save")
	path := filepath.Join(dir, "faults.json")
	var list []local.Fault
	eventually(t, "the file is whole", func() (whole bool) {
		var err error
		list, err = local.ReadFaults(path) // the browser writes it bit by bit
		return err == nil
	})
	if len(list) != 5 || !list[0].Off || list[1].Share != 0.25 {
		t.Errorf("%+v", list)
	}
	p.sure("#none")
	eventually(t, "there is none", func() bool { return len(faults()) == 0 })
	var document struct{ Root struct{ NodeID int } }
	for method, into := range map[string]any{"DOM.getDocument": &document} {
		result, err := p.b.call(p.session, method, params{})
		if err == nil {
			err = json.Unmarshal(result, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var input struct{ NodeID int }
	result, err := p.b.call(p.session, "DOM.querySelector", params{"nodeId": document.Root.NodeID, "selector": "input[type=file]"})
	if err == nil {
		err = json.Unmarshal(result, &input)
	}
	if err == nil {
		_, err = p.b.call(p.session, "DOM.setFileInputFiles", params{"nodeId": input.NodeID, "files": []string{path}})
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "they are loaded", func() bool { return len(faults()) == 5 })
	if err := p.SetFaults(); err != nil {
		t.Fatal(err)
	}
	p.await("document.querySelector('#panel .empty')")
}

func testMapPanel(t *testing.T, p *pageBench) {
	p.visit("#/map")
	p.await("document.querySelectorAll('.map .node').length === 9")
	p.await("document.querySelectorAll('.map path.deadLetters').length === 3 && document.querySelector('.grey .pill')")
	p.do("document.querySelector('.map .node[aria-label^=function]').dispatchEvent(new MouseEvent('click'))")
	p.await("location.hash.startsWith('#/map/function') && document.querySelectorAll('aside tr').length >= 5")
	p.do("document.querySelector('.map .node.error, .map .node.warning').dispatchEvent(new MouseEvent('click'))")
	p.await("document.querySelector('aside h2').textContent.includes('titles') && document.querySelector('aside').textContent.includes('queue-dead-letter-retention')")
}

func testPlotsPanel(t *testing.T, p *pageBench) {
	p.request(t, "GET", "/none", "anna", "", nil)
	p.visit("#/plots")
	p.await("document.querySelectorAll('.uplot canvas').length === 6")
	p.await(`(() => {
		const c = document.querySelector('.uplot canvas')
		return new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size > 3
	})()`)
	p.do("const s = document.querySelectorAll('#panel select')[1]; s.value = s.options[1].value; s.dispatchEvent(new Event('change'))")
	p.await("location.hash.includes('queue=')")
}

func testLogsPanel(t *testing.T, p *pageBench) {
	p.visit("#/logs")
	p.await("document.querySelectorAll('#panel .log > div').length > 3")
	p.fill("#text", "cleaned up")
	p.await("location.hash.includes('text=cleaned') && [...document.querySelectorAll('#panel .log > div')].every(e => e.textContent.includes('cleaned up'))")
	p.click("#panel .log a")
	p.await("document.querySelector('aside h2').textContent.includes('nightly')")
	p.await("document.querySelector('aside .log').textContent.includes('cleaned up')")
	p.visit("#/logs?level=METRIC")
	p.await("document.querySelector('#panel .log .METRIC')")

	// While the page is paused, nothing moves.
	p.visit("#/logs")
	p.await("document.querySelector('select[name=level]').value === ''")
	p.press(" ", "Space")
	var before, after string
	p.value("document.querySelector('#panel .log').textContent", &before)
	if err := p.Trigger("nightly"); err != nil {
		t.Fatal(err)
	}
	p.await("document.querySelector('#pause').ariaPressed === 'true'")
	eventually(t, "the line is there", func() bool {
		var list struct{ Lines []struct{ Text string } }
		p.api.must(t, "GET", "/logs?text=cleaned", "", &list)
		return len(list.Lines) >= 3
	})
	p.value("document.querySelector('#panel .log').textContent", &after)
	if before != after {
		t.Error("the lines moved while the page was paused")
	}
	p.press(" ", "Space")
}

func testKeys(t *testing.T, p *pageBench) {
	p.do("document.activeElement?.blur()")
	p.press("2", "Digit2")
	p.await("location.hash === '#/invocations' && document.querySelector('nav [aria-current]').textContent.startsWith('Invocations')")
	p.await("document.querySelector('#text')")
	p.press("/", "Slash")
	p.await("document.activeElement.id === 'text'")
	p.press("Escape", "Escape")
	p.await("document.activeElement.id !== 'text'")
	p.press("?", "Slash")
	p.await("document.querySelector('dialog').open")
	p.press("Escape", "Escape")
	p.await("!document.querySelector('dialog').open")
	var theme string
	p.value("document.documentElement.dataset.theme", &theme)
	p.press("t", "KeyT")
	p.await("document.documentElement.dataset.theme !== '" + theme + "'")
	p.press("1", "Digit1")
	p.await("document.querySelector('canvas.lane')")
	p.press(" ", "Space")
	p.press("ArrowLeft", "ArrowLeft")
	p.press("-", "Minus")
	p.press("+", "Equal")
	p.press(" ", "Space")

	// Every selection is a link.
	id := p.api.invocations(t, "source=http&text=POST")[0].ID
	deep := p.b.open(t, p.URL()+"/_hearth/#/invocations/invocation/"+id+"?source=http", 1280, 900)
	deep.await("document.querySelector('aside h2')?.textContent === 'POST /bookmarks'")
	deep.await("document.querySelector('select[name=source]').value === 'http'")
	deep.clean()
}
