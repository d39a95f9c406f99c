package similar

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	all := []string{"emails", "e-mails", "screenshots", "ledger", "Émigré", "ab"}
	for name, want := range map[string][]string{
		"emails": {"emails", "e-mails"},
		"EMAIL":  {"emails", "e-mails"},
		"emial":  nil, // three letters away
		"ledgre": {"ledger"},
		"screen": {"screenshots"},
		"emigre": {"Émigré"},
		"orders": nil,
		"xy":     nil,
		"":       nil,
	} {
		if got := Names(name, all); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"queue", "queue", 0}} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("%q, %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
