package run_test

import (
	"testing"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/run"
)

func TestCandidatesOnOtherGoroutines(t *testing.T) {
	t.Parallel()
	_, scope := run.WithScope(t.Context(), "request")
	defer scope.End(nil)
	if got := run.Candidates(); got != nil {
		t.Errorf("got %v on a goroutine that runs no handler, want none", got)
	}
}
