// Command program is a small handler program.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() {
	app := &lambdaruntime.App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, os.Getenv("GREETING"))
	})}
	for _, name := range []string{"CI_JOB_TOKEN", "NIGHTLY"} {
		if os.Getenv(name) != "" {
			app.Schedules = append(app.Schedules, lambdaruntime.Schedule{Name: strings.ToLower(name), Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return nil }})
		}
	}
	lambdaruntime.Start(app)
}
