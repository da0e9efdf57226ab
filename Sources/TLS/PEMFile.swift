private import Bytes
private import COpenSSL

/// Reads certificates and keys out of the bytes of a PEM file.
enum PEMFile {
    /// No such file is larger.
    static let largest = 8 << 20
    /// No chain is longer.
    static let longestChain = 32
    /// No collection of authorities is larger.
    static let mostAuthorities = 4096

    /// The certificates in a file, in its order; at least one.
    static func certificates(
        in bytes: [UInt8], atMost limit: Int
    ) throws(TLSLoadFault.Reason) -> [LibraryObject] {
        guard bytes.count <= Self.largest else { throw .tooLarge(limit: Self.largest) }
        LibraryErrors.clear()
        let (found, errors) = unsafe bytes.withUnsafeBytes { bytes -> ([LibraryObject], LibraryErrors) in
            var found: [LibraryObject] = []
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, CInt(bytes.count)) else {
                return ([], LibraryErrors.drain())
            }
            defer { unsafe BIO_free(bio) }
            // A callback that refuses: the library's own would ask on the terminal.
            while found.count <= limit, let next = unsafe PEM_read_bio_X509(bio, nil, refusePassphrase, nil) {
                unsafe found.append(LibraryObject(next, .certificate))
            }
            return (found, LibraryErrors.drain())
        }
        guard found.count <= limit else { throw .tooManyCertificates(limit: limit) }
        guard errors.contains(library: ERR_LIB_PEM, reason: PEM_R_NO_START_LINE) else {
            throw .unreadableCertificate(position: found.count + 1)
        }
        guard !found.isEmpty else { throw .noCertificate }
        return found
    }

    /// The first private key in a file.
    static func key(in bytes: [UInt8], passphrase: [UInt8]?) throws(TLSLoadFault.Reason) -> LibraryObject {
        guard bytes.count <= Self.largest else { throw .tooLarge(limit: Self.largest) }
        LibraryErrors.clear()
        let firstLine = passphrase.map { Array($0.prefix { $0 != ASCII.lineFeed && $0 != ASCII.carriageReturn }) }
        let (key, wasAsked) = unsafe bytes.withUnsafeBytes { bytes -> (LibraryObject?, Bool) in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, CInt(bytes.count)) else { return (nil, false) }
            defer { unsafe BIO_free(bio) }
            var request = PassphraseRequest(passphrase: firstLine)
            let key = unsafe withUnsafeMutablePointer(to: &request) { request in
                unsafe PEM_read_bio_PrivateKey(bio, nil, answerPassphrase, request)
            }
            return (unsafe key.map { unsafe LibraryObject($0, .key) }, request.wasAsked)
        }
        let errors = LibraryErrors.drain()
        if let key { return key }
        if wasAsked { throw passphrase == nil ? .passphraseMissing : .passphraseWrong }
        // The library only says that it knows no such thing.
        guard Self.contains("PRIVATE KEY-----", in: bytes.span) else { throw .noKey }
        throw .unreadableKey(detail: errors.text)
    }
}

extension PEMFile {
    /// Whether a text stands somewhere in the bytes.
    private static func contains(_ text: StaticString, in bytes: Span<UInt8>) -> Bool {
        let count = text.utf8CodeUnitCount
        var index = 0
        while index + count <= bytes.count {
            if bytes.extracting(index..<index + count).equals(text) { return true }
            index += 1
        }
        return false
    }
}

/// What the library is told when it meets an encrypted key.
private struct PassphraseRequest {
    let passphrase: [UInt8]?
    var wasAsked = false
}

/// The library wants the passphrase of a key.
private func answerPassphrase(
    _ target: UnsafeMutablePointer<CChar>?, _ capacity: CInt, _ isWriting: CInt, _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let target = unsafe target, let context = unsafe context else { return -1 }
    // SAFETY: `PEMFile.key` lends its request for the time of the call that called this.
    let request = unsafe context.assumingMemoryBound(to: PassphraseRequest.self)
    unsafe request.pointee.wasAsked = true
    guard let passphrase = unsafe request.pointee.passphrase, passphrase.count <= Int(capacity) else { return -1 }
    // SAFETY: the library lends `capacity` bytes.
    unsafe UnsafeMutableRawBufferPointer(start: target, count: Int(capacity)).copyBytes(from: passphrase)
    return CInt(passphrase.count)
}

/// Certificates have no passphrase.
private func refusePassphrase(
    _ target: UnsafeMutablePointer<CChar>?, _ capacity: CInt, _ isWriting: CInt, _ context: UnsafeMutableRawPointer?
) -> CInt {
    -1
}
