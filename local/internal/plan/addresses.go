package plan

import "strings"

// APITypes are the resource types that the engine serves over HTTP.
var APITypes = []string{"AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi", "AWS::Lambda::Url"}

// Addresses has the addresses of an app's resources on this machine.
type Addresses struct {
	SQS      string            // the URL of the SQS endpoint
	DynamoDB string            // the URL of the DynamoDB endpoint; "" if the app has no tables
	Main     string            // host and port of the engine
	APIs     map[string]string // host and port of APIs with a separate port, by id
	MainHTTP string            // the id of the HTTP API that the engine's port serves
	MainWS   string            // the id of the WebSocket API that the engine's port serves
	Sockets  map[string]bool   // the ids of all WebSocket APIs
}

// host returns the host and port that serve an API.
func (a *Addresses) host(apiID string) string {
	if addr, ok := a.APIs[apiID]; ok {
		return addr
	}
	return a.Main
}

// URL returns the URL of an API, without a stage.
func (a *Addresses) URL(apiID string) string {
	if a.Sockets[apiID] {
		return "ws://" + a.host(apiID)
	}
	return "http://" + a.host(apiID)
}

// localize replaces the AWS URLs of APIs by their URLs on this machine:
// https://{id}.execute-api.{region}.amazonaws.com/live by http://127.0.0.1:3000/live.
func (a *Addresses) localize(text string) string {
	if !strings.Contains(text, ".execute-api.") {
		return text
	}
	ids := []string{a.MainHTTP, a.MainWS}
	for id := range a.APIs {
		ids = append(ids, id)
	}
	for _, id := range ids {
		for {
			before, rest, ok := strings.Cut(text, id+".execute-api.")
			_, after, ok2 := strings.Cut(rest, ".amazonaws.com")
			if id == "" || !ok || !ok2 {
				break
			}
			for secure, plain := range map[string]string{"https://": "http://", "wss://": "ws://"} {
				if head, ok := strings.CutSuffix(before, secure); ok {
					before = head + plain
				}
			}
			text = before + a.host(id) + after
		}
	}
	return text
}
