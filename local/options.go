package local

import (
	"io"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/local/internal/assembly"
	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/lambda"
)

// The account and region of a stack that names none.
const (
	DefaultAccount = assembly.DefaultAccount
	DefaultRegion  = assembly.DefaultRegion
)

// Options configures an [Engine]. Assembly is required.
type Options struct {
	// Assembly is the cloud assembly: the folder that cdk synth writes, cdk.out.
	Assembly string

	// Addr is the loopback address and port of the engine. "" means 127.0.0.1:0, which
	// picks a free port.
	Addr string

	// Cache is a folder that keeps built programs from one engine to the next, so that
	// the go command need not link them again. "" keeps none.
	Cache string

	// ColdStart is added to the start of each new instance, to show the effect of cold
	// starts on a program. 0 adds nothing.
	ColdStart time.Duration

	// Clock is the time of queues, schedules, event source mappings, retries, idle
	// instances, connections and expiring items. Nil means the machine's clock; with a
	// [ManualClock] a test decides. Programs run on the machine's clock, as do their
	// deadlines and timeouts. If a program writes expiry times into a table, start the
	// manual clock at time.Now().
	Clock Clock

	// Concurrency is the account's concurrency limit: the most instances of all functions
	// together, reserved concurrency included. 0 means 100.
	Concurrency int

	// Database is the URL of the database behind the RDS Proxy endpoints: postgres://… or
	// mysql://…. A program's other databases, which have a name, need DATABASE_URL_NAME in
	// Env then. "postgres" starts PostgreSQL, which must be installed, with an empty
	// database for each name in the functions' variables; they end with the engine.
	// [DatabaseAuto] does so if it can. "" leaves the database to the programs.
	Database string

	// Dir is the folder of cdk.json: the assembly's paths of handler programs are
	// relative to it. "" means the assembly's parent.
	Dir string

	// Env is set for every function and replaces the template's values. The engine then
	// need not resolve the template's value of such a variable.
	Env map[string]string

	// Environ is an environment, such as os.Environ(). Functions get only the variables
	// whose names begin with the name of a stack in capitals, such as BOOKMARKS_COLOR for
	// the stack Bookmarks.
	Environ []string

	// Faults are the deliberate failures from the start; see [ReadFaults] and
	// [Engine.SetFaults].
	Faults []Fault

	// FunctionEnv is set for single functions, by logical id or name, and takes
	// precedence over Env.
	FunctionEnv map[string]map[string]string

	// Freeze suspends instances between invocations, as Lambda does.
	Freeze bool

	// Handlers are the folders of Go programs by the functions' logical ids, for
	// functions whose source the assembly does not name.
	Handlers map[string]string

	// Hosts are further names of the app beside the loopback ones, such as a tunnel's.
	// *.example stands for all names below a domain, and * for every name. The engine
	// answers requests for other hosts with 403, because a web site can let its name
	// resolve to this machine and read the app's responses. The engine's own paths,
	// queues and tables answer only this machine, whatever Hosts is.
	Hosts []string

	// Idle is the time without invocations after which the engine retires an instance. 0
	// means 10 minutes.
	Idle time.Duration

	// Parameters are values of the templates' parameters, by name, or by stack and name as
	// in "Shop:Stage". Parameters that are not here have their defaults.
	Parameters map[string]string

	// Issuers are the issuers of JWT authorizers by logical id, for issuers that the
	// template does not resolve to here, such as a Cognito user pool.
	Issuers map[string]Issuer

	// Log gets a line for each event that users should know of: instances that do not
	// start, events that Lambda discards. Nil discards the lines.
	Log func(line string)

	// Output gets the output of the handler programs. Nil discards it.
	Output io.Writer

	// Programs are handler programs already built for this machine, by logical id. The
	// engine does not build them again.
	Programs map[string]string

	// Debug builds programs for a debugger and logs the process id of each instance. It
	// also lifts the time limits of functions and gateways, which would otherwise end a
	// process at a breakpoint.
	Debug bool

	// DynamoDBAddr is the address of the DynamoDB endpoint. "" means 127.0.0.1:0.
	DynamoDBAddr string

	// APIAddr is the address of the first API that needs its own port. Further APIs get
	// the following ports. "" means free ports.
	APIAddr string

	// SQSAddr is the address of the SQS endpoint. "" means 127.0.0.1:0.
	SQSAddr string

	// Stacks are the names of the stacks to run, their paths, stages, or patterns such as
	// Prod/*. Empty means all.
	Stacks []string
}

// Issuer is an issuer of tokens that a JWT authorizer accepts.
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

// ThrottleError is the error of an invocation for which Lambda had no free instance and
// could start none.
type ThrottleError = lambda.ThrottleError
