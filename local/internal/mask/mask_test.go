package mask

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"a header":          {`{"headers":{"Authorization":"Bearer abc"}}`, `{"headers":{"Authorization":"••••••1•"}}`},
		"lists":             {`{"cookies":["a=1","b=2"]}`, `{"cookies":["••••••1•","••••••2•"]}`},
		"everything below":  {`{"secrets":{"a":"x","b":["y"]}}`, `{"secrets":{"a":"••••••1•","b":["••••••2•"]}}`},
		"in a body":         {`{"body":"{\"user\":\"a\",\"password\":\"p\\\"q\"}"}`, `{"body":"{\"user\":\"a\",\"password\":\"••••••1•\"}"}`},
		"big integers":      {`{ "id": 12345678901234567890.10,"token":"x"}`, `{ "id": 12345678901234567890.10,"token":"••••••1•"}`},
		"a query":           {`{"rawQueryString":"a=1&token=xyz&b=2"}`, `{"rawQueryString":"a=1&token=••••••1•&b=2"}`},
		"a token somewhere": {`{"x":"eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"}`, `{"x":"••••••1•"}`},
		"a form's query":    {`{"x":"client_secret=a&apiKey=b&next=c&X-Amz-Signature=d"}`, `{"x":"client_secret=••••••1•&apiKey=••••••2•&next=c&X-Amz-Signature=••••••3•"}`},
		"a form":            {`{"body": "` + base64Of("user=anna&password=pw") + `","isBase64Encoded":true}`, `{"body": "••••••1•","isBase64Encoded":true}`},
		"JSON in base64":    {`{"body":"` + base64Of(`{"user":"anna","refresh_token":"x"}`) + `","n":1}`, `{"body":"••••••1•","n":1}`},
		"base64 without":    {`{"body":"` + base64Of("user=anna&page=2") + `"}`, `{"body":"` + base64Of("user=anna&page=2") + `"}`},
		"bytes in base64":   {`{"body":"` + base64Of("\xff\x00password=pw") + `"}`, `{"body":"` + base64Of("\xff\x00password=pw") + `"}`},
		"a body of null":    {`{"body":null,"token":"x"}`, `{"body":null,"token":"••••••1•"}`},
		"a URL":             {`{"x":"postgres://me:pw@host/db"}`, `{"x":"postgres://me:••••••1•@host/db"}`},
		"an escape after":   {`{"x":"token=abc\"d"}`, `{"x":"token=••••••1•\"d"}`},
		"nothing":           {`{"token_count":3,"tokens":[1],"x":""}`, `{"token_count":3,"tokens":[1],"x":""}`},
		"empty":             {`{"password":"","list":[],"o":{}}`, `{"password":"","list":[],"o":{}}`},
		"not JSON":          {`failed: Authorization: Basic dXNlcjpwdw==`, `failed: Authorization: Basic ••••••1•`},
		"a scalar":          {`12345678901234567890`, `12345678901234567890`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, hidden := JSON([]byte(c.in))
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if back := Restore(got, hidden); back != c.in {
				t.Errorf("restored: %s, want %s", back, c.in)
			}
		})
	}
}

// FuzzJSON: what is masked stays JSON, and gets back what was hidden.
func FuzzJSON(f *testing.F) {
	f.Add(`{"password":"a","body":"{\"token\":\"\\u00e9\\\"\"}"}`)
	f.Add(`[" Bearer abcdefgh ", {"cookie":["\\"]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || strings.Contains(text, "•") {
			return
		}
		got, _ := JSON([]byte(text))
		if !json.Valid([]byte(got)) {
			t.Errorf("%s became %s", text, got)
		}
	})
}
