/// Why a request is refused, and with which status. The connection is closed after each of them.
package struct RequestFault: Error, Equatable, Sendable {
    /// What is wrong.
    package let reason: Reason

    package init(_ reason: Reason) {
        self.reason = reason
    }

    /// What can be wrong with a request.
    package enum Reason: Equatable, Sendable {
        /// The syntax or framing is wrong.
        case message(MessageFault)
        /// More empty lines in front of a request than are let pass.
        case tooManyEmptyLines
        /// A method longer than any (RFC 9112 §3: 501).
        case methodTooLong
        /// A request line beyond the limit.
        case requestLineTooLong(limit: Int)
        /// A request line that ends after its target, as in HTTP/0.9.
        case missingVersion
        /// Something else than `HTTP/`, digit, dot, digit at the end of the request line.
        case versionMalformed
        /// A version that is neither 1.0 nor 1.1.
        case versionUnsupported
        /// CONNECT, which a gateway in front of functions has no use for.
        case connectRefused
        /// The request target is none that may be taken.
        case target(TargetFault)
        /// The Host field, or the authority of the target, is none that may be taken.
        case host(AuthorityFault)
        /// HTTP/1.1 without a Host field (RFC 9112 §3.2).
        case hostMissing
        /// More than one Host field line (RFC 9112 §3.2).
        case hostRepeated
        /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
        case expectationUnknown
        /// The client ended its side in the middle of a request.
        case truncated
        /// The head did not come within its time. Found by the driver.
        case headTimedOut
        /// The body made no progress. Found by the driver.
        case bodyTimedOut
        /// The body came, and too slowly. Found by the driver.
        case bodyTooSlow
        /// The body is longer than the route takes. Found by the driver.
        case bodyTooLong(limit: Int)
    }

    /// The status with which the request is answered.
    package var status: Int {
        switch self.reason {
        case .message(.tooManyFields), .message(.fieldsTooLong): 431
        case .message: 400
        case .tooManyEmptyLines, .missingVersion, .versionMalformed: 400
        case .methodTooLong, .connectRefused: 501
        case .requestLineTooLong: 414
        case .versionUnsupported: 505
        case .target, .host, .hostMissing, .hostRepeated, .truncated: 400
        case .expectationUnknown: 417
        case .headTimedOut, .bodyTimedOut, .bodyTooSlow: 408
        case .bodyTooLong: 413
        }
    }
}

extension RequestFault: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch self.reason {
        case .message(let fault): fault.description
        case .tooManyEmptyLines: "too many empty lines before the request"
        case .methodTooLong: "method is too long"
        case .requestLineTooLong(let limit): "request line of more than \(limit) bytes"
        case .missingVersion: "request line without a version"
        case .versionMalformed: "malformed HTTP version"
        case .versionUnsupported: "HTTP version is neither 1.0 nor 1.1"
        case .connectRefused: "CONNECT is not supported"
        case .target(let fault): fault.description
        case .host(let fault): fault.description
        case .hostMissing: "no Host field"
        case .hostRepeated: "more than one Host field"
        case .expectationUnknown: "unknown expectation"
        case .truncated: "connection ended in the middle of a request"
        case .headTimedOut: "request head was too slow"
        case .bodyTimedOut: "request body made no progress"
        case .bodyTooSlow: "request body was too slow"
        case .bodyTooLong(let limit): "request body of more than \(limit) bytes"
        }
    }
}

/// What is wrong with a request target.
package enum TargetFault: Error, Equatable, Sendable {
    /// Neither a path, an absolute URI of http or https, nor `*` for OPTIONS.
    case form
    /// A space, control byte or byte above 0x7f.
    case invalidByte(UInt8)
    /// A `#`, which no client sends (RFC 9112 §3.2).
    case fragment
    /// A `%` in the path without two hexadecimal digits after it.
    case percentEncoding
    /// `%00` in the path.
    case encodedNUL
    /// A `..` segment that shows only once `%2F`, `%5C`, a second encoding or an overlong form is decoded.
    case hiddenDotSegment
}

extension TargetFault: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch self {
        case .form: "request target is neither a path nor an absolute http URI"
        case .invalidByte(let byte): "byte \(byte) in the request target"
        case .fragment: "fragment in the request target"
        case .percentEncoding: "malformed percent-encoding in the path"
        case .encodedNUL: "encoded NUL in the path"
        case .hiddenDotSegment: "hidden dot segment in the path"
        }
    }
}

/// What is wrong with a host and port.
package enum AuthorityFault: Error, Equatable, Sendable {
    /// No host where there must be one.
    case empty
    /// A byte that no host name holds.
    case invalidByte(UInt8)
    /// A `%` without two hexadecimal digits after it, or one that hides a control byte.
    case percentEncoding
    /// A user name in front of the host.
    case userInformation
    /// Two dots in a row, or a dot in front.
    case emptyLabel
    /// Brackets that hold no IPv6 address.
    case addressLiteral
    /// A port that is no number up to 65535.
    case port
}

extension AuthorityFault: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch self {
        case .empty: "empty host"
        case .invalidByte(let byte): "byte \(byte) in the host"
        case .percentEncoding: "malformed percent-encoding in the host"
        case .userInformation: "user information in the host"
        case .emptyLabel: "empty label in the host"
        case .addressLiteral: "brackets in the host hold no IPv6 address"
        case .port: "port is not a number up to 65535"
        }
    }
}
