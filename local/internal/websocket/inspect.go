package websocket

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ConnectionState is a connection in the answer of [API.Connections].
type ConnectionState struct {
	ID         string    `json:"id"`
	Stage      string    `json:"stage"`
	SourceIP   string    `json:"sourceIp"`
	UserAgent  string    `json:"userAgent,omitempty"`
	Connected  time.Time `json:"connected"`
	LastActive time.Time `json:"lastActive"`
}

var errUnfit = errors.New("a message must be UTF-8 of at most 128 KB")

// Connections returns the open connections, oldest first.
func (a *API) Connections() []ConnectionState {
	a.mu.Lock()
	list := []ConnectionState{}
	for _, c := range a.conns {
		list = append(list, ConnectionState{c.id, c.stage, c.sourceIP, c.userAgent, c.at, c.lastActive()})
	}
	a.mu.Unlock()
	slices.SortFunc(list, func(x, y ConnectionState) int {
		if c := x.Connected.Compare(y.Connected); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return list
}

// Act applies a user's action to a connection. "push" sends text to the client. "close"
// closes the connection with code 1000. "lose" ends it without a close frame, like a
// client that loses its network. It reports false if there is no such connection.
func (a *API) Act(id, action, text string) (found bool, err error) {
	a.mu.Lock()
	c := a.conns[id]
	a.mu.Unlock()
	if c == nil {
		return false, nil
	}
	switch action {
	case "push":
		if !utf8.ValidString(text) || len(text) > maxMessageBytes {
			return true, errUnfit
		}
		return true, a.send(c, []byte(text))
	case "close":
		c.end(&closeError{code: codeNormal, reason: "Connection Closed Normally"})
	case "lose":
		c.wire.conn.Close() //nolint:errcheck // it may have ended
	}
	return true, nil
}
