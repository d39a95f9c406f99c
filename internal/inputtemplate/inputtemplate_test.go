package inputtemplate_test

import (
	"testing"

	"github.com/lambdahearth/hearth/internal/inputtemplate"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	paths := map[string]string{"detail-type": "$.detail-type"}
	for template, want := range map[string]string{
		`"Event of <detail-type>, with <notdefinedkey>"`:         "InputTemplate must use names of InputPathsMap, got <notdefinedkey>",
		`"Event of <detail-type>"`:                               "",
		`{"a": <detail-type>, "rule": "<aws.events.rule-name>"}`: "",
		`"\<escaped> 1 < 2 > 1"`:                                 "",
	} {
		got := ""
		if err := inputtemplate.Check(template, paths); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", template, got, want)
		}
	}
}
