private import COpenSSL

/// One reference to an object of the library that is counted there, given back when the last of ours has gone.
// SAFETY: the pointer is set once. The objects are contexts, certificates, keys, chains, sessions and a BIO method that
// are not changed after they have been wrapped; the library counts references to them atomically and allows them to be
// used by several threads at once.
@safe final class LibraryObject: @unchecked Sendable {
    let pointer: OpaquePointer
    private let kind: Kind

    /// What the pointer points to.
    enum Kind {
        case context
        case certificate
        case chain
        case key
        case session
        case method
    }

    /// Takes over a reference.
    @unsafe init(_ pointer: OpaquePointer, _ kind: Kind) {
        unsafe self.pointer = pointer
        self.kind = kind
    }

    deinit {
        switch self.kind {
        case .context: unsafe SSL_CTX_free(self.pointer)
        case .certificate: unsafe X509_free(self.pointer)
        case .chain: unsafe sluice_sk_X509_pop_free(self.pointer)
        case .key: unsafe EVP_PKEY_free(self.pointer)
        case .session: unsafe SSL_SESSION_free(self.pointer)
        case .method: unsafe BIO_meth_free(self.pointer)
        }
    }
}
