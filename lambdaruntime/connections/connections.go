// Package connections pushes messages to the clients of an API Gateway WebSocket
// API, from any handler of a Hearth program:
//
//	var clients = connections.New()
//
//	switch err := clients.SendJSON(ctx, connectionID, update); {
//	case errors.Is(err, connections.ErrGone):
//		// the client has left: forget its id
//	case err != nil:
//		return err
//	}
//
// The endpoint comes from the variable HEARTH_WEBSOCKET_ENDPOINT. hearth.Backend and
// hearth.WebSocketApi.ConnectManage set it, together with the permission
// execute-api:ManageConnections. Lambda sets the credentials and the region.
//
// A function reaches the API over the internet only, so a function in a VPC needs a NAT
// gateway: interface endpoints of execute-api serve private APIs only.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html (2026-11)
package connections

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/awsenv"
	"github.com/lambdahearth/hearth/lambdaruntime/internal/failures"
)

const (
	// attemptTimeout bounds one HTTP request of a call.
	attemptTimeout = 5 * time.Second
	// maxAttempts is how many attempts a call makes.
	maxAttempts = 3
	// maxParallel bounds the calls of one SendAll.
	maxParallel = 16
	// maxAnswerBytes is how many bytes of an answer are read.
	maxAnswerBytes = 4 * 1024
)

// ErrGone means that the connection has ended. API Gateway never uses its id again.
var ErrGone = errors.New("the connection is gone")

// Error is an answer with which API Gateway refuses a call. With status 410 it matches
// [ErrGone].
type Error struct {
	// Op is the call: "send", "close" or "get".
	Op string
	// ConnectionID is the call's connection.
	ConnectionID string
	// Status is the HTTP status: 403 means no permission, 410 gone, 413 too large, 429
	// too many calls.
	Status int
	// Message is API Gateway's message, or "".
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("connections: %s %q: %d %s", e.Op, e.ConnectionID, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Status == http.StatusForbidden {
		text += "; the function needs execute-api:ManageConnections on this stage, which hearth.Backend and hearth.WebSocketApi.ConnectManage give"
	}
	return text
}

// Is makes a 410 an ErrGone.
func (e *Error) Is(target error) bool { return target == ErrGone && e.Status == http.StatusGone }

// Connection is API Gateway's data about a connection.
type Connection struct {
	// ConnectedAt is when the client connected.
	ConnectedAt time.Time
	// LastActiveAt is the time of the last message, in either direction.
	LastActiveAt time.Time
	// SourceIP is the client's address.
	SourceIP string
	// UserAgent is the client's User-Agent header.
	UserAgent string
}

// Client calls the @connections API of one WebSocket stage. [New] makes it. It costs
// nothing until its first use and is safe for concurrent use.
type Client struct {
	name   string // of the connection; see Named
	http   *http.Client
	signer *v4.Signer
	// pause is how long to wait before a call is tried again.
	pause func(attempt int) time.Duration

	mu       sync.Mutex
	endpoint string
	region   string
}

// New returns a client of the stage that the program's environment names.
func New() *Client { return Named("") }

// Named returns a client of the stage with this name in the constructs
// (ConnectOptions.Name), for a program that pushes to more than one WebSocket API. The
// endpoint of "admin" comes from the variable HEARTH_WEBSOCKET_ENDPOINT_ADMIN.
func Named(name string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxParallel
	return &Client{
		name: name,
		http: &http.Client{
			Transport: transport,
			// A signature is valid for one URL.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		signer: v4.NewSigner(),
		pause:  attemptPause,
	}
}

// attemptPause grows from about 50 ms, with jitter.
func attemptPause(attempt int) time.Duration {
	return time.Duration(float64(50*time.Millisecond<<attempt) * (0.5 + rand.Float64()))
}

// Send sends data, at most 128 KB of UTF-8, to a client as one text message: API Gateway
// has no binary ones. It tries again when API Gateway is busy or the answer is lost, so
// in rare cases a client gets a message twice.
//
// Send works only after the connection's Connect has been answered.
func (c *Client) Send(ctx context.Context, connectionID string, data []byte) error {
	if len(data) > wire.MaxWebSocketMessage {
		return fmt.Errorf("connections: send %q: a message must be up to %d bytes, got %d; send a link to the data instead", connectionID, wire.MaxWebSocketMessage, len(data))
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("connections: send %q: a message must be valid UTF-8; encode binary data, for example as base64", connectionID)
	}
	_, err := c.call(ctx, "send", http.MethodPost, connectionID, data)
	return err
}

// SendJSON sends the JSON of v to a client; see [Client.Send].
func (c *Client) SendJSON(ctx context.Context, connectionID string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("connections: send %q: encode the message: %w", connectionID, err)
	}
	return c.Send(ctx, connectionID, data)
}

// SendAll sends the same data to many clients, several at once, and once to each. gone
// lists the ids of ended connections, in the given order. err joins all other failures:
// [errors.As] finds each, and its text has the first few. The failure of one client does
// not affect the others.
func (c *Client) SendAll(ctx context.Context, connectionIDs []string, data []byte) (gone []string, err error) {
	connectionIDs = slices.Clone(connectionIDs)
	seen := make(map[string]bool, len(connectionIDs))
	connectionIDs = slices.DeleteFunc(connectionIDs, func(id string) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
	results := make([]error, len(connectionIDs))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i, id := range connectionIDs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = c.Send(ctx, id, data)
		})
	}
	wg.Wait()
	for i, err := range results {
		if errors.Is(err, ErrGone) {
			gone = append(gone, connectionIDs[i])
			results[i] = nil
		}
	}
	return gone, failures.Join("sends", results)
}

