package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/lambdaruntime"
)

const (
	// liveList is the number of bookmarks that the action "list" returns. Even with
	// the longest URLs and titles, they fit in one message of 128 KB.
	liveList = 20
	// notifyTime bounds the pushes to clients, well within a job's timeout.
	notifyTime = 3 * time.Second
)

// event is a message to a client.
type event struct {
	// Event is "changed", "deleted", "list" or "pong".
	Event     string            `json:"event"`
	Bookmark  *store.Bookmark   `json:"bookmark,omitempty"`
	ID        string            `json:"id,omitempty"`
	Bookmarks []*store.Bookmark `json:"bookmarks,omitzero"`
}

// Connect implements [lambdaruntime.WebSocketHandler].
func (s *service) Connect(ctx context.Context, r *lambdaruntime.ConnectRequest) error {
	user, err := userOf(ctx, r.Query.Get("user"))
	if err != nil {
		return err
	}
	db, err := s.db.Get(ctx)
	if err != nil {
		return err
	}
	return db.Connect(ctx, r.ConnectionID, user, time.Now())
}

// Message implements [lambdaruntime.WebSocketHandler]. It answers {"action": "ping"} and
// {"action": "list"}.
func (s *service) Message(ctx context.Context, m *lambdaruntime.WebSocketMessage) error {
	var in struct {
		Action string `json:"action"`
	}
	if err := json.Unmarshal(m.Data, &in); err != nil {
		return fail(http.StatusBadRequest, `a message must be JSON such as {"action": "list"}`)
	}
	switch in.Action {
	case "ping":
		return replyJSON(m, event{Event: "pong"})
	case "list":
		db, err := s.db.Get(ctx)
		if err != nil {
			return err
		}
		user, err := db.UserOf(ctx, m.ConnectionID)
		if errors.Is(err, store.ErrNotFound) {
			return fail(http.StatusGone, "this connection is too old; connect again")
		}
		if err != nil {
			return err
		}
		list, err := db.List(ctx, user, "", liveList)
		if err != nil {
			return err
		}
		return replyJSON(m, event{Event: "list", Bookmarks: list})
	}
	return fail(http.StatusBadRequest, `action must be "ping" or "list", got %q`, in.Action)
}

// Disconnect implements [lambdaruntime.WebSocketHandler].
func (s *service) Disconnect(ctx context.Context, d *lambdaruntime.DisconnectRequest) error {
	db, err := s.db.Get(ctx)
	if err != nil {
		return err
	}
	return db.Disconnect(ctx, d.ConnectionID)
}

func replyJSON(m *lambdaruntime.WebSocketMessage, e event) error {
	data, err := e.encode()
	if err != nil {
		return err
	}
	m.Reply(data)
	return nil
}

// encode does not escape "&", which would take six bytes.
func (e event) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// notify pushes an event to a user's clients. It only logs errors: the change is stored, and
// a client that misses an event lists the bookmarks again when it reconnects. A failed job
// would delay the user's next changes.
func (s *service) notify(ctx context.Context, db *store.Store, user string, e event) {
	ctx, cancel := context.WithTimeout(ctx, notifyTime)
	defer cancel()
	err := func() error {
		ids, err := db.Connections(ctx, user)
		if err != nil || len(ids) == 0 {
			return err
		}
		data, err := e.encode()
		if err != nil {
			return err
		}
		gone, err := s.clients.SendAll(ctx, ids, data)
		for _, id := range gone {
			err = errors.Join(err, db.Disconnect(ctx, id))
		}
		return err
	}()
	if err != nil {
		slog.WarnContext(ctx, "some clients were not told", "event", e.Event, "error", err.Error())
	}
}
