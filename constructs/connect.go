package hearth

import (
	"fmt"
	"reflect"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

// Client can be connected to a queue, a database or an API. It is an awslambda.Function,
// a [Handler], or a [Backend] with all functions of its program.
//
// A Grant method takes any grantee, and gives it only the permission. A Connect method
// gives a client the permission, the network access, and the environment variables with
// which the packages of lambdaruntime find the resource.
type Client interface {
	awsec2.IConnectable
	awsiam.IGrantable

	// AddEnvironment adds an environment variable.
	AddEnvironment(key *string, value *string, options *awslambda.EnvironmentOptions) awslambda.Function
}

// ConnectOptions refine a connection.
type ConnectOptions struct {
	// Name distinguishes this connection from others of the same kind in the program: up
	// to 40 letters, digits, "-" and "_". The program gives the same name to the package
	// that connects: postgres.Options.Connection, mysql.Options.Connection,
	// connections.Named, registry.Named, relay.Named. For a queue it is the logical name
	// that the program sends to.
	//
	// @default - none; for a queue, its own logical name
	Name *string
}

// https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html (2026-11)
var connectionNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// name returns the name of a connection, or panics.
func (o *ConnectOptions) name(c construct) string {
	if o == nil || o.Name == nil {
		return ""
	}
	r := &rules{where: "ConnectOptions"}
	name := textOf(o.Name)
	switch {
	case name.standIn != "":
		return name.standIn
	case !name.known:
		r.breaks("Name", "must be a plain string, got a token; it is part of the name of a variable")
	case !connectionNamePattern.MatchString(name.value):
		r.breaks("Name", "must be 1 to 40 letters, digits, - and _, got %q; rename it", name.value)
	}
	refuse(c, r.broken)
	return name.value
}

// functionsOf returns the functions of a client.
func functionsOf(client Client) []awslambda.Function {
	switch c := client.(type) {
	case *Backend:
		if c == nil {
			return nil
		}
		functions := make([]awslambda.Function, 0, 2)
		for _, h := range c.handlers() {
			functions = append(functions, h.Function)
		}
		return functions
	case *Handler:
		if c == nil {
			return nil
		}
		return []awslambda.Function{c.Function}
	case awslambda.Function:
		return []awslambda.Function{c}
	}
	return nil
}

// aliasesOf returns the known aliases that invoke the functions of a client.
func aliasesOf(client Client) []awslambda.Alias {
	var aliases []awslambda.Alias
	switch c := client.(type) {
	case *Backend:
		for _, h := range c.handlers() {
			aliases = append(aliases, h.Alias)
		}
	case *Handler:
		aliases = append(aliases, c.Alias)
	}
	return aliases
}

// connect runs connect for each function of a client, and combines the grants. region is
// that of the resource. The packages of lambdaruntime call it in the region of their
// function, so the two must be equal.
func connect(c construct, region text, client Client, connect func(fn awslambda.Function) awsiam.Grant) awsiam.Grant {
	functions := functionsOf(client)
	r := &rules{where: "Client"}
	if len(functions) == 0 {
		refuse(c, []error{r.brokenRule("Function", "must be an awslambda.Function, a Handler or a Backend, got %s; pass the function", kindOfClient(client))})
	}
	for _, fn := range functions {
		if is := appOf(c).placeOf(fn).region; region.known && is.known && is.value != region.value {
			refuse(c, []error{r.brokenRule("Function", "must be in %s, the region of what it connects to, got %s in %s; the program calls in the region of its function: create one there", region.value, pathOf(fn), is.value)})
		}
	}
	grant := connect(functions[0])
	for _, fn := range functions[1:] {
		grant = grant.Combine(connect(fn))
	}
	return grant
}

func kindOfClient(client Client) string {
	if v := reflect.ValueOf(client); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return "nil"
	}
	return fmt.Sprintf("%T", client)
}
