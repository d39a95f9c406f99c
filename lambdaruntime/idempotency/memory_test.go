package idempotency_test

import (
	"testing"

	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/internal/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(_ *testing.T, clock *storetest.Clock) idempotency.Store {
		return idempotency.NewMemory(clock.Now)
	})
}
