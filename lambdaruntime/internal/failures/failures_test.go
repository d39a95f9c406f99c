package failures

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		1:   "error 0",
		3:   "error 0\nerror 1\nerror 2",
		4:   "4 messages failed, the first 3:\nerror 0\nerror 1\nerror 2",
		966: "966 messages failed, the first 3:\nerror 0\nerror 1\nerror 2",
	} {
		errs := []error{nil}
		for i := range n {
			errs = append(errs, fmt.Errorf("error %d", i), nil)
		}
		if err := Join("messages", errs); err == nil || err.Error() != want {
			t.Errorf("%d errors: got\n%v\nwant\n%s", n, err, want)
		}
	}
	if err := Join("messages", []error{nil, nil}); err != nil {
		t.Errorf("no errors: got %v", err)
	}
	if err := Join("messages", []error{nil, errors.New("a"), errors.New("b"), errors.New("c"), io.EOF}); !errors.Is(err, io.EOF) {
		t.Error("an error that is not shown is not found")
	}
}
