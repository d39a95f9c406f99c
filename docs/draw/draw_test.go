package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPictures: the files are what the program draws, and are well-formed.
func TestPictures(t *testing.T) {
	t.Parallel()
	for name, draw := range pictures {
		want := draw().String()
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil || string(got) != want {
			t.Errorf("%s is not what go run ./docs/draw draws: %v", name, err)
		}
		for d := xml.NewDecoder(strings.NewReader(want)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
}

// TestConcurrency: the picture shows what it says: spill-over with a cold start, a request
// that is refused, and a queue that waits within its share.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	lanes, refused, waited := simulate()
	if len(lanes) != reserved || len(refused) == 0 || len(waited) == 0 {
		t.Errorf("%d lanes, refused %v, waited %v", len(lanes), refused, waited)
	}
	for at := range steps + 20 {
		jobs := 0
		for i, lane := range lanes {
			for _, b := range lane.bars {
				if b.class == "init" && i < provisioned {
					t.Errorf("a provisioned instance starts cold at %d", b.from)
				}
				if b.class == "job" && b.from <= at && at < b.to {
					jobs++
				}
			}
		}
		if jobs > maxConcurrency {
			t.Errorf("%d batches at %d", jobs, at)
		}
	}
}
