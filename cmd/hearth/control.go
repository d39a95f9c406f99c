package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/dev"
	"github.com/lambdahearth/hearth/local"
)

// control sends actions to the hearth dev that runs in a folder, or that has a URL.
type control struct{ dir, url string }

// addControl adds to cmd the flags that choose the engine.
func addControl(cmd *cobra.Command) *control {
	c := &control{}
	cmd.Flags().StringVar(&c.dir, "dir", ".", "the folder of cdk.json, or of the assembly, that hearth dev runs")
	cmd.Flags().StringVar(&c.url, "url", "", "the `URL` of hearth dev, if it runs elsewhere")
	return c
}

// base returns the URL of the engine.
func (c *control) base() (string, error) {
	running, err := c.running()
	if err != nil {
		return "", err
	}
	return running.URL, nil
}

// running returns the engine that the flags choose. If a flag gives its URL, the token is
// "".
func (c *control) running() (*dev.Running, error) {
	if c.url != "" {
		return &dev.Running{URL: strings.TrimRight(c.url, "/")}, nil
	}
	return dev.Find(c.dir)
}

// askToken asks an engine for the token that actions need. On any error it returns "", and
// the action then reports the problem.
func askToken(ctx context.Context, base string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_hearth/token", nil)
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

// call posts an action to the engine and prints its answer.
func (c *control) call(ctx context.Context, action string, query url.Values, body []byte, stdout io.Writer) error {
	running, err := c.running()
	if err != nil {
		return err
	}
	if running.Token == "" {
		running.Token = askToken(ctx, running.URL)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, running.URL+"/_hearth/"+action+"?"+query.Encode(), bytes.NewReader(body))
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

// names completes the first argument with names from the state of the engine.
func (c *control) names(of func(*local.State) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault // a file
		}
		state, err := c.state(cmd.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return of(state), cobra.ShellCompDirectiveNoFileComp
	}
}

func newTrigger() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trigger SCHEDULE",
		Short: "Run a schedule of the running app now",
		Long: `Run a schedule of the running app now. The command talks to the hearth dev that runs in
this folder. A part of the name is enough if no other schedule has it.`,
		Example: `  hearth trigger nightly`,
		Args:    arguments(1, 1, "the name of a schedule"),
	}
	c := addControl(cmd)
	cmd.ValidArgsFunction = c.names(func(s *local.State) (names []string) {
		for _, schedule := range s.Schedules {
			names = append(names, schedule.Name)
		}
		return names
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.call(cmd.Context(), "trigger", url.Values{"name": {args[0]}}, nil, cmd.OutOrStdout())
	}
	return cmd
}

func newSend() *cobra.Command {
	var group string
	cmd := &cobra.Command{
		Use:   "send QUEUE [MESSAGE]",
		Short: "Put a message on a queue of the running app",
		Long: `Put a message on a queue of the running app. Without MESSAGE, or with "-", the command
reads standard input. It talks to the hearth dev that runs in this folder. A part of the
name is enough if no other queue has it.`,
		Example: `  hearth send jobs '{"order": 7}'
  hearth send --group anna ledger.fifo < entry.json`,
		Args: arguments(1, 2, "the name of a queue and a message"),
	}
	c := addControl(cmd)
	cmd.Flags().StringVar(&group, "group", "", "the message group; FIFO queues need one")
	cmd.ValidArgsFunction = c.names(func(s *local.State) (names []string) {
		for _, q := range s.Queues {
			names = append(names, q.Name)
			if q.Alias != "" {
				names = append(names, q.Alias)
			}
		}
		return names
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var body []byte
		if len(args) == 2 && args[1] != "-" {
			body = []byte(args[1])
		} else {
			var err error
			if body, err = io.ReadAll(cmd.InOrStdin()); err != nil {
				return fmt.Errorf("read message: %w", err)
			}
		}
		return c.call(cmd.Context(), "send", url.Values{"name": {args[0]}, "group": {group}}, body, cmd.OutOrStdout())
	}
	return cmd
}
