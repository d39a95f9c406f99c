package run

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// live are the scopes that have not ended.
var live struct {
	sync.Mutex
	scopes map[*Scope]struct{}
}

func (s *Scope) enlist() {
	live.Lock()
	defer live.Unlock()
	if live.scopes == nil {
		live.scopes = map[*Scope]struct{}{}
	}
	live.scopes[s] = struct{}{}
}

func (s *Scope) delist() {
	live.Lock()
	defer live.Unlock()
	delete(live.scopes, s)
}

// Candidates returns the scopes that the calling code may belong to when no context names
// its scope: all scopes that have not ended, if this package runs a handler on the
// goroutine. The code belongs to one of them, unless its handler was abandoned. On any
// other goroutine, such as one that the program has started itself, there are none.
func Candidates() []*Scope {
	if !inHandler() {
		return nil
	}
	live.Lock()
	defer live.Unlock()
	return slices.Collect(maps.Keys(live.scopes))
}

// functions is the prefix of the names of this package's functions.
const functions = "github.com/lambdahearth/hearth/lambdaruntime/internal/run."

// inHandler reports whether a function of this package, other than these two, is
// among the callers.
func inHandler() bool {
	var pcs [64]uintptr
	for skip := 3; ; skip += len(pcs) { // Callers, inHandler, Candidates
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for {
			frame, more := frames.Next()
			if strings.HasPrefix(frame.Function, functions) {
				return true
			}
			if !more {
				break
			}
		}
	}
}
