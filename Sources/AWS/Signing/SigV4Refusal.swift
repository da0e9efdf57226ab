private import Bytes
import Time

/// Why a service does not accept a request's signature, in the words in which AWS says it.
package struct SigV4Refusal: Error, Equatable, Sendable {
    /// The status of the answer; AWS answers 403 to all of these.
    package let status = 403
    /// The name of the error, such as `InvalidSignatureException`.
    package let type: String
    package let message: String

    private init(_ type: String, _ message: String) {
        self.type = type
        self.message = message
    }

    static let missingToken = Self("MissingAuthenticationTokenException", "Missing Authentication Token")

    static let unknownKey = Self(
        "UnrecognizedClientException", "The security token included in the request is invalid.")

    static let expiredToken = Self(
        "ExpiredTokenException", "The security token included in the request is expired")

    static let mismatch = Self(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            + "and signing method. Consult the service documentation for details.")

    static func incomplete(_ message: String) -> Self {
        Self("IncompleteSignatureException", message)
    }

    static func invalid(_ message: String) -> Self {
        Self("InvalidSignatureException", message)
    }

    /// The request is older than the time that is allowed.
    static func expired(signed: WallTime, now: WallTime, allowed: Duration) -> Self {
        let earliest = now + (.zero - allowed)
        return .invalid(
            "Signature expired: \(basic(signed)) is now earlier than \(basic(earliest)) "
                + "(\(basic(now)) - \(allowed.components.seconds / 60) min.)")
    }

    /// The request comes from the future.
    static func notYetCurrent(signed: WallTime, now: WallTime, allowed: Duration) -> Self {
        .invalid(
            "Signature not yet current: \(basic(signed)) is still later than \(basic(now + allowed)) "
                + "(\(basic(now)) + \(allowed.components.seconds / 60) min.)")
    }

    private static func basic(_ time: WallTime) -> String {
        var buffer = ByteBuffer()
        buffer.append(basicISO8601: time.calendar)
        return buffer.string()
    }
}

extension SigV4Refusal: CustomStringConvertible {
    package var description: String { "\(self.type): \(self.message)" }
}
