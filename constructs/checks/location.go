package checks

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
)

// locate sets Line and Source of findings.
func (a *app) locate(findings []Finding, made map[string]map[string]string) {
	lines := map[string]map[string]int{}
	for i := range findings {
		f := &findings[i]
		if f.LogicalID == "" {
			continue
		}
		for _, s := range a.stacks {
			if s.file != f.File {
				continue
			}
			if lines[f.File] == nil {
				lines[f.File] = resourceLines(s.data)
			}
			f.Line, f.Source = lines[f.File][f.LogicalID], made[f.File][f.LogicalID]
		}
	}
}

// resourceLines returns the line of each resource's logical id in a template, from 1.
func resourceLines(template []byte) map[string]int {
	lines := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(template))
	var skip json.RawMessage
	token := func() json.Token {
		t, err := d.Token()
		if err != nil {
			return nil
		}
		return t
	}
	if token() != json.Delim('{') {
		return lines
	}
	line, counted := 1, 0
	for d.More() {
		key, _ := token().(string)
		if key != "Resources" {
			if d.Decode(&skip) != nil {
				return lines
			}
			continue
		}
		if token() != json.Delim('{') {
			return lines
		}
		for d.More() {
			id, _ := token().(string)
			end := int(d.InputOffset())
			line += bytes.Count(template[counted:end], []byte("\n"))
			counted, lines[id] = end, line
			if d.Decode(&skip) != nil {
				return lines
			}
		}
		return lines
	}
	return lines
}

// cdkMetadata is the metadata that the CDK records for constructs, by path.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html (2026-11)
type cdkMetadata map[string][]struct {
	Type  string
	Data  any
	Trace []string
}

// readMetadata reads the file with a stack's metadata. It returns nil if it cannot read the
// file.
func readMetadata(file string) cdkMetadata {
	data, err := os.ReadFile(file)
	var m cdkMetadata
	if err != nil || json.Unmarshal(data, &m) != nil {
		return nil
	}
	return m
}

// made returns the places in the app's source code that make resources, by logical id.
func (m cdkMetadata) made() map[string]string {
	made := map[string]string{}
	for _, entries := range m {
		id, place := "", ""
		for _, e := range entries {
			switch e.Type {
			case "aws:cdk:logicalId":
				id, _ = e.Data.(string)
				if place == "" {
					place = userFrame(e.Trace)
				}
			case "aws:cdk:creationStack":
				var frames []string
				list, _ := e.Data.([]any)
				for _, frame := range list {
					if text, ok := frame.(string); ok {
						frames = append(frames, text)
					}
				}
				if found := userFrame(frames); found != "" {
					place = found
				}
			}
		}
		if id != "" && place != "" {
			made[id] = place
		}
	}
	return made
}

// frame matches a place in a stack trace: a file, a line and a column, often in parentheses.
var frame = regexp.MustCompile(`\(?([^()\s][^()]*):(\d+):\d+\)?$`)

// userFrame returns the first place of a stack trace in the app's own source code; "" if
// there is none.
func userFrame(trace []string) string {
	for _, line := range trace {
		found := frame.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil || strings.Contains(found[1], "node_modules") || strings.HasPrefix(found[1], "node:") || strings.Contains(found[1], "jsii") {
			continue
		}
		file := found[1]
		if i := strings.LastIndexByte(file, ' '); i >= 0 { // "new Shop /app/lib/shop.ts"
			file = file[i+1:]
		}
		return file + ":" + found[2]
	}
	return ""
}
