// Command handler is the program of the canary example: it answers with its version.
package main

import (
	"fmt"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// version is set at build time; see stack.go.
var version = "dev"

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, version) })
	lambdaruntime.Start(&lambdaruntime.App{HTTP: mux})
}
