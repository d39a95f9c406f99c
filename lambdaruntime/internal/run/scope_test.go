package run

import (
	"context"
	"errors"
	"testing"
)

func TestScope(t *testing.T) {
	t.Parallel()
	ctx, s := WithScope(t.Context(), "request")
	var got []error
	note := func(cause error) { got = append(got, cause) }
	s.OnEnd(note)
	if cancel := s.OnEnd(func(error) { t.Error("a hook that was taken back was called") }); !cancel() || cancel() {
		t.Error("cancel must report true once")
	}
	late := errors.New("late")
	s.End(late)
	s.End(nil)
	if cancel := s.OnEnd(note); cancel() {
		t.Error("a hook that was called at once cannot be taken back")
	}
	if len(got) != 2 || got[0] != late || got[1] != late {
		t.Errorf("hooks got %v, want the cause twice", got)
	}
	if ScopeOf(context.WithoutCancel(ctx)) != s || ScopeOf(WithoutScope(ctx)) != nil || ScopeOf(t.Context()) != nil {
		t.Error("a derived context must belong to the scope, and no other")
	}
}
