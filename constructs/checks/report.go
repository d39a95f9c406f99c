package checks

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
)

// GitHub returns the finding as a workflow command of GitHub Actions. GitHub shows the
// finding beside its place in the app's source code, or in the template if the former is
// unknown.
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions (2026-11)
func (f Finding) GitHub() string {
	file, line := f.place()
	command := "::" + string(f.Severity) + " file=" + property(file)
	if line > 0 {
		command += ",line=" + strconv.Itoa(line)
	}
	return command + ",title=" + property(f.Rule) + "::" + escape(f.String())
}

// escape escapes text for the message of a workflow command, which is one line.
func escape(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property is escape for a property, which stands before the second "::".
func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escape(text))
}

// place returns the file and line to show to a reader; line is 0 if it is unknown.
func (f Finding) place() (file string, line int) {
	if i := strings.LastIndexByte(f.Source, ':'); i > 0 {
		if n, err := strconv.Atoi(f.Source[i+1:]); err == nil {
			return f.Source[:i], n
		}
	}
	return f.File, f.Line
}

// The parts of SARIF 2.1.0 that code scanning reads. A complete library would write some
// forty empty fields for each finding.
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support (2026-11)
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		HelpURI          string    `json:"helpUri"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		// Fingerprints identify the finding when lines have moved.
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
		Logical []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// SARIF returns findings as a log in SARIF 2.1.0, which code scanning services read. The
// place of each finding is in the app's source code, or in the template if the former is
// unknown.
func SARIF(findings []Finding) ([]byte, error) {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "hearth check", InformationURI: "https://github.com/lambdahearth/hearth"}
	index := map[string]int{}
	for i, rule := range Rules() {
		index[rule.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{rule.ID, sarifText{rule.Fault}, rule.Page})
	}
	for _, f := range findings {
		result := sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: string(f.Severity), Message: sarifText{f.Message},
			Fingerprints: map[string]string{"resource/v1": f.Rule + " " + filepath.Base(f.File) + " " + f.LogicalID},
		}
		file, line := f.place()
		var at sarifLocation
		at.Physical.Artifact.URI = filepath.ToSlash(file)
		if line > 0 {
			at.Physical.Region = &sarifRegion{line}
		}
		if name := f.Path; name != "" || f.LogicalID != "" {
			if name == "" {
				name = f.LogicalID
			}
			at.Logical = []sarifLogical{{name, "resource"}}
		}
		result.Locations = []sarifLocation{at}
		run.Results = append(run.Results, result)
	}
	return json.MarshalIndent(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}, "", "  ")
}
