package work

import (
	"context"
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	t.Parallel()
	base, cancel := context.WithCancel(t.Context())
	defer cancel()
	timed, cancelTimed := context.WithTimeout(base, time.Hour)
	defer cancelTimed()
	request := context.WithValue(timed, Key{}, timed)
	part, cancelPart := context.WithTimeout(request, time.Minute)
	defer cancelPart()
	ended, end := context.WithCancel(request)
	end()
	detached := context.WithoutCancel(request)
	longer, cancelLonger := context.WithTimeout(detached, 2*time.Hour)
	defer cancelLonger()
	endless := context.WithValue(base, Key{}, base)
	for name, c := range map[string]struct{ ctx, want context.Context }{
		"no work":                     {base, base},
		"the request's":               {request, timed},
		"a part of it":                {part, timed},
		"an ended part":               {ended, timed},
		"detached":                    {detached, detached},
		"detached, for a longer time": {longer, longer},
		"work without an end":         {endless, endless},
	} {
		if got := Of(c.ctx); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
