// Command handler is the whole backend of a bookmarks service.
//
// A change goes from HTTP to the FIFO queue "changes", which applies each user's
// changes in order. A new URL goes on to the queue "titles", which fetches the
// page's title. Whoever has a WebSocket open is told of both.
package main

import (
	"time"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/connections"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// titlesAtOnce is how many pages one instance fetches at once.
const titlesAtOnce = 5

var (
	changes = lambdaruntime.Queue[store.Change]{Name: "changes", FIFO: true, Timeout: 10 * time.Second}
	titles  = lambdaruntime.Queue[titleJob]{Name: "titles", Timeout: 20 * time.Second, Concurrency: titlesAtOnce}
	// Without the database an instance still starts: it answers 503 and tries again.
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
