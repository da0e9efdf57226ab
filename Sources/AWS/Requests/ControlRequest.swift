package import HTTP
private import Bytes
package import Time

/// One small request to a service of AWS or to the machine's own metadata, ready to be sent on a connection of its own.
package struct ControlRequest: Sendable, Equatable {
    package let endpoint: ServiceEndpoint
    package let method: Method
    /// Head and body as they go over the wire.
    package let bytes: [UInt8]
    /// When the whole answer must be there, counted from the beginning of connecting.
    package let timeout: Duration

    /// What a request is signed with.
    package struct Signature {
        let credentials: Credentials
        let scope: SigningScope
        let time: WallTime

        package init(credentials: Credentials, scope: SigningScope, at time: WallTime) {
            self.credentials = credentials
            self.scope = scope
            self.time = time
        }
    }

    /// Writes a request. The values of `fields` must hold no line break, `path` and `query` are given as they go over
    /// the wire; the endpoint's own path goes in front.
    package init(
        _ method: Method, _ endpoint: ServiceEndpoint, path: String, query: String = "",
        fields: [(name: String, value: String)] = [], body: String = "", timeout: Duration,
        signature: Signature? = nil
    ) {
        let path = endpoint.pathPrefix + path
        let signed = [("host", endpoint.hostField)] + fields.map { ($0.name, $0.value) }
        var buffer = ByteBuffer()
        buffer.append("\(method.rawValue) \(path)\(query.isEmpty ? "" : "?")\(query) HTTP/1.1\r\n")
        for (name, value) in signed { buffer.append("\(name): \(value)\r\n") }
        buffer.append("user-agent: sluice\r\nconnection: close\r\n")
        if method != .get { buffer.append("content-length: \(body.utf8.count)\r\n") }
        if let signature {
            let signer = SigV4Signer()
            signer.appendSignature(
                to: &buffer, method: method, path: path, query: query, signedFields: SignedFields(signed),
                payloadHash: signer.payloadHash(of: body.utf8.span), scope: signature.scope,
                credentials: signature.credentials, at: signature.time)
        }
        buffer.append("\r\n")
        buffer.append(body)
        self.endpoint = endpoint
        self.method = method
        self.bytes = buffer.array()
        self.timeout = timeout
    }
}

/// Neither printing nor a failed expectation shows what a request holds.
extension ControlRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Method and endpoint, and nothing else.
    package var description: String { "\(self.method.rawValue) request to \(self.endpoint)" }

    /// The same as `description`.
    package var debugDescription: String { self.description }

    /// Shows no bytes.
    package var customMirror: Mirror { Mirror(self, children: ["endpoint": self.endpoint]) }
}

/// What came back for a request.
package struct ControlAnswer: Sendable, Equatable {
    package let head: ResponseHead
    package let body: [UInt8]

    /// Bytes that a body may have.
    package static let longestBody = 256 * 1024

    package init(head: ResponseHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }

    /// The status of the answer.
    package var status: Int { self.head.status }

    /// The body as text; bytes that are no UTF-8 are replaced.
    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// What stands between the tags of the first element of this name; `nil` where there is none.
    func element(_ name: String) -> String? {
        XMLText.element(name, in: self.body)
    }
}
