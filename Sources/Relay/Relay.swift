//===----------------------------------------------------------------------===//
// Relay: the exchange machine, which joins a client's request to invocations of a function.
//
// It decides what is done when: when to call, when to call again, what a failure becomes for the client, which deadline
// runs, when the upstream is to pause. It never sees a byte of a body; it is told of counts and moments.
//===----------------------------------------------------------------------===//
