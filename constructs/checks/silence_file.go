package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Silence silences findings with a reason, in a file instead of a template's metadata:
//
//	[{"rule": "mapping-visibility-retries", "at": "Shop/Jobs/Resource", "reason": "jobs may run twice"}]
type Silence struct {
	// Rule is the rule's id.
	Rule string `json:"rule"`
	// At is the construct path or the logical id of the resource. A "*" at the end makes it
	// a prefix; "" is the whole template.
	At string `json:"at"`
	// Reason says why the finding does no harm. It is required.
	Reason string `json:"reason"`
}

// SilencesFile is the name of the file of silences beside cdk.json, which hearth check and
// hearth dev read if it exists.
const SilencesFile = "hearth-checks.json"

// ReadSilences reads a file with an array of silences.
func ReadSilences(file string) ([]Silence, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var silences []Silence
	if err := d.Decode(&silences); err != nil {
		return nil, fmt.Errorf("read silences %s: must be an array of objects with rule, at and reason, got %w", file, err)
	}
	return silences, nil
}

// Apply removes the findings that silences name. It ignores a silence without a reason, and
// adds a finding for it. It also adds a finding for a silence that matches nothing. file is
// the file of the silences.
func Apply(silences []Silence, file string, findings []Finding) []Finding {
	used := make([]bool, len(silences))
	kept := []Finding{}
	for _, f := range findings {
		silenced := false
		for i, s := range silences {
			if s.matches(f) {
				used[i] = true
				silenced = silenced || strings.TrimSpace(s.Reason) != ""
			}
		}
		if !silenced {
			kept = append(kept, f)
		}
	}
	for i, s := range silences {
		f := Finding{Rule: silenceRule.ID, Severity: silenceRule.Severity, File: file}
		switch {
		case strings.TrimSpace(s.Reason) == "":
			f.Message = fmt.Sprintf("the silence of %q at %q must have a reason, got none; say why the finding does no harm", s.Rule, s.At)
		case !used[i]:
			f.Message = fmt.Sprintf("a silence must name a rule that finds something, got %q at %q; remove it", s.Rule, s.At)
		default:
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

func (s Silence) matches(f Finding) bool {
	if s.Rule != f.Rule {
		return false
	}
	if prefix, ok := strings.CutSuffix(s.At, "*"); ok {
		return strings.HasPrefix(f.Path, prefix) || strings.HasPrefix(f.LogicalID, prefix)
	}
	return s.At == f.LogicalID || s.At == f.Path && f.Path != ""
}
