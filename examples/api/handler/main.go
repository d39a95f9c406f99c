// Command handler is the whole backend. It serves the App that app returns, and the
// constructs make the infrastructure from that App.
package main

import (
	"fmt"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() { lambdaruntime.Start(app()) }

func app() *lambdaruntime.App {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", hello)
	return &lambdaruntime.App{HTTP: mux}
}

// hello answers GET /hello/{name}.
func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello, %s!\n", r.PathValue("name"))
}
