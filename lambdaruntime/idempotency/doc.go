// Package idempotency makes a job or an HTTP request that has a key take effect once: the
// first result is remembered, and a repetition gets it without running the program's code
// again. SQS delivers a message at least once, and clients send a request again when its
// answer was lost.
//
//	var once = idempotency.New("charge", dynamostore.New(), idempotency.Options{})
//
//	lambdaruntime.Start(&lambdaruntime.App{
//		HTTP:   idempotency.HTTP(once, routes(), idempotency.HTTPOptions{}),
//		Queues: []lambdaruntime.Consumer{charges.Consume(idempotency.Job(once, orderID, charge))},
//	})
//
// [Do] does the same for any function, [Job] wraps the function of a queue, and [HTTP] a
// handler. Package dynamostore keeps keys in a DynamoDB table, package pgstore in the
// program's PostgreSQL; a program links only the one that it imports.
//
// # How it works
//
// An attempt claims the key in the store, runs the guarded code, and stores the result:
//
//   - Until then, a second attempt fails with [ErrInProgress], or waits for the first with
//     [Options.Wait]. A message comes again, a client gets 409.
//   - The result is remembered for [Options.Keep]. Later attempts get it.
//   - After an error or a panic the key is free again, and the next attempt runs the code.
//     An error that is a [lambdaruntime.Drop] is final and is remembered.
//
// # What a crash does
//
// A process may die between any two steps: Lambda kills it at its timeout, or it runs out
// of memory. The key is then the dead attempt's until its lease is over, which is by
// default a second after Lambda would have ended the invocation. SQS delivers the message
// later than that, since the visibility timeout is longer than the function's.
//
//   - Before the code has taken effect: the next attempt runs it. It takes effect once.
//   - Between the effect and the storing of the result: the next attempt runs the code
//     again, and it takes effect twice. This is the only gap, and no store that is separate
//     from the effect can close it. Where the effect is in PostgreSQL, pgstore's CompleteTx
//     commits it together with the result, and there is no gap. Where the effect is in
//     another service that takes a key of its own, hand it the same key.
//   - After that: the next attempt gets the result.
//
// The same gap opens when the result cannot be stored after all tries, which an ERROR
// record says, and when code ignores the end of its context and acts after its lease. An
// attempt whose key another one has taken cannot overwrite that one's result: it fails
// with [ErrLost].
//
// # Keys
//
// A key names an operation of its caller: an order's id, a UUID that a client made for
// one request. It can be any text. Stores get SHA-256 hashes of keys and requests, logs
// get neither. Results are stored as they are: up to [MaxResult] bytes of JSON, or of a
// response with its headers, cookies among them. Encrypt the table like the data that the
// results come from.
package idempotency
