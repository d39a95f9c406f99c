package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// titleJob asks for the title of a bookmark's page.
type titleJob struct {
	User       string `json:"user"`
	BookmarkID string `json:"bookmarkId"`
	URL        string `json:"url"`
}

// applyChange handles the jobs of the queue "changes". A change may come twice: the store
// applies it once, and it is harmless to repeat the following steps.
func (s *service) applyChange(ctx context.Context, job *lambdaruntime.Job[store.Change]) error {
	change := &job.Payload
	db, err := s.db.Get(ctx)
	if err != nil {
		return err
	}
	b, err := db.Apply(ctx, change)
	if err != nil {
		return err
	}
	if b == nil {
		s.notify(ctx, db, change.User, event{Event: "deleted", ID: change.BookmarkID})
		return nil
	}
	// First the bookmark, then its title: clients get the events in this order.
	s.notify(ctx, db, change.User, event{Event: "changed", Bookmark: b})
	if b.URL == change.URL && b.Title == "" {
		// With a message group for each user, a user who imports a thousand bookmarks
		// does not delay the others.
		job := titleJob{User: change.User, BookmarkID: b.ID, URL: b.URL}
		return s.titles.Send(ctx, job, producer.WithGroup(change.User))
	}
	return nil
}

// fetchTitle handles the jobs of the queue "titles".
func (s *service) fetchTitle(ctx context.Context, job *lambdaruntime.Job[titleJob]) error {
	want := &job.Payload
	title, err := s.pages.Title(ctx, want.URL)
	if errors.Is(err, pagetitle.ErrPermanent) {
		return lambdaruntime.Drop(err)
	}
	if err != nil {
		return err
	}
	db, err := s.db.Get(ctx)
	if err != nil {
		return err
	}
	b, err := db.SetTitle(ctx, want.User, want.BookmarkID, want.URL, title, time.Now())
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted or changed again since
	}
	if err != nil {
		return err
	}
	s.notify(ctx, db, want.User, event{Event: "changed", Bookmark: b})
	return nil
}

const (
	// API Gateway ends a connection after 2 hours, and does not always report it.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
	keepConnections = 3 * time.Hour
	// A bookmark that was deleted by mistake can be restored for this time.
	keepDeleted = 30 * 24 * time.Hour
	// A change can come again while SQS keeps its message, also from a dead-letter
	// queue.
	keepChanges = 2 * 14 * 24 * time.Hour
)

// cleanUp handles the schedule "nightly".
func (s *service) cleanUp(ctx context.Context, at time.Time) error {
	if at.IsZero() {
		at = time.Now()
	}
	db, err := s.db.Get(ctx)
	if err != nil {
		return err
	}
	purged, err := db.Purge(ctx, at.Add(-keepConnections), at.Add(-keepDeleted), at.Add(-keepChanges))
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "cleaned up", "connections", purged.Connections, "bookmarks", purged.Bookmarks, "changes", purged.Changes)
	return nil
}
