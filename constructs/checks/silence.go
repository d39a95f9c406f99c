package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// silenceKey is the metadata key, of a resource or of a template, that silences rules:
//
//	"Metadata": {"hearth:checks": {"mapping-visibility-retries": "jobs may run twice"}}
const silenceKey = "hearth:checks"

// silenceRule runs after all other rules.
var silenceRule = Rule{
	ID: "silence", Severity: Warning,
	Page:  "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-metadata.html",
	Fault: "A silence without a reason, which has no effect, or a silence of a rule that finds nothing there.",
}

// silence removes the findings that the stack silences, and adds findings for faults in the
// silences.
func (s *stack) silence(findings []Finding) []Finding {
	findings = silenceIn(s.template.Metadata, Finding{File: s.file}, findings)
	for _, id := range slices.Sorted(maps.Keys(s.resources)) {
		r := s.resources[id]
		findings = silenceIn(r.raw.Metadata, Finding{File: s.file, LogicalID: id, Path: r.path}, findings)
	}
	return findings
}

// silenceIn is silence for the metadata of one resource, or of the template.
func silenceIn(metadata map[string]any, at Finding, findings []Finding) []Finding {
	reasons, _ := metadata[silenceKey].(map[string]any)
	at.Rule, at.Severity = silenceRule.ID, silenceRule.Severity
	for _, rule := range slices.Sorted(maps.Keys(reasons)) {
		if reason, _ := reasons[rule].(string); strings.TrimSpace(reason) == "" {
			at.Message = fmt.Sprintf("Metadata %s.%s must be a reason, got none; say why the finding does no harm", silenceKey, rule)
			findings = append(findings, at)
			continue
		}
		before := len(findings)
		findings = slices.DeleteFunc(findings, func(f Finding) bool {
			return f.Rule == rule && f.File == at.File && f.LogicalID == at.LogicalID
		})
		if len(findings) == before {
			at.Message = fmt.Sprintf("Metadata %s must name a rule that finds something here, got %q; remove it", silenceKey, rule)
			findings = append(findings, at)
		}
	}
	return findings
}
