//===----------------------------------------------------------------------===//
// HTTP: heads, fields, targets, and HTTP/1.1 in both roles, as machines without I/O.
//
// `RequestHead` and `ResponseHead` are what the rest of the gateway knows of a message, whichever version carried it.
// The parsers turn bytes into heads and ranges of body bytes; the writers turn heads into bytes. Nothing here knows a
// socket, a clock or a route.
//
// Parsing is strict in both roles: what two implementations could read in two ways is refused, not guessed at, and
// after a fault nothing more is read. A head that arrives whole is parsed where it lies; only a head that arrives in
// pieces is gathered, within limits, and its storage is given up when it is complete.
//
//     input ──▶ HTTP1RequestParser ──▶ RequestLineScanner, FieldSectionScanner, ChunkScanner ──▶ RequestHead, ranges
//     input ──▶ HTTP1ResponseParser ─▶ StatusLineScanner,  FieldSectionScanner, ChunkScanner ──▶ ResponseHead, ranges
//===----------------------------------------------------------------------===//
