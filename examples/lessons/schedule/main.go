// Command schedule runs at scheduled times, and does nothing else.
package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() {
	lambdaruntime.Start(&lambdaruntime.App{
		Schedules: []lambdaruntime.Schedule{
			{Name: "hourly", Expression: "rate(1 hour)", Run: cleanUp},
			{Name: "report", Expression: "cron(30 8 ? * MON-FRI *)", TimeZone: "Europe/Berlin", Run: report},
		},
	})
}

func cleanUp(ctx context.Context, _ time.Time) error {
	slog.InfoContext(ctx, "cleaned up")
	return nil
}

// report gets the scheduled time. A retry gets the same time.
func report(ctx context.Context, at time.Time) error {
	slog.InfoContext(ctx, "report written", "weekday", at.Weekday().String())
	return nil
}
