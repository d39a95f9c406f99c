package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

const answer = `{"id":"01JD8Z","url":"https://go.dev/blog","title":"The Go Blog","tags":["go"],"state":"stored"}`

// serve is the handler in every HTTP measurement: it reads the body, checks a header, and
// answers with JSON.
var serve = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil || r.Header.Get("Content-Type") == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, answer)
})

func hearthHTTP() lambda.Handler {
	h, err := lambdaruntime.NewHandler(&lambdaruntime.App{HTTP: serve})
	if err != nil {
		panic(err)
	}
	return h
}

func typedHTTP() lambda.Handler {
	return lambda.NewHandler(func(_ context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if e.Headers["content-type"] == "" {
			return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/json"}, Body: answer}, nil
	})
}

func proxyHTTP() lambda.Handler {
	return lambda.NewHandler(httpadapter.NewV2(serve).ProxyWithContext)
}

// hearthSQS and typedSQS check each body. The other handlers also decode its JSON, which
// takes encoding/json the same time on both sides.
func hearthSQS() lambda.Handler {
	jobs := lambdaruntime.Queue[string]{Name: "jobs"}
	return mustHandler(jobs.Consume(func(_ context.Context, j *lambdaruntime.Job[string]) error { return look(j.Payload) }))
}

func hearthSQSJSON() lambda.Handler {
	jobs := lambdaruntime.Queue[job]{Name: "jobs"}
	return mustHandler(jobs.Consume(func(_ context.Context, j *lambdaruntime.Job[job]) error { return look(j.Payload.Owner) }))
}

func mustHandler(c lambdaruntime.Consumer) lambda.Handler {
	h, err := lambdaruntime.NewHandler(&lambdaruntime.App{Queues: []lambdaruntime.Consumer{c}})
	if err != nil {
		panic(err)
	}
	return h
}

func typedSQS() lambda.Handler {
	return typedBatch(func(m events.SQSMessage) error { return look(m.Body) })
}

func typedSQSJSON() lambda.Handler {
	return typedBatch(func(m events.SQSMessage) error {
		var j job
		if err := json.Unmarshal([]byte(m.Body), &j); err != nil {
			return err
		}
		return look(j.Owner)
	})
}

func typedBatch(work func(m events.SQSMessage) error) lambda.Handler {
	return lambda.NewHandler(func(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range e.Records {
			if err := work(m); err != nil {
				response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return response, nil
	})
}

func look(s string) error {
	if s == "" {
		return io.ErrUnexpectedEOF
	}
	return nil
}
