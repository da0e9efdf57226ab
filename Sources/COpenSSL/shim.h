#ifndef SLUICE_COPENSSL_SHIM_H
#define SLUICE_COPENSSL_SHIM_H

// Includes, and one static inline function for each macro that Swift cannot import, or function that it imports with a
// warning; no logic.

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Constants that are expressions of other macros.
static const uint64_t sluice_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t sluice_SSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const unsigned long sluice_XN_FLAG_RFC2253 = XN_FLAG_RFC2253;

// Names that the library keeps pointers to: as macros they arrive as strings of Swift, whose bytes die with the call.
static inline const char *sluice_OSSL_MAC_PARAM_KEY(void) { return OSSL_MAC_PARAM_KEY; }

static inline const char *sluice_OSSL_MAC_PARAM_DIGEST(void) { return OSSL_MAC_PARAM_DIGEST; }

// Function-like macros over SSL_CTX_ctrl and SSL_ctrl.
static inline int sluice_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline long sluice_SSL_CTX_set_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_mode(context, mode);
}

static inline int sluice_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, (char *)list);
}

static inline long sluice_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int sluice_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// Function-like macros over BIO_set_flags, BIO_clear_flags and BIO_ctrl.
static inline void sluice_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void sluice_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline long sluice_BIO_get_mem_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }

// The functions of typed stacks are macros.
static inline STACK_OF(X509) *sluice_sk_X509_new_null(void) { return sk_X509_new_null(); }

static inline int sluice_sk_X509_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate);
}

static inline void sluice_sk_X509_pop_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int sluice_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

static inline GENERAL_NAME *sluice_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
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
