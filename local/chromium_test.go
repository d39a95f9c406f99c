package local_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/lambdahearth/hearth/internal/process"
)

// browser is a Chromium that a test drives by its DevTools protocol.
// https://chromedevtools.github.io/devtools-protocol/ (2026-11)
type browser struct {
	conn *websocket.Conn

	mu      sync.Mutex
	id      int
	pending map[int]chan reply
	tabs    map[string]*tab // by session
}

type reply struct {
	ID        int
	Result    json.RawMessage
	Error     *struct{ Message string }
	Method    string
	Params    json.RawMessage
	SessionID string `json:"sessionId"`
}

// tab is one page of it.
type tab struct {
	b       *browser
	t       testing.TB
	session string

	mu       sync.Mutex
	problems []string // exceptions and what the console says of errors
}

// browserLimit bounds everything that is asked of the browser.
const browserLimit = 30 * time.Second

// startBrowser starts Chromium, or skips the test where there is none.
func startBrowser(t testing.TB) *browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: Chromium is not installed")
	}
	profile, err := os.MkdirTemp("", "hearth-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")
	process.Group(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &browser{pending: map[int]chan reply{}, tabs: map[string]*tab{}}
	t.Cleanup(func() {
		if b.conn != nil {
			b.conn.CloseNow()
		}
		process.Kill(cmd.Process.Pid)
		cmd.Wait()
		os.RemoveAll(profile)
	})
	address := ""
	eventually(t, "Chromium says where it listens", func() bool {
		data, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
		port, path, ok := strings.Cut(strings.TrimSpace(string(data)), "\n")
		address = "ws://127.0.0.1:" + port + path
		return err == nil && ok
	})
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	if b.conn, _, err = websocket.Dial(ctx, address, nil); err != nil {
		t.Fatal(err)
	}
	b.conn.SetReadLimit(64 << 20)
	go b.read(context.WithoutCancel(t.Context()))
	return b
}

// read dispatches Chromium's messages until the connection is closed.
func (b *browser) read(ctx context.Context) {
	for {
		_, data, err := b.conn.Read(ctx)
		if err != nil {
			return
		}
		var r reply
		if json.Unmarshal(data, &r) != nil {
			continue
		}
		b.mu.Lock()
		waiting, t := b.pending[r.ID], b.tabs[r.SessionID]
		delete(b.pending, r.ID)
		b.mu.Unlock()
		if waiting != nil {
			waiting <- r
		} else if t != nil {
			t.event(r)
		}
	}
}

func (t *tab) event(r reply) {
	text := ""
	switch r.Method {
	case "Runtime.exceptionThrown":
		var p struct {
			ExceptionDetails struct {
				Text      string
				Exception struct{ Description string }
			}
		}
		json.Unmarshal(r.Params, &p)
		text = p.ExceptionDetails.Text + " " + p.ExceptionDetails.Exception.Description
	case "Log.entryAdded":
		var p struct {
			Entry struct{ Level, Text, URL string }
		}
		json.Unmarshal(r.Params, &p)
		if p.Entry.Level == "error" {
			text = p.Entry.Text + " " + p.Entry.URL
		}
	}
	if text != "" {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.problems = append(t.problems, text)
	}
}

func (b *browser) call(session, method string, params any) (json.RawMessage, error) {
	b.mu.Lock()
	b.id++
	id, answer := b.id, make(chan reply, 1)
	b.pending[id] = answer
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method, "params": params}
	if session != "" {
		message["sessionId"] = session
	}
	data, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserLimit)
	defer cancel()
	if err := b.conn.Write(ctx, websocket.MessageText, data); err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		if r.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r.Result, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: no answer", method)
	}
}

type params = map[string]any

