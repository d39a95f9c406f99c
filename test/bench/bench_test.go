package main

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

func benchmark(b *testing.B, h lambda.Handler, event []byte) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), event); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHTTPHearth(b *testing.B)    { benchmark(b, hearthHTTP(), httpEvent()) }
func BenchmarkHTTPTyped(b *testing.B)     { benchmark(b, typedHTTP(), httpEvent()) }
func BenchmarkHTTPProxy(b *testing.B)     { benchmark(b, proxyHTTP(), httpEvent()) }
func BenchmarkSQSHearth(b *testing.B)     { benchmark(b, hearthSQS(), sqsEvent()) }
func BenchmarkSQSTyped(b *testing.B)      { benchmark(b, typedSQS(), sqsEvent()) }
func BenchmarkSQSJSONHearth(b *testing.B) { benchmark(b, hearthSQSJSON(), sqsEvent()) }
func BenchmarkSQSJSONTyped(b *testing.B)  { benchmark(b, typedSQSJSON(), sqsEvent()) }
