private import COpenSSL

/// The library wants to seal a ticket, or to open one (RFC 5077 §4).
func sealTicket(
    _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?, _ vector: UnsafeMutablePointer<UInt8>?,
    _ cipher: OpaquePointer?, _ code: OpaquePointer?, _ isSealing: CInt
) -> CInt {
    let failed: CInt = -1
    let unknown: CInt = 0
    let opened: CInt = 1
    let openedAndDueForRenewal: CInt = 2
    guard
        let session = unsafe session(of: ssl), let server = session.server, let name = unsafe name,
        let vector = unsafe vector
    else { return failed }
    if isSealing == 1 {
        let key = server.ticketKeys.current
        // SAFETY: the library lends 16 bytes for the name, and 16 for the vector.
        for index in 0..<16 { unsafe name[index] = key.name[index] }
        guard unsafe RAND_bytes(vector, 16) == 1, unsafe install(key, vector, cipher, code, isSealing: true) else {
            return failed
        }
        return opened
    }
    // SAFETY: as above.
    guard let (key, isCurrent) = unsafe server.ticketKeys.key(named: Span(_unsafeStart: name, count: 16)) else {
        return unknown
    }
    guard unsafe install(key, vector, cipher, code, isSealing: false) else { return failed }
    // RFC 8446 §C.4: clients use a ticket of TLS 1.3 once, so each resumption has to give them a new one.
    let isReusable = unsafe SSL_version(ssl) != TLS1_3_VERSION
    return isCurrent && isReusable ? opened : openedAndDueForRenewal
}

/// Hands a key to the library's cipher and authentication code.
private func install(
    _ key: TicketKey, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer?, _ code: OpaquePointer?,
    isSealing: Bool
) -> Bool {
    let hasCipher = unsafe key.cipherKey.span.withUnsafeBufferPointer { key in
        unsafe isSealing
            ? EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.baseAddress, vector) == 1
            : EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.baseAddress, vector) == 1
    }
    guard hasCipher else { return false }
    var secret = key.authenticationKey
    var digest = Array("SHA256".utf8CString)
    var bytes = secret.mutableSpan
    return unsafe bytes.withUnsafeMutableBufferPointer { secret in
        unsafe digest.withUnsafeMutableBufferPointer { digest in
            var parameters = unsafe [
                OSSL_PARAM_construct_octet_string(sluice_OSSL_MAC_PARAM_KEY(), secret.baseAddress, secret.count),
                OSSL_PARAM_construct_utf8_string(sluice_OSSL_MAC_PARAM_DIGEST(), digest.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            return unsafe EVP_MAC_CTX_set_params(code, &parameters) == 1
        }
    }
}

/// The library has opened a ticket: the last word on whether its session is resumed.
func judgeTicket(
    _ ssl: OpaquePointer?, _ ticket: OpaquePointer?, _ name: UnsafePointer<UInt8>?, _ nameCount: Int,
    _ status: CInt, _ context: UnsafeMutableRawPointer?
) -> CInt {
    let isRenewed = status == SSL_TICKET_SUCCESS_RENEW
    guard status == SSL_TICKET_SUCCESS || isRenewed else { return SSL_TICKET_RETURN_IGNORE_RENEW }
    // A client certificate that has expired since is not believed any more.
    if let ticket = unsafe ticket, let certificate = unsafe SSL_SESSION_get0_peer(ticket),
        unsafe !CertificateReading.isCurrent(certificate)
    {
        return SSL_TICKET_RETURN_IGNORE_RENEW
    }
    return isRenewed ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE
}
