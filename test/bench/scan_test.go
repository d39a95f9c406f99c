package main

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// There are two ways to scan an event without reflection. One is the runtime's own scanner,
// in the pass over the payload that detection makes. The other is jsontext, the tokenizer
// of encoding/json/v2: it reads every token (the minimum for any decoder on top of it), or
// skips the top-level values.

func BenchmarkScanOwn(b *testing.B) {
	for name, event := range map[string][]byte{"HTTP": httpEvent(), "SQS": sqsEvent()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if lambdaruntime.Detect(event) == lambdaruntime.KindUnknown {
					b.Fatal("unknown")
				}
			}
		})
	}
}

func BenchmarkScanJSONText(b *testing.B) {
	for name, event := range map[string][]byte{"HTTP": httpEvent(), "SQS": sqsEvent()} {
		b.Run(name+"/tokens", func(b *testing.B) {
			b.ReportAllocs()
			dec := jsontext.NewDecoder(new(bytes.Buffer))
			for b.Loop() {
				dec.Reset(bytes.NewBuffer(event))
				for {
					_, err := dec.ReadToken()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(name+"/skip", func(b *testing.B) {
			b.ReportAllocs()
			dec := jsontext.NewDecoder(new(bytes.Buffer))
			for b.Loop() {
				dec.Reset(bytes.NewBuffer(event))
				if _, err := dec.ReadToken(); err != nil { // {
					b.Fatal(err)
				}
				for dec.PeekKind() != '}' {
					if err := dec.SkipValue(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
