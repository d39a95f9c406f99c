// Package test holds the tests that span packages: built programs run as real
// processes, the example synthesized by the real CDK, and the import fences.
package test

import (
	"fmt"
	"os"
	"testing"
)

// builds is where programs are built, once for all tests.
var builds string

func TestMain(m *testing.M) {
	var err error
	if builds, err = os.MkdirTemp("", "hearth-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(builds)
	os.Exit(code)
}
