// Package dynamodb simulates the tables of Amazon DynamoDB on this machine. A [Service]
// holds them and serves the AWS JSON 1.0 protocol.
//
//	service := dynamodb.New(nil)
//	err := service.Define([]dynamodb.Definition{{Name: "presence", Keys: []dynamodb.Key{{Name: "PK", Type: "S"}}}})
//	http.Serve(listener, service)
//
// It simulates GetItem, PutItem, UpdateItem and DeleteItem; Query and Scan with secondary
// indexes; batches and transactions; and the descriptions of tables. Condition, filter,
// key condition, update and projection expressions work. All other requests get an error
// that says so and names an alternative. If DynamoDB refuses a request, for a reserved
// word or an unused placeholder, the simulator refuses it too, in DynamoDB's known words:
// a program that works here must work there.
//
// Not simulated are PartiQL, streams, backups, the creation of tables, and the parameters
// that preceded expressions (AttributesToGet, AttributeUpdates, Expected, KeyConditions,
// QueryFilter, ScanFilter, ConditionalOperator).
//
// A library was tried in place of this package, truora/minidyn 0.8.2. It fails requests
// that DynamoDB accepts: an UpdateItem without an expression, and a projection of a
// member of an attribute that is a number. It accepts requests that DynamoDB refuses:
// empty keys, a key twice in a batch, and overlapping paths. A layer over it would have
// had to parse expressions itself.
//
// [Service] says how a table differs from one on AWS.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html (2026-11)
package dynamodb
