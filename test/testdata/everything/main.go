// Command everything serves every kind of event, and misbehaves on request.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

var (
	db = lambdaruntime.NewResource("db", func(ctx context.Context) (string, error) {
		switch os.Getenv("DB") {
		case "refuses":
			return "", errors.New("connection refused")
		case "hangs":
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "connected", nil
	})
	cache = lambdaruntime.NewResource("cache", func(context.Context) (string, error) {
		return "", errors.New("no cache here")
	}).Optional()

	jobs   = lambdaruntime.Queue[job]{Name: "jobs", Timeout: 300 * time.Millisecond}
	ledger = lambdaruntime.Queue[job]{Name: "ledger", FIFO: true, Timeout: 300 * time.Millisecond}
)

type job struct {
	Do  string `json:"do"`
	URL string `json:"url"`
}

// Some cgo libraries want their calls on the main thread.
func init() { runtime.LockOSThread() }

func main() {
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP:           routes(),
		RequestTimeout: 300 * time.Millisecond,
		WebSocket:      socket{},
		Queues:         []lambdaruntime.Consumer{jobs.Consume(work), ledger.Consume(work)},
		Schedules:      []lambdaruntime.Schedule{{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: nightly}},
		Events: map[lambdaruntime.Kind]lambda.Handler{
			lambdaruntime.KindSNS: lambda.NewHandler(func(_ context.Context, e map[string]any) (string, error) {
				return fmt.Sprintf("sns: %d fields", len(e)), nil
			}),
		},
		Warm:        []lambdaruntime.Warmer{db, cache},
		WarmTimeout: 2 * time.Second,
	})
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{path...}", func(w http.ResponseWriter, r *http.Request) {
		state, err := db.Get(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%s %s?%s from %s, db %s, body %q", r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.RemoteAddr, state, body)
	})
	mux.HandleFunc("/locks", func(http.ResponseWriter, *http.Request) { runtime.LockOSThread() }) // and leaves it so
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("asked to") })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		if r.URL.RawQuery == "panic" {
			panic("asked to")
		}
		io.WriteString(w, "last")
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		slog.InfoContext(r.Context(), "cancelled", "cause", context.Cause(r.Context()).Error())
		time.Sleep(100 * time.Millisecond) // ignores the cancellation for a while
		io.WriteString(w, "too late")
	})
	return mux
}

type socket struct{}

func (socket) Connect(_ context.Context, r *lambdaruntime.ConnectRequest) error {
	if r.Query.Get("token") == "" {
		return &lambdaruntime.StatusError{Status: http.StatusUnauthorized}
	}
	return nil
}

func (socket) Message(_ context.Context, m *lambdaruntime.WebSocketMessage) error {
	m.Reply(append([]byte("echo "), m.Data...))
	return nil
}

func (socket) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	slog.InfoContext(ctx, "disconnected", "code", d.Code)
	return nil
}

func work(ctx context.Context, j *lambdaruntime.Job[job]) error {
	switch j.Payload.Do {
	case "fail":
		return errors.New("asked to")
	case "panic":
		panic("asked to")
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func nightly(ctx context.Context, at time.Time) error {
	slog.InfoContext(ctx, "nightly", "at", at.Format(time.RFC3339))
	return nil
}
