// Command relayed serves a WebSocket API and a queue, and can push through a relay.
package main

import (
	"os"

	"github.com/lambdahearth/hearth/internal/wire"
)

func main() {
	m := &wire.Manifest{
		Version:        wire.ManifestVersion,
		HTTP:           true,
		WebSocket:      true,
		RequestTimeout: 10,
		Queues: []wire.ManifestQueue{
			{Name: "screenshots", Timeout: 30, Concurrency: 10},
			{Name: "ledger", FIFO: true, Timeout: 20, Concurrency: 1},
			{Name: wire.RelayQueueName, FIFO: true, Concurrency: 1},
		},
		Schedules: []wire.ManifestSchedule{
			{Name: "nightly", Expression: "cron(0 3 * * ? *)", TimeZone: "Europe/Oslo"},
			{Name: "tick", Expression: "rate(5 minutes)"},
		},
		Warm: []wire.ManifestResource{{Name: "database", Required: true}},
	}
	if err := m.WriteFile(os.Getenv(wire.EnvManifest)); err != nil {
		panic(err)
	}
}
