//===----------------------------------------------------------------------===//
// Gateway: the drivers that run the machines on the reactor.
//
// `Server` starts the loops and what stands beside them. Each loop has a `LoopContext`: its pools, signer and scratch
// space. A client's connection is an `HTTP1Session`; each request on it for a function is an `Exchange`, which runs an
// `ExchangeStateMachine` and, one after the other, the `Attempt`s it asks for. An attempt takes an `UpstreamConnection`
// from the loop's `UpstreamPool`.
//
// Configuration lives in an immutable `Snapshot` that all loops share; an exchange keeps the one it began with.
//===----------------------------------------------------------------------===//
