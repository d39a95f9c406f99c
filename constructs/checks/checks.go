// Package checks finds faults in synthesized CloudFormation templates before they are
// deployed: values that AWS refuses, and values that AWS accepts but that lose messages
// or fail every request.
//
//	findings, err := checks.Paths("cdk.out")
//	for _, f := range findings {
//		fmt.Println(f)
//	}
//
// The rules need the template alone: no AWS account, no CDK, and no particular language
// of the app. Intrinsic functions are followed as far as the template says their value:
// references between resources, imports from other stacks of the app, nested stacks.
// A value that only CloudFormation knows, such as a parameter, is never a finding.
//
// Metadata of a resource silences a rule with a reason:
//
//	"Metadata": {"hearth:checks": {"mapping-visibility-retries": "jobs may run twice"}}
//
// The list of rules is in docs/checks.md, and in [Rules].
package checks

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says how sure a fault is to do harm.
type Severity string

const (
	// Error is a fault that AWS refuses, or that loses messages or fails requests.
	Error Severity = "error"
	// Warning is a fault whose harm depends on load, or on the account's quotas.
	Warning Severity = "warning"
)

// Finding is one fault in a template.
type Finding struct {
	// Rule is the id of the broken rule, such as function-timeout.
	Rule string `json:"rule"`
	// Severity is the rule's.
	Severity Severity `json:"severity"`
	// File is the template, as it was named by the caller.
	File string `json:"file"`
	// LogicalID is the resource's; "" for a fault of the template as a whole.
	LogicalID string `json:"logicalId"`
	// Path is the construct path that the CDK wrote into the metadata, such as
	// Shop/Backend/Function/Resource; "" if there is none.
	Path string `json:"path"`
	// Message is the property, the bound, the value and the remedy.
	Message string `json:"message"`
	// Line is where the resource begins in File, from 1; 0 for the template as a whole.
	Line int `json:"line,omitempty"`
	// Source is where the app's source makes the resource, such as lib/shop.ts:12; "" if
	// the assembly does not say. The CDK notes it for apps in TypeScript and JavaScript
	// when CDK_DEBUG is 1 at synth.
	Source string `json:"source,omitempty"`
}

// String is the finding in one line.
func (f Finding) String() string {
	where := f.File
	if f.LogicalID != "" {
		where += ": " + f.LogicalID
	}
	if f.Path != "" {
		where += " (" + f.Path + ")"
	}
	if f.Source != "" {
		where += " at " + f.Source
	}
	return fmt.Sprintf("%s: %s: %s [%s]", where, f.Severity, f.Message, f.Rule)
}

// Rule is what a rule says of itself.
type Rule struct {
	// ID is the id that findings carry.
	ID string
	// Severity is that of all findings of the rule.
	Severity Severity
	// Fault is what the rule finds, and what AWS does with it.
	Fault string
	// Page is where AWS documents the bound; checked 2026-11.
	Page string

	// types are the resource types that each is asked about.
	types []string
	each  func(r *resource, report reporter)
	// whole is asked about each template once.
	whole func(s *stack, report reporter)
}

// reporter takes the message of a finding: "Property must be <bound>, got <value>; <remedy>".
type reporter func(message string, args ...any)

// Rules are all rules, in the order of the documentation.
func Rules() []Rule {
	return slices.Concat(functionRules, concurrencyRules, mappingRules, queueRules, apiRules, scheduleRules, deliveryRules, roleRules, stackRules, []Rule{silenceRule})
}

// Source is a template in JSON.
type Source struct {
	// Name is the file in findings. A nested stack is found by the last element of it.
	Name string
	// Data is the template.
	Data []byte
}

// Template checks one template.
func Template(name string, data []byte) ([]Finding, error) {
	return Check(Source{Name: name, Data: data})
}

// Check checks the templates of one app, whose stacks may refer to each other.
func Check(sources ...Source) ([]Finding, error) { return check(sources, nil) }

// check also takes where the app's source makes resources, by template and logical id.
func check(sources []Source, made map[string]map[string]string) ([]Finding, error) {
	a, err := parse(sources)
	if err != nil {
		return nil, err
	}
	findings := []Finding{} // its JSON is an array, be it empty
	for _, rule := range Rules() {
		for _, s := range a.stacks {
			at := Finding{Rule: rule.ID, Severity: rule.Severity, File: s.file}
			report := func(message string, args ...any) {
				for i, arg := range args {
					if text, is := arg.(string); is {
						args[i] = readable(text) // %q would escape the marks of tokens
					}
				}
				f := at
				f.Message = readable(fmt.Sprintf(message, args...))
				findings = append(findings, f)
			}
			if rule.whole != nil {
				rule.whole(s, report)
			}
			for _, t := range rule.types {
				for _, r := range s.byType[t] {
					at.LogicalID, at.Path = r.id, r.path
					rule.each(r, report)
				}
			}
		}
	}
	for _, s := range a.stacks {
		findings = s.silence(findings)
	}
	a.locate(findings, made)
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.LogicalID, b.LogicalID))
	})
	return findings, nil
}
