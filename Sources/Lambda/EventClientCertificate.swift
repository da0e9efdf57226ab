internal import Bytes
internal import JSON

/// A client's certificate, as events describe it. One object for all requests of a connection.
package final class EventClientCertificate: Sendable {
    let pem: String
    let subject: String
    let issuer: String
    let serialNumber: String
    let notBefore: String
    let notAfter: String

    /// Names in the form of RFC 2253, the number in hexadecimal digits with colons, times as
    /// `May 28 12:30:02 2019 GMT`.
    package init(
        pem: String, subject: String, issuer: String, serialNumber: String, notBefore: String, notAfter: String
    ) {
        self.pem = pem
        self.subject = subject
        self.issuer = issuer
        self.serialNumber = serialNumber
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}

extension ByteBuffer {
    /// Appends the certificate's members as an object.
    mutating func append(_ certificate: EventClientCertificate) {
        self.append(#"{"clientCertPem":"#)
        self.append(jsonString: certificate.pem)
        self.append(#","subjectDN":"#)
        self.append(jsonString: certificate.subject)
        self.append(#","issuerDN":"#)
        self.append(jsonString: certificate.issuer)
        self.append(#","serialNumber":"#)
        self.append(jsonString: certificate.serialNumber)
        self.append(#","validity":{"notBefore":"#)
        self.append(jsonString: certificate.notBefore)
        self.append(#","notAfter":"#)
        self.append(jsonString: certificate.notAfter)
        self.append("}}")
    }
}
