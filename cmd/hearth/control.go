package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/dev"
)

// control tells the hearth dev that runs in this folder to do something.
type control struct {
	flags *flag.FlagSet
	dir   *string
	url   *string
}

func newControl(command string) *control {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return &control{flags, flags.String("dir", ".", ""), flags.String("url", "", "")}
}

// call posts to the engine and prints its answer.
func (c *control) call(ctx context.Context, action string, query url.Values, body []byte, stdout io.Writer) error {
	running := &dev.Running{URL: *c.url}
	if running.URL == "" {
		var err error
		if running, err = dev.Find(*c.dir); err != nil {
			return err
		}
	}
	base := running.URL
	if running.Token == "" {
		running.Token = askToken(ctx, base)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(base, "/")+"/_hearth/"+action+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Hearth", running.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w; does hearth dev run?", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Message string }
		if json.Unmarshal(answer, &problem) == nil && problem.Message != "" {
			return errors.New(problem.Message)
		}
		return fmt.Errorf("%s: %s", resp.Status, answer)
	}
	if resp.Header.Get("X-Amz-Function-Error") != "" {
		return fmt.Errorf("the function failed: %s", answer)
	}
	if action == "invoke" {
		_, err = fmt.Fprintf(stdout, "%s\n", bytes.TrimSuffix(answer, []byte("\n")))
	}
	return err
}

// askToken asks an engine for the token that actions want. "" is none; the action then
// says what is wrong.
func askToken(ctx context.Context, base string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/_hearth/token", nil)
	if err != nil {
		return ""
	}
	req.Header.Set("X-Hearth", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	json.NewDecoder(resp.Body).Decode(&answer) //nolint:errcheck // see above
	return answer.Token
}

// trigger runs a schedule now.
func trigger(ctx context.Context, args []string, stdout io.Writer) error {
	c := newControl("trigger")
	if err := c.flags.Parse(args); err != nil {
		return fmt.Errorf("trigger: %w; see hearth trigger --help", err)
	}
	if c.flags.NArg() != 1 {
		return fmt.Errorf("trigger takes the name of a schedule, got %d arguments; see hearth trigger --help", c.flags.NArg())
	}
	return c.call(ctx, "trigger", url.Values{"name": {c.flags.Arg(0)}}, nil, stdout)
}

// send queues a message.
func send(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	c := newControl("send")
	group := c.flags.String("group", "", "")
	if err := c.flags.Parse(args); err != nil {
		return fmt.Errorf("send: %w; see hearth send --help", err)
	}
	if c.flags.NArg() < 1 || c.flags.NArg() > 2 {
		return fmt.Errorf("send takes the name of a queue and a message, got %d arguments; see hearth send --help", c.flags.NArg())
	}
	body := []byte(c.flags.Arg(1))
	if c.flags.NArg() == 1 || c.flags.Arg(1) == "-" {
		var err error
		if body, err = io.ReadAll(stdin); err != nil {
			return fmt.Errorf("read message: %w", err)
		}
	}
	return c.call(ctx, "send", url.Values{"name": {c.flags.Arg(0)}, "group": {*group}}, body, stdout)
}

// invokeRunning sends an event to a function of the running engine.
func invokeRunning(ctx context.Context, c *control, function, file string, stdin io.Reader, stdout io.Writer) error {
	event, err := readEvent(file, stdin)
	if err != nil {
		return err
	}
	return c.call(ctx, "invoke", url.Values{"name": {function}}, event, stdout)
}

func readEvent(file string, stdin io.Reader) (event []byte, err error) {
	if file == "" || file == "-" {
		event, err = io.ReadAll(stdin)
	} else {
		event, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	return event, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
