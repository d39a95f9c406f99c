package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// ManifestVersion is the version of the manifest that this module writes, and the only
// one that it reads.
const ManifestVersion = 1

// Manifest states what a handler program serves. The program writes it when
// [EnvManifest] is set; the constructs read it at synth.
type Manifest struct {
	// Version is [ManifestVersion].
	Version int `json:"version"`
	// HTTP says that the program serves HTTP requests.
	HTTP bool `json:"http"`
	// WebSocket says that the program serves a WebSocket API.
	WebSocket bool `json:"webSocket"`
	// RequestTimeout is the longest an HTTP request or WebSocket event may
	// take, in seconds; 0 when neither is served.
	RequestTimeout float64 `json:"requestTimeoutSeconds,omitempty"`
	// Queues are the queues the program consumes, in the program's order.
	Queues []ManifestQueue `json:"queues"`
	// Schedules are the schedules the program runs, in the program's order.
	Schedules []ManifestSchedule `json:"schedules"`
	// Warm are the resources loaded before the first event.
	Warm []ManifestResource `json:"warm"`
	// Events are the further kinds of events with a handler, such as "sns".
	Events []string `json:"events,omitempty"`
}

// ManifestQueue is one queue that a program consumes.
type ManifestQueue struct {
	// Name is the queue's logical name, without ".fifo".
	Name string `json:"name"`
	// FIFO says that the queue must be a FIFO queue.
	FIFO bool `json:"fifo"`
	// Timeout is the longest one job may take, in seconds; 0 means as long as
	// the function's own timeout allows.
	Timeout float64 `json:"timeoutSeconds,omitempty"`
	// Concurrency is how many jobs of a batch run at once: 1 for FIFO queues.
	Concurrency int `json:"concurrency,omitempty"`
}

// ManifestSchedule is one schedule that a program runs.
type ManifestSchedule struct {
	// Name is the schedule's logical name.
	Name string `json:"name"`
	// Expression is a cron(...), rate(...) or at(...) expression.
	Expression string `json:"expression"`
	// TimeZone is an IANA time zone name; empty means UTC.
	TimeZone string `json:"timeZone,omitempty"`
	// Timeout is the longest one run may take, in seconds; 0 means as long as
	// the function's own timeout allows.
	Timeout float64 `json:"timeoutSeconds,omitempty"`
}

// ManifestResource is one resource that is loaded in the init phase.
type ManifestResource struct {
	// Name identifies the resource in logs and errors.
	Name string `json:"name"`
	// Required says that an instance does not start without it.
	Required bool `json:"required"`
}

// Encode returns the manifest as indented JSON.
func (m *Manifest) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return append(data, '\n'), nil
}

// WriteFile writes the manifest to path.
func (m *Manifest) WriteFile(path string) error {
	data, err := m.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// ReadManifest reads the manifest that a handler program wrote to path. Unknown fields
// and other versions are errors: the program was built with another version of this
// module than the reader.
func ReadManifest(path string) (*Manifest, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if version.Version != ManifestVersion {
		return nil, fmt.Errorf("read manifest: version must be %d, got %d; build the handler and the infrastructure with the same version of hearth", ManifestVersion, version.Version)
	}
	m := &Manifest{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return m, nil
}
