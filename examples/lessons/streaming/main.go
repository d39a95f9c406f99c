// Command streaming sends a response while the handler writes it: the client gets the first
// line long before the last.
package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /countdown", countdown)
	lambdaruntime.Start(&lambdaruntime.App{HTTP: mux})
}

func countdown(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	for n := 3; n > 0; n-- {
		fmt.Fprintln(w, n)
		if err := out.Flush(); err != nil {
			return // the client is gone, or the request took too long
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	fmt.Fprintln(w, "go")
}
