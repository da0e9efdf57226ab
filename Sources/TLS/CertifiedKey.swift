private import COpenSSL
private import Time

/// A certificate, the chain behind it and its private key, checked to belong together.
struct CertifiedKey: Sendable {
    let certificate: LibraryObject
    let chain: LibraryObject
    let key: LibraryObject
    let summary: CertificateSummary

    /// Reads and checks the files of a source.
    init(_ source: CertificateSource) throws(TLSLoadFaults) {
        var faults: [TLSLoadFault] = []
        var certificates: [LibraryObject] = []
        var key: LibraryObject?
        do throws(TLSLoadFault.Reason) {
            certificates = try PEMFile.certificates(in: source.certificate, atMost: PEMFile.longestChain)
        } catch {
            faults.append(TLSLoadFault(file: source.certificateFile, reason: error))
        }
        do throws(TLSLoadFault.Reason) {
            key = try PEMFile.key(in: source.key, passphrase: source.passphrase)
        } catch {
            faults.append(TLSLoadFault(file: source.keyFile, reason: error))
        }
        guard let key, let certificate = certificates.first else { throw TLSLoadFaults(faults) }
        do throws(TLSLoadFault) {
            try self.init(certificate: certificate, others: Array(certificates.dropFirst()), key: key, of: source)
        } catch {
            throw TLSLoadFaults([error])
        }
    }

    private init(
        certificate: LibraryObject, others: [LibraryObject], key: LibraryObject, of source: CertificateSource
    ) throws(TLSLoadFault) {
        guard let kind = Self.kind(of: key) else {
            throw TLSLoadFault(file: source.keyFile, reason: .unsupportedKey)
        }
        LibraryErrors.clear()
        guard unsafe X509_check_private_key(certificate.pointer, key.pointer) == 1 else {
            _ = LibraryErrors.drain()
            throw TLSLoadFault(
                file: source.keyFile, reason: .keyDoesNotMatch(certificateFile: source.certificateFile))
        }
        guard let chain = Self.chain(of: others) else {
            throw TLSLoadFault(
                file: source.certificateFile, reason: .refused(detail: LibraryErrors.drain().text))
        }
        self.certificate = certificate
        self.chain = chain
        self.key = key
        let all = [certificate] + others
        let isInOrder = zip(all, others).allSatisfy { lower, upper in
            unsafe X509_check_issued(upper.pointer, lower.pointer) == X509_V_OK
        }
        let ends = all.map { unsafe CertificateReading.notAfter(of: $0.pointer) }
        self.summary = unsafe CertificateSummary(
            file: source.certificateFile,
            names: CertificateReading.names(of: certificate.pointer),
            subject: CertificateReading.subject(of: certificate.pointer),
            issuer: CertificateReading.issuer(of: certificate.pointer),
            serialNumber: CertificateReading.serialNumber(of: certificate.pointer),
            notBefore: CertificateReading.notBefore(of: certificate.pointer),
            notAfter: ends[0],
            chainNotAfter: ends.min() ?? ends[0],
            keyKind: kind,
            isChainInOrder: isInOrder)
        _ = LibraryErrors.drain()
    }

    private static func kind(of key: LibraryObject) -> CertificateSummary.KeyKind? {
        switch unsafe EVP_PKEY_get_base_id(key.pointer) {
        case EVP_PKEY_RSA: .rsa
        case EVP_PKEY_EC: .ecdsa
        case EVP_PKEY_ED25519: .ed25519
        default: nil
        }
    }

    private static func chain(of certificates: [LibraryObject]) -> LibraryObject? {
        guard let stack = unsafe sluice_sk_X509_new_null() else { return nil }
        let chain = unsafe LibraryObject(stack, .chain)
        for certificate in certificates {
            // The stack frees what lies in it, so it gets a reference of its own.
            unsafe X509_up_ref(certificate.pointer)
            guard unsafe sluice_sk_X509_push(stack, certificate.pointer) > 0 else {
                unsafe X509_free(certificate.pointer)
                return nil
            }
        }
        return chain
    }
}
