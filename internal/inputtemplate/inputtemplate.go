// Package inputtemplate reads the templates of EventBridge's input transformers. The rules
// of constructs/checks use it to find mistakes, and the local engine to refuse them.
package inputtemplate

import (
	"fmt"
	"regexp"
)

// placeholder matches an escaped character, or a placeholder whose name InputPathsMap may
// define.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html (2026-11)
var placeholder = regexp.MustCompile(`\\.|<([A-Za-z0-9_-]+)>`)

// Check returns an error if the template has a placeholder that paths does not define.
// EventBridge refuses the target: LocalStack's captures of AWS, 2026-03. Names with a
// period, such as <aws.events.rule-name>, are EventBridge's own and are not checked.
func Check[Path any](template string, paths map[string]Path) error {
	for _, found := range placeholder.FindAllStringSubmatch(template, -1) {
		if _, defined := paths[found[1]]; found[1] != "" && !defined {
			return fmt.Errorf("InputTemplate must use names of InputPathsMap, got <%s>", found[1])
		}
	}
	return nil
}
