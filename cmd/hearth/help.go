package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// commandHelp is what hearth COMMAND --help prints, in the order of hearth help. The
// first line is how the command is called, the second what it does.
var commandHelp = []struct{ name, text string }{
	{"dev", `hearth dev [--port PORT] [--database URL] [--env NAME[=VALUE]]... [OPTION]...
  Synthesize the app that cdk.json names, run it, and follow what is saved.

A Go file of a handler swaps its instances, one of the infrastructure synthesizes
again. Everything binds to loopback.

    --port PORT              3000 by default; 0 picks a free one
    --env NAME=VALUE         set a variable of the functions
    --env NAME, --env PRE*   pass on variables of hearth's own environment;
                             .env beside cdk.json takes the same lines, and
                             those that begin with a stack's name in capitals
                             (BOOKMARKS_) are passed on anyway
    --database URL           what RDS Proxies lead to, DATABASE_URL by default;
                             without one, "auto" starts an empty PostgreSQL
                             where it is installed, "postgres" insists on it,
                             and "none" leaves the data to the programs
    --handler LOGICAL_ID=DIR the Go program of a function, where the assembly
                             does not say
    --issuer LOGICAL_ID=URL,AUDIENCE[,AUDIENCE]...
                             the issuer of a JWT authorizer that the template
                             does not say, such as a Cognito user pool
    --host NAME              let a tunnel in: the app answers 403 to requests for
                             hosts that are not this machine; *.NAME for all
                             below a domain; may be repeated
    --sqs-port PORT, --dynamodb-port PORT
                             the ports of these endpoints; free ones by default
    --api-port PORT          the port of the second API, and those that follow for
                             the third and so on; free ones by default
    --stack NAME             run this stack only; may be repeated
    --concurrency N          instances of functions without a reservation
    --cold-start DURATION    added to each cold start
    --debug                  build for a debugger, print the process of each
                             instance, and lift the time limits
    --freeze                 stop instances between invocations, as Lambda does
    --assembly DIR           run this assembly and do not synthesize
    --dir DIR                the folder of cdk.json
    --json                   print the handlers' log records as they are
    --no-watch               do not follow what is saved
`},
	{"trigger", `hearth trigger SCHEDULE
  Run a schedule of the running app now.

The command speaks to the hearth dev that runs in this folder (--dir DIR, --url URL).
Names may be parts, if only one has them.
`},
	{"send", `hearth send [--group GROUP] QUEUE [MESSAGE]
  Put a message on a queue of the running app.

MESSAGE is standard input by default, and for "-".
The command speaks to the hearth dev that runs in this folder (--dir DIR, --url URL).
Names may be parts, if only one has them.
`},
	{"invoke", `hearth invoke FUNCTION|DIR [FILE]
  Send an event to a function of the running app, or to the program in a folder.

  hearth invoke FUNCTION [FILE]
    The command speaks to the hearth dev that runs in this folder (--dir DIR, --url URL).
    Names may be parts, if only one has them.
  hearth invoke [-timeout DURATION] [-env NAME=VALUE]... DIR [FILE]
    Build the program, start it as one Lambda instance, send it the event and print the
    response. Its log goes to standard error.

FILE is standard input by default.
`},
	{"manifest", `hearth manifest DIR
  Build the Go program in DIR for this machine and print what it serves, as JSON.
`},
	{"sqs", `hearth sqs [--addr HOST:PORT] [--queue NAME[.fifo]]...
  Run the SQS simulator alone, on 127.0.0.1:9324 by default.

It is for programs that set AWS_ENDPOINT_URL_SQS. They may create more queues.
`},
	{"check", `hearth check [--json] [--against OLD] [PATH]...
  Find faults in synthesized templates before AWS does.

PATH is a template or the folder of a cloud assembly, cdk.out by default. It prints one
line a finding, or with --json an array. The exit status is 1 if one of them is an error.

    --against OLD            also say what an update from OLD, a template or a folder,
                             adds, updates, replaces and deletes, and what is lost
`},
	{"plan", `hearth plan [--rate R | --traffic FILE] [--duration D] [--init I] [OPTION]...
  Recommend concurrency settings for a traffic, with percentiles and costs.

It simulates the function, and says whether provisioned concurrency is worth it, how many
instances to keep warm and to reserve, what the slowest requests see, what a month costs,
and what breaks first as the traffic grows. Beside cdk.out it takes memory, timeout,
concurrency, queues and the way in from there. The same seed gives the same bytes. See
docs/planning.md.

    --rate R                 Poisson arrivals, R requests a second; 1 by default
    --daily LOW-HIGH         a day with so many requests a second at 3 and at 15 o'clock;
                             --weekend 0.3 makes it a week with so much on two days
    --rush R                 R a second in the first minute of each hour, --rate else
    --burst N[/TIME]         arrivals N at a time, spread over some time; with --rate
    --traffic FILE           counts per minute, arrivals with durations (app,func,
                             end_timestamp,duration), REPORT lines or an access log;
                             --func NAME reads one func, --repeat begins counts anew
    --scale X                X times as many requests
    --duration D             of the handler: 250ms is a mean, exponential unless
                             --distribution constant; or lognormal:200ms,0.6 (median,
                             sigma), uniform:100ms-400ms; 100ms by default
    --init I                 of a new instance, before its first request, constant by
                             default: a cold request takes I + D; 45ms by default
    --measure                start the program on this machine to find that out, and ask
                             it what it serves; --dir DIR is its folder without cdk.out
    --idle T                 how long an idle instance lives; 5m-15m by default
    --provisioned P          warm instances: a number, or 2-20 for target tracking with
                             --utilization U, 0.7 by default
    --reserved N             reserved concurrency; with --provisioned, --reserved or
                             --idle, nothing of the concurrency comes from cdk.out
    --account N              concurrent executions of the account; 1000 by default
    --requests-per-unit N    requests a second for each unit of concurrency; 10 by
                             default, as on Lambda, and -1 for no limit
    --queue NAME[,OPTION=VALUE]...
                             a queue with its load: rate=5 or traffic=FILE or
                             backlog=1000, duration=2s, jobs=4 at once, batch=10,
                             window=5s, max=20, pollers=2-10, fifo, groups=8,
                             failure=0.01, visibility=30s, receives=5; may be repeated
    --deploy TIME            a deployment at that time of the run; may be repeated
    --timeout D, --memory MB, --arch arm64|x86_64, --api http|rest|url|websocket|none
    --at-memory MB=D         what a request takes at another size of memory: which size is
                             best; may be repeated
    --clients N              WebSocket clients that are connected, for the bill
    --goal SHARE             cold requests that are allowed; 0.1% by default
    --noticeable D           the shortest init that users notice; 100ms by default
    --age D                  the longest wait of a message; 5m by default
    --connections N          of the database: reserved concurrency stays below
    --prices FILE            other prices, as JSON; us-east-1 of 2026-09 by default
    --seed N, --requests N, --length D
                             of the simulation; as long as the figures need
    --assembly DIR, --stack NAME, --function LOGICAL_ID
                             the function to plan for; cdk.out by default
    --json                   print a JSON object
    --html FILE, --svg FILE  also write a page with pictures, or its first picture alone
    --out FILE               also write a plan file for ConcurrencyProps.Plan: synth checks
                             with it that the settings still serve the traffic
`},
}

// helpOf is the help of a command, "" for none.
func helpOf(command string) string {
	for _, c := range commandHelp {
		if c.name == command {
			return c.text
		}
	}
	return ""
}

// printHelp prints all commands, a line or two for each.
func printHelp(to io.Writer) {
	fmt.Fprint(to, "hearth runs AWS backends on this machine.\n\n")
	for _, c := range commandHelp {
		lines := strings.SplitN(c.text, "\n", 3)
		fmt.Fprintf(to, "%s\n%s\n", lines[0], lines[1])
	}
	fmt.Fprint(to, "\nhearth COMMAND --help says more.\n")
}

// asksForHelp reports whether one of a command's arguments asks for its help.
func asksForHelp(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" })
}
