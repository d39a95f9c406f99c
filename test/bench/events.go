package main

import (
	"encoding/json"
	"fmt"
)

// httpEvent returns an HTTP API event in payload format 2.0 of about 2 KB, with the headers
// of a browser.
func httpEvent() []byte {
	return mustJSON(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": "/bookmarks/01JD8Z", "rawQueryString": "tag=go&tag=aws&limit=50",
		"cookies": []string{"session=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", "theme=dark"},
		"headers": map[string]string{
			"accept":            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
			"accept-encoding":   "gzip, deflate, br, zstd",
			"accept-language":   "en-GB,en;q=0.9,de;q=0.8",
			"content-length":    "61",
			"content-type":      "application/json",
			"host":              "abc123.execute-api.eu-central-1.amazonaws.com",
			"origin":            "https://example.com",
			"referer":           "https://example.com/bookmarks?tag=go",
			"sec-fetch-mode":    "cors",
			"user-agent":        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
			"x-amzn-trace-id":   "Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5",
			"x-forwarded-for":   "203.0.113.7",
			"x-forwarded-port":  "443",
			"x-forwarded-proto": "https",
		},
		"queryStringParameters": map[string]string{"tag": "go,aws", "limit": "50"},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "abc123", "domainName": "abc123.execute-api.eu-central-1.amazonaws.com", "domainPrefix": "abc123",
			"http": map[string]any{
				"method": "PUT", "path": "/bookmarks/01JD8Z", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
				"userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
			},
			"requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default", "time": "23/Nov/2026:08:15:04 +0000", "timeEpoch": 1795421704000,
		},
		"body":            `{"url":"https://go.dev/blog","title":"The Go Blog","tags":[]}`,
		"isBase64Encoded": false,
	})
}

// sqsEvent returns a batch of ten messages, of about 14 KB in total.
func sqsEvent() []byte {
	var records []map[string]any
	for i := range 10 {
		body := mustJSON(job{URL: fmt.Sprintf("https://example.com/pages/%d?from=%0600d", i, i), Owner: "user-1", Tags: []string{"go", "aws"}})
		records = append(records, map[string]any{
			"messageId":     fmt.Sprintf("19dd0b57-b21e-4ac1-bd88-01bbb068cb%02d", i),
			"receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a" + fmt.Sprintf("%0200d", i),
			"body":          string(body),
			"attributes": map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "1795421704123", "SenderId": "AROAEXAMPLE:i-0a1b2c3d4e5f60718", "ApproximateFirstReceiveTimestamp": "1795421704200",
			},
			"messageAttributes": map[string]any{},
			"md5OfBody":         "e4e68fb7bd0e697a0ae8f1bb342846b3",
			"eventSource":       "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:jobs", "awsRegion": "eu-central-1",
		})
	}
	return mustJSON(map[string]any{"Records": records})
}

type job struct {
	URL   string   `json:"url"`
	Owner string   `json:"owner"`
	Tags  []string `json:"tags"`
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
