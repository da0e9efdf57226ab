//===----------------------------------------------------------------------===//
// Gateway: the drivers that run the machines on the reactor.
//
// `Server` starts the loops and what stands beside them. Each loop has a `LoopContext`: its pools, signer and scratch
// space. A client's connection is an `HTTP1Session` or an `HTTP2Session`; each request on it for a function is an
// `Exchange`, which runs an `ExchangeStateMachine` and, one after the other, the attempts it asks for: an `Attempt`
// calls the Lambda API, a `ForwardingAttempt` hands the request on to a server. An attempt takes an
// `UpstreamConnection` of HTTP/1.1, or a stream of one of HTTP/2, from the loop's `UpstreamPool`.
//
// Configuration lives in an immutable `Snapshot` that all loops share; an exchange keeps the one it began with.
//===----------------------------------------------------------------------===//
