// Package dynamodb simulates as much of Amazon DynamoDB on this machine as package
// lambdaruntime/connections/registry uses: a [Service] holds the tables and speaks the
// AWS JSON 1.0 protocol.
//
//	service := dynamodb.New(nil)
//	err := service.Define([]dynamodb.Definition{{Name: "presence", Keys: []dynamodb.Key{{Name: "PK", Type: "S"}}}})
//	http.Serve(listener, service)
//
// The operations are GetItem, BatchGetItem, PutItem, UpdateItem and DeleteItem, with
// condition, update and projection expressions. Everything else is refused with an
// error that says so and names the way out. Where DynamoDB refuses a request, for a
// reserved word or a placeholder that is not used, the simulator does too, in
// DynamoDB's words where they are known: a program that works here is to work there.
//
// What of these operations is left out:
//
//   - The parameters from before there were expressions: AttributesToGet,
//     AttributeUpdates, Expected, ConditionalOperator.
//   - In expressions, positions in lists (a[0]), the clauses ADD and DELETE,
//     arithmetic, BETWEEN, IN, and all functions but attribute_exists and
//     attribute_not_exists.
//   - Of ReturnValues, UPDATED_OLD and UPDATED_NEW.
//
// How a table differs from one in AWS is said at [Service].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html (2026-11)
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html (2026-11)
package dynamodb
