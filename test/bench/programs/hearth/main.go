// Command hearth is the same program with the Hearth runtime.
package main

import (
	"io"
	"net/http"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

func main() {
	lambdaruntime.Start(&lambdaruntime.App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	})})
}
