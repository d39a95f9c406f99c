// Command draw draws the pictures of the documentation again:
//
//	go run ./docs/draw
package main

import (
	"log"
	"os"
	"path/filepath"
)

// pictures are the files in docs, with what draws them.
var pictures = map[string]func() *picture{
	"overview.svg":    overview,
	"concurrency.svg": concurrency,
}

func main() {
	for name, draw := range pictures {
		if err := os.WriteFile(filepath.Join("docs", name), []byte(draw().String()), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
