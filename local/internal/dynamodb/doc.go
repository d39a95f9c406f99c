// Package dynamodb simulates Amazon DynamoDB on this machine, as far as programs use its
// tables: a [Service] holds them and speaks the AWS JSON 1.0 protocol.
//
//	service := dynamodb.New(nil)
//	err := service.Define([]dynamodb.Definition{{Name: "presence", Keys: []dynamodb.Key{{Name: "PK", Type: "S"}}}})
//	http.Serve(listener, service)
//
// The operations are GetItem, PutItem, UpdateItem and DeleteItem, Query and Scan with
// secondary indexes, the batches and transactions, and what describes tables; with
// condition, filter, key condition, update and projection expressions. Everything else is
// refused with an error that says so and names the way out. Where DynamoDB refuses a
// request, for a reserved word or a placeholder that is not used, the simulator does too,
// in DynamoDB's words where they are known: a program that works here is to work there.
//
// What is left out: PartiQL, streams, backups, the making of tables, and the parameters
// from before there were expressions (AttributesToGet, AttributeUpdates, Expected,
// KeyConditions, QueryFilter, ScanFilter, ConditionalOperator).
//
// A library was tried in place of this package, truora/minidyn 0.8.2. It fails requests
// that DynamoDB takes (an UpdateItem without an expression, a projection of a member of
// an attribute that is a number) and takes some that DynamoDB refuses (empty keys, a key
// twice in a batch, paths that overlap), so that a thin layer over it would have had to
// read expressions itself.
//
// How a table differs from one in AWS is said at [Service].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html (2026-11)
package dynamodb
