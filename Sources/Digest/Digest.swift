//===----------------------------------------------------------------------===//
// Digest: SHA-256 and SHA-1, HMAC, signatures and the keys to check them with, CRC-32 and random bytes, as values over
// spans.
//
// The cryptographic parts are a small face on libcrypto, which no other module but TLS imports; no C type is visible
// outside. CRC-32 is ours, as libcrypto has none.
//===----------------------------------------------------------------------===//
