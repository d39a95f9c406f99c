// Package failures joins the errors of many calls into one readable error.
package failures

import (
	"fmt"
	"strings"
)

// shown is how many errors the joined text lists.
const shown = 3

// Join returns one error for errs, or nil if all of them are nil. Its text lists all
// errors when they are few, else their number and the first few. what names the things
// that failed: "messages". [errors.Is] and [errors.As] find each error.
func Join(what string, errs []error) error {
	var all joined
	for _, err := range errs {
		if err != nil {
			all.errs = append(all.errs, err)
		}
	}
	switch len(all.errs) {
	case 0:
		return nil
	case 1:
		return all.errs[0]
	}
	all.what = what
	return &all
}

type joined struct {
	what string
	errs []error
}

// Unwrap returns the errors.
func (j *joined) Unwrap() []error { return j.errs }

// Error implements error.
func (j *joined) Error() string {
	var b strings.Builder
	rest := len(j.errs) - shown
	if rest > 0 {
		fmt.Fprintf(&b, "%d %s failed, the first %d:\n", len(j.errs), j.what, shown)
	}
	for i, err := range j.errs[:min(shown, len(j.errs))] {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(err.Error())
	}
	return b.String()
}
