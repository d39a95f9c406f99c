package local

import (
	"testing"

	"github.com/lambdahearth/hearth/local/internal/history"
	"github.com/lambdahearth/hearth/local/internal/plan"
)

// TestCurl makes commands that send the same request again, by each way in.
func TestCurl(t *testing.T) {
	t.Parallel()
	e := &Engine{main: &listener{addr: "127.0.0.1:3000"}, plan: &plan.Plan{At: &plan.Addresses{Main: "127.0.0.1:3000", APIs: map[string]string{"rest": "127.0.0.1:3001"}}}}
	for event, want := range map[string]string{
		`{"rawPath":"/a b/c?","rawQueryString":"q=1&q=%202","requestContext":{"domainName":"x.execute-api.y","http":{"method":"GET"}}}`:                        "curl -i -X GET 'http://127.0.0.1:3000/a%20b/c%3F?q=1&q=%202'\n",
		`{"rawPath":"/a%20b","requestContext":{"domainName":"x.lambda-url.us-east-1.on.aws","http":{"method":"HEAD"}}}`:                                        "curl -I 'http://127.0.0.1:3000/a%20b'\n",
		`{"path":"/a%2Fb","httpMethod":"DELETE","multiValueQueryStringParameters":{"a&b":["1 2","=&","••"]},"requestContext":{"apiId":"rest","stage":"live"}}`: "curl -i -X DELETE 'http://127.0.0.1:3001/live/a%2Fb?a%26b=1+2&a%26b=%3D%26&a%26b=••'\n",
	} {
		if got := e.curl(&history.Summary{}, event); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
