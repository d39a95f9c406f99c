package idempotency_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
)

func ExampleHTTP() {
	once := idempotency.New("orders", store, idempotency.Options{})
	orders := 0
	create := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		orders++
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "order %d", orders)
	})
	api := idempotency.HTTP(once, create, idempotency.HTTPOptions{Required: true})

	send := func(key, body string) {
		r := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Idempotent-Replayed"), w.Body)
	}
	send(`"8e03978e"`, "tea")
	send(`"8e03978e"`, "tea")
	send(`"8e03978e"`, "coffee")
	send("", "tea")
	// Output:
	// 201  order 1
	// 201 true order 1
	// 422  {"detail":"this key was used with another request; make a new key for each operation","status":422,"title":"Unprocessable Entity"}
	// 400  {"detail":"a POST needs the header Idempotency-Key; make a new key for each operation, and send it again with each repetition","status":400,"title":"Bad Request"}
}