// Close ends a connection. The program's Disconnect is called, as after any other end.
func (c *Client) Close(ctx context.Context, connectionID string) error {
	_, err := c.call(ctx, "close", http.MethodDelete, connectionID, nil)
	return err
}

// Get returns API Gateway's data about a connection.
func (c *Client) Get(ctx context.Context, connectionID string) (*Connection, error) {
	body, err := c.call(ctx, "get", http.MethodGet, connectionID, nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		ConnectedAt  time.Time `json:"connectedAt"`
		LastActiveAt time.Time `json:"lastActiveAt"`
		Identity     struct {
			SourceIP  string `json:"sourceIp"`
			UserAgent string `json:"userAgent"`
		} `json:"identity"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("connections: get %q: read the answer: %w", connectionID, err)
	}
	return &Connection{
		ConnectedAt: answer.ConnectedAt, LastActiveAt: answer.LastActiveAt,
		SourceIP: answer.Identity.SourceIP, UserAgent: answer.Identity.UserAgent,
	}, nil
}

// target returns the stage's endpoint and region.
func (c *Client) target() (endpoint, region string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endpoint != "" {
		return c.endpoint, c.region, nil
	}
	variable := wire.Named(wire.EnvWebSocketEndpoint, c.name)
	endpoint = strings.TrimRight(os.Getenv(variable), "/")
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", fmt.Errorf("connections: %s must be the WebSocket stage's URL, https://{api-id}.execute-api.{region}.amazonaws.com/{stage}, got %q; hearth.Backend and hearth.WebSocketApi.ConnectManage set it", variable, endpoint)
	}
	if region, err = awsenv.Region(); err != nil {
		return "", "", fmt.Errorf("connections: %w", err)
	}
	c.endpoint, c.region = endpoint, region
	return endpoint, region, nil
}

// call makes one call, with more attempts if needed, and returns the answer's body.
func (c *Client) call(ctx context.Context, op, method, connectionID string, body []byte) ([]byte, error) {
	if connectionID == "" {
		return nil, fmt.Errorf("connections: %s: the connection id must not be empty", op)
	}
	endpoint, region, err := c.target()
	if err != nil {
		return nil, err
	}
	// Ids end in "=", which must be escaped in a signed path.
	target := endpoint + "/@connections/" + strings.ReplaceAll(url.QueryEscape(connectionID), "+", "%20")
	for attempt := 0; ; attempt++ {
		answer, err := c.attempt(ctx, method, target, region, body)
		retry := err != nil
		if err != nil {
			err = fmt.Errorf("connections: %s %q: %w", op, connectionID, err)
		} else if answer.status >= 300 {
			err = &Error{Op: op, ConnectionID: connectionID, Status: answer.status, Message: answer.message()}
			retry = answer.status == http.StatusTooManyRequests || answer.status >= 500
		}
		if !retry || attempt+1 == maxAttempts || errors.Is(err, errUnsent) {
			if err != nil {
				return nil, err
			}
			return answer.body, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(c.pause(attempt)):
		}
	}
}

// errUnsent marks failures before the request reaches the network.
var errUnsent = errors.New("request not made")

type answer struct {
	status int
	body   []byte
}

// message returns the text of an error's body: {"message": "…"}.
func (a *answer) message() string {
	var body struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(a.body, &body) != nil {
		return ""
	}
	return body.Message
}

// attempt makes one signed request. Each attempt needs its own signature, which contains
// the time.
func (c *Client) attempt(ctx context.Context, method, target, region string, body []byte) (*answer, error) {
	credentials, err := awsenv.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	hash := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(hash[:]), "execute-api", region, time.Now()); err != nil {
		return nil, fmt.Errorf("%w: sign: %w", errUnsent, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes)); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return a, nil
}
