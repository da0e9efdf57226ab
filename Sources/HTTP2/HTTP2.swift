//===----------------------------------------------------------------------===//
// HTTP2: one end of an HTTP/2 connection (RFC 9113), without a socket.
//
//   bytes ──▶ HTTP2Server.receive ──▶ events: heads, ranges of body bytes, ends, resets
//   answers ──▶ HTTP2Server.respond, send, end ──▶ fill ──▶ frames in a buffer, on request
//
// libnghttp2 does framing, HPACK, flow control and the order in which frames go out. What stands here is what a server
// at the edge owes beyond that: what a request may look like, what frames on closed streams are answered with, and how
// many of each kind of frame a peer may send. Time is handed in, nothing is logged, and nothing waits.
//
// `HTTP2Endpoint` is what both roles share: the library's session and its callbacks, streams, bodies that go out.
// `docs/decisions/0019-http2-wrapper.md` says why it is shaped so.
//===----------------------------------------------------------------------===//
