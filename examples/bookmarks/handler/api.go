package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

const (
	maxBodyBytes = 64 << 10
	maxURLBytes  = 2048
	defaultPage  = 50
	maxPage      = 200
)

// routes is the HTTP API. It answers a change with 202 when the change is in the queue; a
// moment later the change is visible.
func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, fn func(r *http.Request, user string) (*reply, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer := &reply{}
			user, err := userOf(r.Context(), r.Header.Get("X-User"))
			if err == nil {
				answer, err = fn(r, user)
			}
			if err != nil {
				answer = failure(r, err)
			}
			answer.write(w)
		})
	}
	handle("GET /bookmarks", s.list)
	handle("POST /bookmarks", s.create)
	handle("GET /bookmarks/{id}", s.read)
	handle("PUT /bookmarks/{id}", s.update)
	handle("DELETE /bookmarks/{id}", s.delete)
	handle("/bookmarks", wrongMethod("GET, HEAD, POST"))
	handle("/bookmarks/{id}", wrongMethod("GET, HEAD, PUT, DELETE"))
	handle("/", func(*http.Request, string) (*reply, error) {
		return nil, fail(http.StatusNotFound, "no such path; try /bookmarks")
	})
	return mux
}

func wrongMethod(allowed string) func(*http.Request, string) (*reply, error) {
	return func(r *http.Request, _ string) (*reply, error) {
		return &reply{
			status: http.StatusMethodNotAllowed, header: map[string]string{"Allow": allowed},
			body: message{fmt.Sprintf("method %s is not allowed here; allowed are %s", r.Method, allowed)},
		}, nil
	}
}

type bookmarkList struct {
	Bookmarks []*store.Bookmark `json:"bookmarks"`
	// Next is the value of "after" for the next page.
	Next string `json:"next,omitempty"`
}

// list answers GET /bookmarks?limit=50&after={id}, the newest first.
func (s *service) list(r *http.Request, user string) (*reply, error) {
	limit := defaultPage
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return nil, fail(http.StatusBadRequest, "limit must be 1 to %d, got %q", maxPage, text)
		}
	}
	after := r.URL.Query().Get("after")
	if after != "" && !idPattern.MatchString(after) {
		return nil, fail(http.StatusBadRequest, "after must be the id of a bookmark, got %q", after)
	}
	db, err := s.db.Get(r.Context())
	if err != nil {
		return nil, err
	}
	list, err := db.List(r.Context(), user, after, limit)
	if err != nil {
		return nil, err
	}
	page := bookmarkList{Bookmarks: list}
	if len(list) == limit {
		page.Next = list[limit-1].ID
	}
	return &reply{status: http.StatusOK, body: page}, nil
}

// read answers GET /bookmarks/{id}.
func (s *service) read(r *http.Request, user string) (*reply, error) {
	b, err := s.find(r, user)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: b}, nil
}

// create answers POST /bookmarks with {"url": "https://…"}.
func (s *service) create(r *http.Request, user string) (*reply, error) {
	link, err := readURL(r)
	if err != nil {
		return nil, err
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	b := &store.Bookmark{ID: newID(at), URL: link, CreatedAt: at, UpdatedAt: at}
	err = s.send(r.Context(), store.Change{User: user, Op: store.Create, BookmarkID: b.ID, URL: link, At: at})
	if err != nil {
		return nil, err
	}
	return accepted(b), nil
}

// update answers PUT /bookmarks/{id} with {"url": "https://…"}.
func (s *service) update(r *http.Request, user string) (*reply, error) {
	link, err := readURL(r)
	if err != nil {
		return nil, err
	}
	b, err := s.find(r, user)
	if err != nil {
		return nil, err
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	err = s.send(r.Context(), store.Change{User: user, Op: store.Update, BookmarkID: b.ID, URL: link, At: at})
	if err != nil {
		return nil, err
	}
	if link != b.URL {
		b.URL, b.Title = link, ""
	}
	b.UpdatedAt = at
	return accepted(b), nil
}

// delete answers DELETE /bookmarks/{id}.
func (s *service) delete(r *http.Request, user string) (*reply, error) {
	b, err := s.find(r, user)
	if err != nil {
		return nil, err
	}
	err = s.send(r.Context(), store.Change{User: user, Op: store.Delete, BookmarkID: b.ID, At: time.Now().UTC()})
	if err != nil {
		return nil, err
	}
	return accepted(b), nil
}

// find returns the bookmark that the path names.
func (s *service) find(r *http.Request, user string) (*store.Bookmark, error) {
	id := r.PathValue("id")
	if !idPattern.MatchString(id) {
		return nil, store.ErrNotFound
	}
	db, err := s.db.Get(r.Context())
	if err != nil {
		return nil, err
	}
	return db.Get(r.Context(), user, id)
}

// send puts a change on the queue. The user is the message group: the changes of one user
// stay in order, and the changes of several users are applied in parallel.
func (s *service) send(ctx context.Context, c store.Change) error {
	c.ID = newID(c.At)
	return s.changes.Send(ctx, c, producer.WithGroup(c.User), producer.WithDeduplication(c.ID))
}

// readURL reads and checks the body of a create or update.
func readURL(r *http.Request) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return "", fail(http.StatusRequestEntityTooLarge, "the body must be up to %d bytes", maxBodyBytes)
	}
	if err != nil {
		return "", fail(http.StatusBadRequest, "the body cannot be read")
	}
	var in struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return "", fail(http.StatusBadRequest, `the body must be JSON such as {"url": "https://example.com"}: %v`, err)
	}
	if in.URL == "" {
		return "", fail(http.StatusBadRequest, `url is missing; send {"url": "https://example.com"}`)
	}
	if len(in.URL) > maxURLBytes {
		return "", fail(http.StatusBadRequest, "url must be up to %d bytes, got %d", maxURLBytes, len(in.URL))
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return "", fail(http.StatusBadRequest, "url must be an absolute http or https URL without a password, got %q", in.URL)
	}
	return in.URL, nil
}

// reply is an answer of the API.
type reply struct {
	status int
	header map[string]string
	body   any
}

type message struct {
	Message string `json:"message"`
}

func accepted(b *store.Bookmark) *reply {
	return &reply{status: http.StatusAccepted, header: map[string]string{"Location": "/bookmarks/" + b.ID}, body: b}
}

func (a *reply) write(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // the client may have gone
}

// fail returns an error whose message the client gets.
func fail(status int, format string, args ...any) error {
	return &lambdaruntime.StatusError{Status: status, Message: fmt.Sprintf(format, args...)}
}

// failure returns the answer to an error. It logs errors that the client did not cause, such
// as errors of the database or the queue, and does not show them to the client.
func failure(r *http.Request, err error) *reply {
	var status *lambdaruntime.StatusError
	switch {
	case errors.As(err, &status):
		return &reply{status: status.Status, body: message{status.Error()}}
	case errors.Is(err, store.ErrNotFound):
		return &reply{status: http.StatusNotFound, body: message{"no bookmark with this id; a new one takes a moment to show"}}
	}
	slog.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err.Error())
	return &reply{
		status: http.StatusServiceUnavailable, header: map[string]string{"Retry-After": "1"},
		body: message{"the service is not available at the moment; try again"},
	}
}
