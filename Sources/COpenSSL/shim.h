#ifndef SLUICE_COPENSSL_SHIM_H
#define SLUICE_COPENSSL_SHIM_H

// Includes, and one static inline function for each macro that Swift cannot import, or function that it imports with a
// warning; no logic.

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// SHA-256 without a context on the heap. OpenSSL 3 calls these functions deprecated, to make room for providers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static inline int sluice_sha256_init(SHA256_CTX *context) { return SHA256_Init(context); }

static inline int sluice_sha256_update(SHA256_CTX *context, const void *bytes, size_t count) {
    return SHA256_Update(context, bytes, count);
}

static inline int sluice_sha256_final(unsigned char *digest, SHA256_CTX *context) {
    return SHA256_Final(digest, context);
}

#pragma GCC diagnostic pop

#endif
