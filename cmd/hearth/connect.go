package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/local"
)

// longestFrame is the largest message that API Gateway sends, 128 KB.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (2026-11)
const longestFrame = 128 << 10

func newConnect() *cobra.Command {
	var api string
	var wait time.Duration
	header := http.Header{}
	cmd := &cobra.Command{
		Use:   "connect [QUERY]",
		Short: "Connect to a WebSocket API of the running app",
		Long: `Connect to a WebSocket API of the running app. The command sends each line of standard
input as a message, and prints each message that it receives as a line. QUERY, such as
?user=anna, is added to the URL. Ctrl-C ends the connection. If standard input is not a
terminal, the command also ends when no message has come for --wait after its end.`,
		Example: `  hearth connect '?user=anna'
  echo '{"action": "list"}' | hearth connect`,
		Args: arguments(0, 1, "at most one query"),
	}
	c := addControl(cmd)
	cmd.Flags().StringVar(&api, "api", "", "the API, by its name or logical id, or a part of that; the first by\ndefault")
	cmd.Flags().DurationVar(&wait, "wait", time.Second, "how long to wait for another message after the end of standard\ninput")
	cmd.Flags().Func("header", "a header of the handshake, `'NAME: VALUE'`; may be repeated", func(text string) error {
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" {
			return fmt.Errorf("must be NAME: VALUE, got %q", text)
		}
		header.Add(name, strings.TrimSpace(value))
		return nil
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		url, err := c.webSocketURL(cmd.Context(), api)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			url += "?" + strings.TrimPrefix(args[0], "?")
		}
		out := terminal.New(cmd.OutOrStdout())
		if terminal.Is(cmd.InOrStdin()) {
			wait = 0
		}
		return connect(cmd.Context(), url, header, cmd.InOrStdin(), out, wait)
	}
	return cmd
}

// state returns the state of the engine.
func (c *control) state(ctx context.Context) (*local.State, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_hearth/state", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w; does hearth dev run?", err)
	}
	defer resp.Body.Close()
	state := &local.State{}
	if err := json.NewDecoder(resp.Body).Decode(state); err != nil {
		return nil, fmt.Errorf("read the state of %s: %w", base, err)
	}
	return state, nil
}

// webSocketURL returns the URL of the API whose name or id contains name.
func (c *control) webSocketURL(ctx context.Context, name string) (string, error) {
	state, err := c.state(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, api := range state.WebSocketAPIs {
		if strings.Contains(api.Name, name) || strings.Contains(api.LogicalID, name) {
			return api.URL, nil
		}
		names = append(names, api.LogicalID)
	}
	if len(names) == 0 {
		return "", errors.New("connect: the running app has no WebSocket API")
	}
	return "", fmt.Errorf("connect: --api must be one of %s, got %q", strings.Join(names, ", "), name)
}

// connect sends the lines of in as messages and prints the messages that it receives. It
// returns when ctx ends, when the API closes the connection, or when in has ended and no
// message came for wait. With wait 0, it continues after the end of in.
func connect(ctx context.Context, url string, header http.Header, in io.Reader, out io.Writer, wait time.Duration) error {
	conn, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return fmt.Errorf("connect to %s: the API answered %s", url, resp.Status)
		}
		return fmt.Errorf("connect to %s: %w", url, err)
	}
	conn.SetReadLimit(longestFrame)
	defer conn.CloseNow()                                                            //nolint:errcheck // it is closed below where that means something
	context.AfterFunc(ctx, func() { conn.Close(websocket.StatusNormalClosure, "") }) //nolint:errcheck // it ends either way

	received := make(chan error) // nil for a message
	go func() {
		for {
			_, data, err := conn.Read(context.Background())
			if err == nil {
				_, err = fmt.Fprintf(out, "%s\n", data)
			}
			received <- err
			if err != nil {
				return
			}
		}
	}()
	sent := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, longestFrame)
		for lines.Scan() {
			if err := conn.Write(context.Background(), websocket.MessageText, lines.Bytes()); err != nil {
				sent <- err
				return
			}
		}
		sent <- lines.Err()
	}()
	var idle <-chan time.Time
	ended := false
	for {
		if ended && wait > 0 {
			idle = time.After(wait)
		}
		select {
		case err := <-received:
			if err == nil {
				continue
			}
			if status := websocket.CloseStatus(err); ctx.Err() != nil || status == websocket.StatusNormalClosure || status == websocket.StatusGoingAway {
				return nil
			}
			return fmt.Errorf("connect: the connection ended: %w", err)
		case err := <-sent:
			if err != nil {
				return fmt.Errorf("connect: send a message: %w", err)
			}
			ended, sent = true, nil
		case <-idle:
			go func() { <-received }() //nolint:errcheck // the close ends the reader
			return conn.Close(websocket.StatusNormalClosure, "")
		}
	}
}
