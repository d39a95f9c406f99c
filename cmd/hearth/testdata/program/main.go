// Command program is a small handler program.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() {
	lambdaruntime.Start(&lambdaruntime.App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, os.Getenv("GREETING"))
	})})
}
