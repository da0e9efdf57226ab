//===----------------------------------------------------------------------===//
// HTTP: heads, fields, targets, and HTTP/1.1 in both roles, as machines without I/O.
//
// `RequestHead` and `ResponseHead` are what the rest of the gateway knows of a message, whichever version carried it.
// The parsers turn bytes into heads and ranges of body bytes; the writers turn heads into bytes. Nothing here knows a
// socket, a clock or a route.
//===----------------------------------------------------------------------===//
