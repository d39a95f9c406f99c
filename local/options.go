package local

import (
	"io"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/lambda"
)

// What a stack has that is not bound to an account or a region.
const (
	DefaultAccount = assembly.DefaultAccount
	DefaultRegion  = assembly.DefaultRegion
)

// Options says what an [Engine] runs and how. Assembly is required.
type Options struct {
	// Assembly is the cloud assembly: the folder that cdk synth writes, cdk.out.
	Assembly string

	// Addr is where the engine listens: a loopback address and a port. "" means
	// 127.0.0.1:0, which picks a free port.
	Addr string

	// Cache is a folder in which built programs are kept from one engine to the next,
	// so that the go command need not link them again. "" keeps none.
	Cache string

	// ColdStart is added to the time that each new instance takes, to see what cold
	// starts do to a program. 0 adds nothing.
	ColdStart time.Duration

	// Clock is the time of queues, schedules, event source mappings, retries, idle
	// instances, connections and items that expire: nil means the machine's, and a
	// [ManualClock] lets a test decide. Programs live in the machine's time: their
	// deadlines and timeouts are its own. A program that writes expiry times into a
	// table wants a clock that starts at time.Now().
	Clock Clock

	// Concurrency is how many instances there may be of all functions without
	// reserved concurrency, together with what is reserved. 0 means 100.
	Concurrency int

	// Database is the URL of the database that RDS Proxy endpoints lead to:
	// postgres://… or mysql://…. "postgres" starts PostgreSQL, which must be
	// installed, with an empty database that ends with the engine; [DatabaseAuto]
	// does so where it can. "" leaves it to the programs.
	Database string

	// Dir is the folder that the paths of handler programs in the assembly are
	// relative to: that of cdk.json. "" means the assembly's parent.
	Dir string

	// Env is set for every function and replaces what the template says. A variable
	// that is here need not be resolvable in the template.
	Env map[string]string

	// Environ is an environment, such as os.Environ(), of which functions get the
	// variables that belong to the app by their names: those that begin with the
	// name of a stack in capitals, as in BOOKMARKS_COLOR for the stack Bookmarks.
	Environ []string

	// Faults are what goes wrong on purpose from the start; see [ReadFaults] and
	// [Engine.SetFaults].
	Faults []Fault

	// FunctionEnv is set for single functions, by logical id or name, and replaces what
	// Env says.
	FunctionEnv map[string]map[string]string

	// Freeze stops instances between invocations, as Lambda does.
	Freeze bool

	// Handlers are the folders of the functions' Go programs, by logical id, for
	// functions whose source the assembly does not name.
	Handlers map[string]string

	// Hosts are names by which the app is reached beside those of loopback, such as a
	// tunnel's: *.example stands for all below a domain, and * for every name. Requests
	// that name another host are answered 403, because a web site may let its name
	// resolve to this machine and read what the app says. The engine's own paths, queues
	// and tables are for this machine alone whatever is here.
	Hosts []string

	// Idle is when instances that have nothing to do are retired. 0 means 10
	// minutes.
	Idle time.Duration

	// Issuers are the issuers of JWT authorizers, by logical id, for those that the
	// template does not say here, such as a Cognito user pool.
	Issuers map[string]Issuer

	// Log gets a line for each thing that users should know of: instances that do
	// not start, events that are given up. Nil discards them.
	Log func(line string)

	// Output gets what the handler programs write. Nil discards it.
	Output io.Writer

	// Programs are handler programs that have been built for this machine, by
	// logical id. They are not built again.
	Programs map[string]string

	// Debug builds programs for a debugger, names the process of each instance in the log,
	// and lifts the time limits of functions and gateways, which would otherwise end a
	// process at a breakpoint.
	Debug bool

	// DynamoDBAddr is where the DynamoDB endpoint listens. "" means 127.0.0.1:0.
	DynamoDBAddr string

	// APIAddr is where the first API listens that needs a port of its own; those after
	// it take the ports that follow. "" means free ports.
	APIAddr string

	// SQSAddr is where the SQS endpoint listens. "" means 127.0.0.1:0.
	SQSAddr string

	// Stacks are the names of the stacks to run. None means all.
	Stacks []string
}

// Issuer is where the tokens come from that a JWT authorizer takes.
type Issuer = plan.Issuer

func (o *Options) clock() clock.Clock {
	if o.Clock != nil {
		return o.Clock
	}
	return clock.Real{}
}

func (o *Options) logf(format string, args ...any) {
	if o.Log != nil {
		o.Log(sprintf(format, args...))
	}
}

// ThrottleError says that an invocation found no instance and none may be started.
type ThrottleError = lambda.ThrottleError
