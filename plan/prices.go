package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
)

// Prices are list prices in US dollars, without discounts, free tiers and savings plans.
// All fields but Region and Date are required.
//
// https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/sqs/pricing/,
// https://aws.amazon.com/api-gateway/pricing/ (2026-09)
type Prices struct {
	// Region and Date say where and when the prices were valid.
	Region string `json:"region"`
	Date   string `json:"date"`

	// Requests is the price of a million Lambda requests.
	Requests float64 `json:"requestsPerMillion"`
	// DurationARM and DurationX86 are prices of a GB-second on demand. Lambda bills
	// invocations by the millisecond, including the init phase.
	DurationARM float64 `json:"durationArm64PerGBSecond"`
	DurationX86 float64 `json:"durationX86PerGBSecond"`
	// ProvisionedARM and ProvisionedX86 are prices of a GB-second of allocated provisioned
	// concurrency. Lambda bills it for 5 minutes at least.
	ProvisionedARM float64 `json:"provisionedArm64PerGBSecond"`
	ProvisionedX86 float64 `json:"provisionedX86PerGBSecond"`
	// ProvisionedDurationARM and ProvisionedDurationX86 are prices of a GB-second of
	// invocations on provisioned concurrency.
	ProvisionedDurationARM float64 `json:"provisionedDurationArm64PerGBSecond"`
	ProvisionedDurationX86 float64 `json:"provisionedDurationX86PerGBSecond"`

	// SQS and SQSFIFO are prices of a million SQS requests.
	SQS     float64 `json:"sqsPerMillion"`
	SQSFIFO float64 `json:"sqsFifoPerMillion"`
	// HTTPAPI and RESTAPI are prices of a million API requests, and WebSocket of a million
	// messages.
	HTTPAPI   float64 `json:"httpApiPerMillion"`
	RESTAPI   float64 `json:"restApiPerMillion"`
	WebSocket float64 `json:"webSocketMessagesPerMillion"`
	// WebSocketMinutes is the price of a million minutes of WebSocket connections.
	WebSocketMinutes float64 `json:"webSocketMinutesPerMillion"`
	// Poller is the price of a provisioned event poller for an hour.
	Poller float64 `json:"eventPollerPerHour"`
}

// DefaultPrices returns the prices of us-east-1 in September 2026.
func DefaultPrices() Prices {
	return Prices{
		Region: "us-east-1", Date: "2026-09", Requests: 0.20,
		DurationARM: 0.0000133334, DurationX86: 0.0000166667,
		ProvisionedARM: 0.0000033334, ProvisionedX86: 0.0000041667,
		ProvisionedDurationARM: 0.0000077778, ProvisionedDurationX86: 0.0000097222,
		SQS: 0.40, SQSFIFO: 0.50, HTTPAPI: 1.00, RESTAPI: 3.50, WebSocket: 1.00, WebSocketMinutes: 0.25, Poller: 0.00925,
	}
}

