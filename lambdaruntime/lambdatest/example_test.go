package lambdatest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

func hello() *lambdaruntime.App {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s!", r.PathValue("name"))
	})
	return &lambdaruntime.App{HTTP: mux}
}

// A handler test is three lines.
func ExampleNew() {
	_ = func(t *testing.T) {
		resp := lambdatest.New(t, hello()).HTTP(httptest.NewRequest("GET", "/hello/Anna", nil))
		if body, _ := io.ReadAll(resp.Body); string(body) != "Hello, Anna!" {
			t.Errorf("got %s", body)
		}
	}
}

// A test of a streaming handler is as short.
func ExampleBackend_Stream() {
	_ = func(t *testing.T) {
		lines := bufio.NewScanner(lambdatest.New(t, hello()).Stream(httptest.NewRequest("GET", "/hello/Anna", nil)).Body)
		if lines.Scan(); lines.Text() != "Hello, Anna!" {
			t.Errorf("got %s", lines.Text())
		}
	}
}

// Events work with any Lambda handler, such as the router itself.
func ExampleHTTPv2() {
	handler, err := lambdaruntime.NewHandler(hello())
	if err != nil {
		panic(err)
	}
	response, err := handler.Invoke(context.Background(), lambdatest.HTTPv2(httptest.NewRequest("GET", "/hello/Anna", nil)))
	fmt.Println(string(response), err)
	// Output: {"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"Hello, Anna!","isBase64Encoded":false} <nil>
}