// open opens a page in a tab of its own.
func (b *browser) open(t testing.TB, url string, width, height int) *tab {
	t.Helper()
	must := func(session, method string, p params, into any) {
		t.Helper()
		result, err := b.call(session, method, p)
		if err == nil && into != nil {
			err = json.Unmarshal(result, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var target struct{ TargetID string }
	must("", "Target.createTarget", params{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	must("", "Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached)
	tb := &tab{b: b, t: t, session: attached.SessionID}
	b.mu.Lock()
	b.tabs[tb.session] = tb
	b.mu.Unlock()
	for _, domain := range []string{"Runtime.enable", "Log.enable", "Page.enable"} {
		must(tb.session, domain, params{}, nil)
	}
	must(tb.session, "Emulation.setDeviceMetricsOverride", params{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	must(tb.session, "Page.navigate", params{"url": url}, nil)
	return tb
}

// value evaluates an expression and decodes its value, or its promise's value.
func (tb *tab) value(expression string, into any) error {
	result, err := tb.b.call(tb.session, "Runtime.evaluate", params{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true})
	if err != nil {
		return err
	}
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return err
	}
	if r.ExceptionDetails != nil {
		return errors.New(r.ExceptionDetails.Text + " " + r.ExceptionDetails.Exception.Description)
	}
	if into == nil || len(r.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result.Value, into)
}

// do runs statements in the page.
func (tb *tab) do(script string) {
	tb.t.Helper()
	if err := tb.value("(async () => {"+script+"})()", nil); err != nil {
		tb.t.Fatalf("%s: %v", script, err)
	}
}

// await waits until an expression is true.
func (tb *tab) await(expression string) {
	tb.t.Helper()
	var last error
	for deadline := time.Now().Add(browserLimit); ; time.Sleep(10 * time.Millisecond) {
		yes := false
		if last = tb.value("!!("+expression+")", &yes); yes {
			return
		}
		if time.Now().After(deadline) {
			var text string
			tb.value("location.hash + '\\n' + document.querySelector('aside').innerText.slice(0, 800) + '\\n' + document.querySelector('#panel').innerText.slice(0, 2000)", &text)
			tb.t.Fatalf("never true: %s (%v)\n%v\n%s", expression, last, tb.problems, text)
		}
	}
}

// click waits for an element and clicks it.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	tb.await("(e => e && !e.disabled)(document.querySelector(" + quoted(selector) + "))")
	tb.do("document.querySelector(" + quoted(selector) + ").click()")
}

// fill sets the value of a field as somebody who types does.
func (tb *tab) fill(selector, text string) {
	tb.t.Helper()
	tb.await("document.querySelector(" + quoted(selector) + ")")
	tb.do("const e = document.querySelector(" + quoted(selector) + "); e.value = " + quoted(text) + "; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}))")
}

// press presses a key.
func (tb *tab) press(key, code string) {
	tb.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		p := params{"type": kind, "key": key, "code": code}
		if len(key) == 1 {
			p["text"] = key
		}
		if key == "Escape" {
			p["windowsVirtualKeyCode"] = 27
		}
		if _, err := tb.b.call(tb.session, "Input.dispatchKeyEvent", p); err != nil {
			tb.t.Fatal(err)
		}
	}
}

// go to another place of the page.
func (tb *tab) visit(hash string) {
	tb.t.Helper()
	tb.do("location.hash = " + quoted(hash))
}

// clean fails the test if the page had errors, such as a breach of its content security
// policy.
func (tb *tab) clean() {
	tb.t.Helper()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, p := range tb.problems {
		tb.t.Errorf("the page: %s", p)
	}
	tb.problems = nil
}

// shoot writes a picture of the page.
func (tb *tab) shoot(path string) {
	tb.t.Helper()
	result, err := tb.b.call(tb.session, "Page.captureScreenshot", params{"format": "png", "optimizeForSpeed": false})
	if err != nil {
		tb.t.Fatal(err)
	}
	var shot struct{ Data string }
	json.Unmarshal(result, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		tb.t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, picture); err != nil {
		tb.t.Fatal(err)
	}
	if small.Len() < len(data) {
		data = small.Bytes()
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

func quoted(text string) string {
	data, _ := json.Marshal(text)
	return string(data)
}
