//===----------------------------------------------------------------------===//
// JSON: a strict reader (RFC 8259) and a writer.
//
// `JSONReader` walks over a text without building anything, for what is read on each request. `JSONValue` is a whole
// document as a value, for what is read now and then. Writing appends to a `ByteBuffer`; text of any origin becomes a
// valid JSON string. The module knows no document in particular.
//===----------------------------------------------------------------------===//
