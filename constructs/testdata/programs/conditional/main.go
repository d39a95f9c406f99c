// Command conditional consumes the queue "reports" when REPORTS is "on", and does not
// start without TABLE_NAME.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

var table = mustEnv("TABLE_NAME")

func mustEnv(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Println(name, "is missing")
		os.Exit(1)
	}
	return value
}

func main() {
	app := &lambdaruntime.App{HTTP: http.NotFoundHandler()}
	if os.Getenv("REPORTS") == "on" && os.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		reports := lambdaruntime.Queue[string]{Name: "reports"}
		app.Queues = append(app.Queues, reports.Consume(func(context.Context, *lambdaruntime.Job[string]) error {
			fmt.Println(table)
			return nil
		}))
	}
	lambdaruntime.Start(app)
}
