private import Bytes
internal import Time
private import COpenSSL

/// What a certificate says, read out of the library's object.
///
/// The pointers that these functions take are `X509 *`, which the callers keep alive.
@unsafe enum CertificateReading {
    /// The DNS names in the certificate in lower case, wildcards of one label included; the common name only where
    /// there is no DNS name (RFC 6125 §6.4.4). Names that are no host names are left out.
    static func names(of certificate: OpaquePointer) -> [String] {
        let found = unsafe Self.alternativeBytes(of: certificate, .dnsName)
        if !found.isEmpty { return found.compactMap { ServerName.canonical($0.span, allowsWildcard: true) } }
        let subject = unsafe Self.subjectBytes(of: certificate, .commonName)
        return subject.first.flatMap { ServerName.canonical($0.span, allowsWildcard: true) }.map { [$0] } ?? []
    }

    /// A part of a subject.
    enum SubjectPart {
        case commonName
        case organization
        case organizationalUnit

        fileprivate var number: CInt {
            switch self {
            case .commonName: NID_commonName
            case .organization: NID_organizationName
            case .organizationalUnit: NID_organizationalUnitName
            }
        }
    }

    /// All parts of the subject of a kind, in their order.
    static func subject(of certificate: OpaquePointer, _ part: SubjectPart) -> [String] {
        unsafe Self.subjectBytes(of: certificate, part).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func subjectBytes(of certificate: OpaquePointer, _ part: SubjectPart) -> [[UInt8]] {
        let subject = unsafe X509_get_subject_name(certificate)
        var values: [[UInt8]] = []
        var last = unsafe X509_NAME_get_index_by_NID(subject, part.number, -1)
        while last >= 0 {
            if let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)) {
                values.append(unsafe Self.bytes(of: OpaquePointer(value)))
            }
            last = unsafe X509_NAME_get_index_by_NID(subject, part.number, last)
        }
        return values
    }

    /// A kind of alternative to the subject.
    enum Alternative {
        case dnsName
        case uri

        fileprivate var type: CInt {
            switch self {
            case .dnsName: CInt(GEN_DNS)
            case .uri: CInt(GEN_URI)
            }
        }
    }

    /// The alternatives to the subject of a kind, in their order.
    static func alternatives(of certificate: OpaquePointer, _ kind: Alternative) -> [String] {
        unsafe Self.alternativeBytes(of: certificate, kind).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func alternativeBytes(of certificate: OpaquePointer, _ kind: Alternative) -> [[UInt8]] {
        guard let found = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let alternatives = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(alternatives) }
        var values: [[UInt8]] = []
        for index in 0..<max(0, unsafe sluice_sk_GENERAL_NAME_num(alternatives)) {
            var type: CInt = 0
            guard
                let name = unsafe sluice_sk_GENERAL_NAME_value(alternatives, index),
                let value = unsafe GENERAL_NAME_get0_value(name, &type), type == kind.type
            else { continue }
            values.append(unsafe Self.bytes(of: OpaquePointer(value)))
        }
        return values
    }

    /// The bytes of an ASN.1 string.
    private static func bytes(of string: OpaquePointer) -> [UInt8] {
        let string = unsafe UnsafePointer<ASN1_STRING>(string)
        let count = unsafe Int(ASN1_STRING_length(string))
        guard count > 0, let data = unsafe ASN1_STRING_get0_data(string) else { return [] }
        // SAFETY: the string holds `count` bytes, and lives for this call.
        return unsafe Array(UnsafeBufferPointer(start: data, count: count))
    }

    /// Whom the certificate is for, in the form of RFC 2253, as API Gateway writes it.
    static func subject(of certificate: OpaquePointer) -> String {
        unsafe Self.text { unsafe Self.write(X509_get_subject_name(certificate), to: $0) }
    }

    /// Who signed the certificate, in the form of RFC 2253.
    static func issuer(of certificate: OpaquePointer) -> String {
        unsafe Self.text { unsafe Self.write(X509_get_issuer_name(certificate), to: $0) }
    }

    private static func write(_ name: OpaquePointer?, to bio: OpaquePointer) {
        // Departs from RFC 2253 because letters beyond ASCII stay what they are, as in API Gateway's events.
        let flags = sluice_XN_FLAG_RFC2253 & ~UInt(ASN1_STRFLGS_ESC_MSB)
        unsafe X509_NAME_print_ex(bio, name, 0, flags)
    }

    /// The certificate as PEM.
    static func pem(of certificate: OpaquePointer) -> String {
        unsafe Self.text { unsafe PEM_write_bio_X509($0, certificate) }
    }

    /// Collects what a function of the library writes.
    private static func text(_ write: (OpaquePointer) -> Void) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe write(bio)
        var data: UnsafeMutablePointer<CChar>?
        let count = unsafe sluice_BIO_get_mem_data(bio, &data)
        guard let data = unsafe data, count > 0 else { return "" }
        // SAFETY: the BIO holds `count` bytes until it is freed.
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: data, count: Int(count)), as: UTF8.self)
    }

    /// The serial number: two hexadecimal digits for each byte, colons between them.
    static func serialNumber(of certificate: OpaquePointer) -> String {
        guard let serial = unsafe X509_get0_serialNumber(certificate) else { return "" }
        let bytes = unsafe Self.bytes(of: OpaquePointer(serial))
        var text = ByteBuffer()
        for (index, byte) in bytes.enumerated() {
            if index > 0 { text.append(ASCII.colon) }
            text.append(ASCII.lowerHexDigit(byte >> 4))
            text.append(ASCII.lowerHexDigit(byte & 0xf))
        }
        return text.string()
    }

    /// From when the certificate is valid.
    static func notBefore(of certificate: OpaquePointer) -> WallTime {
        unsafe Self.time(X509_get0_notBefore(certificate))
    }

    /// Until when the certificate is valid.
    static func notAfter(of certificate: OpaquePointer) -> WallTime {
        unsafe Self.time(X509_get0_notAfter(certificate))
    }

    /// A time that can not be read counts as 1970: long over.
    private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> WallTime {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return WallTime(seconds: 0) }
        let seconds = unsafe CalendarTime.secondsSinceEpoch(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
        return WallTime(seconds: seconds ?? 0)
    }

    /// Whether the certificate is valid at this moment, by the library's clock.
    static func isCurrent(_ certificate: OpaquePointer) -> Bool {
        unsafe X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0
            && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0
    }
}
