private import Bytes
package import Time

/// The certificate that a client showed, as the events of API Gateway describe it.
package struct ClientCertificate: Sendable, Equatable {
    /// The certificate as PEM.
    package let pem: String
    /// Whom it is for, in the form of RFC 2253.
    package let subject: String
    /// Who signed it, in the form of RFC 2253.
    package let issuer: String
    /// Whom it is for, name by name.
    package let names: CertificateNames
    /// Hexadecimal digits with colons: `a1:0b:22`.
    package let serialNumber: String
    /// From when it is valid.
    package let notBefore: WallTime
    /// Until when it is valid.
    package let notAfter: WallTime

    /// Describes an `X509`, which the caller keeps alive.
    @unsafe init(_ certificate: OpaquePointer) {
        self.pem = unsafe CertificateReading.pem(of: certificate)
        self.subject = unsafe CertificateReading.subject(of: certificate)
        self.issuer = unsafe CertificateReading.issuer(of: certificate)
        self.names = unsafe CertificateNames(certificate)
        self.serialNumber = unsafe CertificateReading.serialNumber(of: certificate)
        self.notBefore = unsafe CertificateReading.notBefore(of: certificate)
        self.notAfter = unsafe CertificateReading.notAfter(of: certificate)
    }

    /// `notBefore` as events have it: `May 28 12:30:02 2019 GMT`.
    package var notBeforeText: String { Self.text(self.notBefore) }

    /// `notAfter` as events have it: `Aug  5 09:36:04 2021 GMT`.
    package var notAfterText: String { Self.text(self.notAfter) }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func text(_ moment: WallTime) -> String {
        let time = moment.calendar
        var buffer = ByteBuffer(capacity: 32)
        buffer.append(Self.months[time.month - 1])
        buffer.append(ASCII.space)
        if time.day < 10 { buffer.append(ASCII.space) }
        buffer.append(decimal: time.day)
        buffer.append(ASCII.space)
        for (value, separator) in [(time.hour, ASCII.colon), (time.minute, ASCII.colon), (time.second, ASCII.space)] {
            buffer.append(ASCII.zero + UInt8(value / 10))
            buffer.append(ASCII.zero + UInt8(value % 10))
            buffer.append(separator)
        }
        buffer.append(decimal: time.year)
        buffer.append(" GMT")
        return buffer.string()
    }
}

/// The names that a certificate has for its owner, by their kinds, as they stand in it. What is no UTF-8 is replaced.
package struct CertificateNames: Sendable, Equatable {
    package let commonNames: [String]
    package let organizations: [String]
    package let organizationalUnits: [String]
    package let dnsNames: [String]
    package let uris: [String]

    /// Reads an `X509`, which the caller keeps alive.
    @unsafe init(_ certificate: OpaquePointer) {
        self.commonNames = unsafe CertificateReading.subject(of: certificate, .commonName)
        self.organizations = unsafe CertificateReading.subject(of: certificate, .organization)
        self.organizationalUnits = unsafe CertificateReading.subject(of: certificate, .organizationalUnit)
        self.dnsNames = unsafe CertificateReading.alternatives(of: certificate, .dnsName)
        self.uris = unsafe CertificateReading.alternatives(of: certificate, .uri)
    }
}