// ReadPrices reads prices from a JSON file, which must have Region and Date. Prices that
// the file leaves out are the [DefaultPrices].
func ReadPrices(path string) (Prices, error) {
	f, err := os.Open(path)
	if err != nil {
		return Prices{}, fmt.Errorf("read prices: %w", err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	return decodePrices(path, f)
}

func decodePrices(name string, r io.Reader) (Prices, error) {
	p := DefaultPrices()
	p.Region, p.Date = "", ""
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("read prices %s: must be a JSON object of prices, got %w; see docs/planning.md", name, err)
	}
	if p.Region == "" || p.Date == "" {
		return p, fmt.Errorf("read prices %s: region and date must be set, got %q and %q; say where and when these prices hold", name, p.Region, p.Date)
	}
	return p, nil
}

// The kinds of API that send requests to the function, for [Billing.API].
const (
	HTTPAPI     = "http"
	RESTAPI     = "rest"
	FunctionURL = "url"
	WebSocket   = "websocket"
)

// Billing has the facts for a bill that a scenario does not contain.
type Billing struct {
	// MemoryMB is the memory of the function. 0 is 128, Lambda's default.
	MemoryMB int
	// X86 says that the function runs on x86-64 instead of arm64.
	X86 bool
	// API is the kind of API in front of the function: [HTTPAPI], [RESTAPI], [FunctionURL]
	// or [WebSocket]; "" is none.
	API string
	// Measured has durations at other memory sizes; see [Advice.Memory].
	Measured []Memory
	// Connections is the mean number of connected WebSocket clients.
	Connections float64
}

// monthSeconds is a twelfth of a year: 730 hours, as in AWS's calculator.
const monthSeconds = 730 * 3600.0

// CostLine is a line of a bill.
type CostLine struct {
	Name     string  `json:"name"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	Price    float64 `json:"price"` // of a unit, in US dollars
	Cost     float64 `json:"cost"`  // a month or a run, in US dollars
}

// Cost is the cost of a month, or of a run that ends by itself.
type Cost struct {
	// Of is "month" or "run".
	Of     string     `json:"of"`
	Total  float64    `json:"total"`
	Lines  []CostLine `json:"lines"`
	Region string     `json:"region"`
	Date   string     `json:"date"`
}

// Month returns the cost of a month of 730 hours at the rate of a result. For a scenario
// with only a backlog, or a trace of less than a minute, it returns the cost of the run
// instead. The result must have the
// queues of the scenario.
func (p Prices) Month(s *Scenario, r *Result, b Billing) Cost {
	c := Cost{Of: "month", Region: p.Region, Date: p.Date}
	if r.Length <= 0 {
		return c
	}
	month, hours := monthSeconds/r.Length, monthSeconds/3600
	if s.backlogAlone() || r.Length < 60 && s.Traffic != nil && !s.Traffic.repeat && s.Length == 0 {
		c.Of, month, hours = "run", 1, r.Length/3600
	}
	add := func(name string, quantity float64, unit string, price float64) {
		if quantity > 0 {
			c.Lines = append(c.Lines, CostLine{name, quantity, unit, price, quantity * price})
			c.Total += quantity * price
		}
	}
	gigabytes := float64(b.MemoryMB) / 1024
	if b.MemoryMB == 0 {
		gigabytes = 0.125
	}
	duration, warm, warmDuration := p.DurationARM, p.ProvisionedARM, p.ProvisionedDurationARM
	if b.X86 {
		duration, warm, warmDuration = p.DurationX86, p.ProvisionedX86, p.ProvisionedDurationX86
	}
	const million = 1e6
	add("Lambda requests", float64(r.Invocations)*month/million, "million", p.Requests)
	add("duration on demand", r.OnDemandSeconds*month*gigabytes, "GB-s", duration)
	add("duration on provisioned instances", r.ProvisionedSeconds*month*gigabytes, "GB-s", warmDuration)
	add("provisioned concurrency", r.AllocatedSeconds*month*gigabytes, "GB-s", warm)
	requests := float64(r.Requests) * month / million
	switch b.API {
	case HTTPAPI:
		add("HTTP API requests", requests, "million", p.HTTPAPI)
	case RESTAPI:
		add("REST API requests", requests, "million", p.RESTAPI)
	case WebSocket:
		add("WebSocket messages", requests, "million", p.WebSocket)
		add("WebSocket connection minutes", b.Connections*hours*60/million, "million", p.WebSocketMinutes)
	}
	for i, q := range r.Queues {
		settings := &s.Queues[i]
		name, price := "SQS requests of "+q.Name, p.SQS
		if settings.FIFO {
			price = p.SQSFIFO
		}
		// This counts one call per message sent, and a receive and a delete per 10 messages
		// of a batch. It ignores empty receives, which cost at most a dollar a month.
		calls := math.Ceil(float64(max(settings.BatchSize, 1)) / 10)
		if settings.BatchSize == 0 {
			calls = 1
		}
		add(name, (float64(q.Messages)+2*calls*float64(q.Batches))*month/million, "million", price)
		add("event pollers of "+q.Name, float64(settings.MinPollers)*hours, "hour", p.Poller)
	}
	return c
}
