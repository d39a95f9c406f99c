package gateway

import (
	"net/http"
	"testing"
)

func TestCanonicalHeader(t *testing.T) {
	t.Parallel()
	usual := 0
	for _, slot := range usualHeaders {
		if slot.Key != "" {
			usual++
			if got, want := canonicalHeader(slot.Key), http.CanonicalHeaderKey(slot.Key); got != want {
				t.Errorf("%s: got %s, want %s", slot.Key, got, want)
			}
		}
	}
	if usual != 38 {
		t.Errorf("%d usual headers have a slot of their own; change headerSlot", usual)
	}
	for _, key := range []string{"", "x", "X-Own", "x-own", "accept ", "ACCEPT"} {
		if got, want := canonicalHeader(key), http.CanonicalHeaderKey(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}
