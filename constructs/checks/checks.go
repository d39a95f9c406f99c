// Package checks finds faults in synthesized CloudFormation templates before a deployment.
// A fault is a value that AWS refuses, or a value that AWS accepts but that loses messages
// or fails every request.
//
//	findings, err := checks.Paths("cdk.out")
//	for _, f := range findings {
//		fmt.Println(f)
//	}
//
// The rules need only the template: no AWS account and no CDK, and the app may be in any
// language. The rules resolve intrinsic functions as far as the templates give their value:
// references between resources, imports from other stacks of the app, nested stacks.
// A value that only CloudFormation knows, such as a parameter, is never a finding.
//
// Metadata of a resource silences a rule with a reason:
//
//	"Metadata": {"hearth:checks": {"mapping-visibility-retries": "jobs may run twice"}}
//
// The list of rules is in docs/rules.md, and in [Rules].
package checks

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says how certain the harm of a fault is.
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
	// Severity is the severity of the rule.
	Severity Severity `json:"severity"`
	// File is the template, as the caller named it.
	File string `json:"file"`
	// LogicalID is the logical id of the resource; "" for a fault of the whole template.
	LogicalID string `json:"logicalId"`
	// Path is the construct path that the CDK wrote into the metadata, such as
	// Shop/Backend/Function/Resource; "" if there is none.
	Path string `json:"path"`
	// Message says the property, the bound, the value and the remedy.
	Message string `json:"message"`
	// Line is the line in File at which the resource begins, from 1; 0 for the whole
	// template.
	Line int `json:"line,omitempty"`
	// Source is the place in the app's source code that makes the resource, such as
	// lib/shop.ts:12; "" if the assembly does not have it. The CDK records it for apps in
	// TypeScript and JavaScript if CDK_DEBUG is 1 at synthesis.
	Source string `json:"source,omitempty"`
}

// String returns the finding in one line.
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

// Rule is a rule that templates must keep.
type Rule struct {
	// ID is the id of the rule in findings.
	ID string
	// Severity is the severity of all findings of the rule.
	Severity Severity
	// Fault describes the fault that the rule finds, and its effect on AWS.
	Fault string
	// Page is the page on which AWS documents the bound; checked 2026-11.
	Page string

	// each checks every resource of types.
	types []string
	each  func(r *resource, report reporter)
	// whole checks each template once.
	whole func(s *stack, report reporter)
}

// reporter adds a finding. Its message is "Property must be <bound>, got <value>; <remedy>".
type reporter func(message string, args ...any)

// Rules returns all rules, in the order of the documentation.
func Rules() []Rule {
	return slices.Concat(functionRules, concurrencyRules, scalingRules, aliasRules, mappingRules, queueRules, apiRules, authorizerRules, stageRules, domainRules, scheduleRules, eventRules, deliveryRules, alarmRules, roleRules, referenceRules, stackRules, []Rule{silenceRule})
}

// Source is a template in JSON.
type Source struct {
	// Name is the File of findings. Parent stacks find a nested stack by its last element.
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

// check is Check with the places in the app's source code that make the resources, by
// template and logical id.
func check(sources []Source, made map[string]map[string]string) ([]Finding, error) {
	a, err := parse(sources)
	if err != nil {
		return nil, err
	}
	findings := []Finding{} // its JSON is an array, even if empty
	for _, rule := range Rules() {
		for _, s := range a.stacks {
			at := Finding{Rule: rule.ID, Severity: rule.Severity, File: s.file}
			report := func(message string, args ...any) {
				for i, arg := range args {
					if text, is := arg.(string); is {
						args[i] = readable(text) // %q would escape the delimiters of tokens
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
