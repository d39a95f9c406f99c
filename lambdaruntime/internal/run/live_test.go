package run

import (
	"slices"
	"testing"
)

func TestCandidates(t *testing.T) {
	t.Parallel()
	_, first := WithScope(t.Context(), "first")
	_, second := WithScope(t.Context(), "second")
	// This test is a function of the package, like the functions that run handlers.
	if got := Candidates(); !slices.Contains(got, first) || !slices.Contains(got, second) {
		t.Errorf("got %v, want both scopes", got)
	}
	first.End(nil)
	if got := Candidates(); slices.Contains(got, first) || !slices.Contains(got, second) {
		t.Errorf("got %v, want the second scope alone", got)
	}
	second.End(nil)
}
