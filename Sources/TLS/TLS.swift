//===----------------------------------------------------------------------===//
// TLS: OpenSSL 3 wrapped, in both roles. Bytes in, bytes out; it knows no socket and reads no file.
//
//     TLSServerSettings ──▶ TLSServerContext ─┐                     ┌─▶ events, plaintext
//        (PEM as bytes)      (a snapshot)     ├─▶ TLSSession ───────┤
//                           TLSClientContext ─┘   (a connection)    └─▶ ciphertext
//
// A context is immutable, belongs to no loop and is shared by all of them; a reload builds a new one, and sessions keep
// the one they began with. A session belongs to one connection and its loop. It is told what arrived, says what that
// meant, and appends what has to be sent to a buffer of the caller.
//
// No OpenSSL type, code or constant leaves the module: whatever goes wrong is a value (`TLSFailure`, `TLSLoadFault`).
//===----------------------------------------------------------------------===//
