//===----------------------------------------------------------------------===//
// Bytes: the one buffer type that every module writes into, and the small pieces of ASCII that all protocols share.
//
// Reading is always a `Span<UInt8>`; writing is always a `ByteBuffer`. The module imports nothing but the standard
// library and knows no protocol.
//===----------------------------------------------------------------------===//
