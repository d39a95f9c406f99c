// Command handler is the whole backend of a bookmarks service.
//
// An HTTP request puts a change on the FIFO queue "changes". Its job applies the changes of
// each user in order, and puts a new URL on the queue "titles". Its job fetches the title of
// the page. The user's WebSocket clients get an event for both.
package main

import (
	"time"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// titlesAtOnce is the number of pages that one instance fetches at once.
const titlesAtOnce = 5

var (
	changes = lambdaruntime.Queue[store.Change]{Name: "changes", FIFO: true, Timeout: 10 * time.Second}
	titles  = lambdaruntime.Queue[titleJob]{Name: "titles", Timeout: 20 * time.Second, Concurrency: titlesAtOnce}
	// An instance starts even without the database: it answers 503 and tries again.
	db = lambdaruntime.NewResource("db", openStore).Optional()
)

func main() {
	s := &service{
		db:      db,
		changes: producer.New(changes),
		titles:  producer.New(titles),
		clients: connections.New(),
		pages:   pagetitle.New(mayFetch),
	}
	lambdaruntime.Start(&lambdaruntime.App{
		HTTP:      s.routes(),
		WebSocket: s,
		Queues:    []lambdaruntime.Consumer{changes.Consume(s.applyChange), titles.Consume(s.fetchTitle)},
		Schedules: []lambdaruntime.Schedule{{Name: "nightly", Expression: "cron(0 3 * * ? *)", Run: s.cleanUp}},
		Warm:      []lambdaruntime.Warmer{db},
	})
}
