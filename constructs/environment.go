package hearth

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// construct is any construct, in messages about it.
type construct = constructs.Construct

// environment holds the variables that this package's constructs set on one function.
type environment struct {
	function  awslambda.Function
	variables map[string]variable
	queues    []connectedQueue
	// partial are the queues that take partial responses, and told is the variable for them.
	partial []string
	told    string
	// rest is a REST API in front of the function.
	rest *RestApi
}

// variable is a value, and the construct that it leads to.
type variable struct {
	value string
	by    construct
}

// connectedQueue is a queue with the program's name for it.
type connectedQueue struct {
	name string
	*Queue
}

// environmentOf returns the variables of a function.
func (a *app) environmentOf(fn awslambda.Function) *environment {
	e := a.environments[fn]
	if e == nil {
		e = &environment{function: fn, variables: map[string]variable{}}
		a.environments[fn] = e
	}
	return e
}

// set sets a variable for a construct. It panics if another construct has set a different
// value.
func (e *environment) set(by construct, name string, value *string) {
	before, isSet := e.variables[name]
	if isSet && before.value != *value && before.by != by {
		e.refuse(by, name, before.by)
	}
	e.variables[name] = variable{*value, by}
	if !isSet || before.value != *value {
		e.function.AddEnvironment(&name, value, nil)
	}
}

// setByUser records a variable of the Environment that the function was created with.
func (e *environment) setByUser(by construct, name string, value *string) {
	e.variables[name] = variable{*value, by}
}

// addByUser records a variable that the user adds, and panics if it breaks a rule.
func (e *environment) addByUser(by construct, key, value *string) {
	r := &rules{where: "AddEnvironment"}
	if key == nil {
		r.breaks("key", "must be the name of a variable, got nil; pass one")
		refuse(by, r.broken)
	}
	checkVariable(r, "key", *key, value)
	refuse(by, r.broken)
	if v, isSet := e.variables[*key]; isSet && v.by != by && v.value != *value {
		e.refuse(by, *key, v.by)
	}
	if len(e.queues) > 0 && (*key == wire.EnvQueues || *key == wire.EnvPartialResponses) {
		e.refuse(by, *key, e.queues[0].Queue)
	}
	e.setByUser(by, *key, value)
}

func (e *environment) refuse(by construct, what string, other construct) {
	refuse(by, []error{fmt.Errorf("%s of %s must lead to one construct, got %s and %s; give one of the connections a name with ConnectOptions.Name, by which the program tells them apart",
		what, *e.function.Node().Path(), *other.Node().Path(), *by.Node().Path())})
}

// addQueue adds the URL of a queue to HEARTH_QUEUES, under the program's name for it.
func (e *environment) addQueue(name string, q *Queue) {
	i, known := slices.BinarySearchFunc(e.queues, name, func(c connectedQueue, name string) int { return cmp.Compare(c.name, name) })
	if known {
		if other := e.queues[i].Queue; other != q && other.urlOf() != q.urlOf() {
			e.refuse(q, fmt.Sprintf("the queue %q", name), e.queues[i].Queue)
		}
		return
	}
	if v, given := e.variables[wire.EnvQueues]; given {
		e.refuse(q, wire.EnvQueues, v.by)
	}
	e.queues = slices.Insert(e.queues, i, connectedQueue{name, q})
	urls := make([]wire.QueueURL, len(e.queues))
	var place awscdk.Stack
	for i, c := range e.queues {
		url, name, at := c.address()
		urls[i] = wire.QueueURL{Name: c.name, URL: url}
		if at == place && at != nil {
			urls[i].URL = name
		}
		place = at
	}
	e.function.AddEnvironment(jsii.String(wire.EnvQueues), e.shorten(wire.FormatQueues(urls)), nil)
	e.tellPartial()
}

// shorten replaces the common prefix of many queues' names: the stack, and the path to
// them. CloudFormation does it, because it alone knows the names. A name that is too long
// for a common prefix stays as it is.
func (e *environment) shorten(queues string) *string {
	if len(e.queues) <= fewQueues {
		return &queues
	}
	stack := e.function.Stack()
	name := textOf(stack.StackName())
	if !name.known {
		return &queues
	}
	prefix := ""
	for _, c := range e.queues {
		id := c.logicalID()
		if id == "" {
			continue
		}
		if prefix == "" {
			prefix = id
		}
		for !strings.HasPrefix(id, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	prefix = name.value + "-" + prefix
	replaced := awscdk.Fn_Join(jsii.String(wire.QueuesPrefix), awscdk.Fn_Split(&prefix, &queues, nil))
	return jsii.String(wire.QueuesPrefix + "=" + prefix + "," + *replaced)
}

// addPartial records for the program that a queue's mapping takes partial responses.
func (e *environment) addPartial(name string) {
	i, known := slices.BinarySearch(e.partial, name)
	if known {
		return
	}
	e.partial = slices.Insert(e.partial, i, name)
	e.tellPartial()
}

// tellPartial sets the variable of the queues that take partial responses. With many
// queues, their names in two variables would be too long.
func (e *environment) tellPartial() {
	value := strings.Join(e.partial, ",")
	if len(e.queues) > fewQueues && len(e.queues) == len(e.partial) {
		value = wire.AllQueues
	}
	if value != e.told {
		e.function.AddEnvironment(jsii.String(wire.EnvPartialResponses), &value, nil)
		e.told = value
	}
}
