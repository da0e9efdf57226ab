internal import Bytes
internal import Digest
internal import Time

/// What all signatures of one second have in common that are made for one template with the same keys: all but the hash
/// of the payload, and what follows from that.
///
/// PERF: of the blocks that are hashed for a signature two thirds are the same in all of them, and with a session token
/// nearly all. An object, so that it is found without copying hash states.
final class SigningMoment {
    private let template: SigningTemplate
    private let credentials: Credentials
    /// `x-amz-date` and the fields behind it, up to the signature itself.
    let lines: [UInt8]
    /// The hash of the canonical request up to the payload's hash.
    let request: SHA256State
    /// The inner hash of the string to sign up to the canonical request's hash.
    let stringToSign: SHA256State
    let key: SigningKey

    /// `timestamp` is `20260102T030405Z`, `key` the one for its day.
    init(_ template: SigningTemplate, _ credentials: Credentials, key: SigningKey, timestamp: Span<UInt8>) {
        self.template = template
        self.credentials = credentials
        self.key = key

        var request = ByteBuffer()
        request.append(template.prefix)
        request.append(timestamp)
        let rest = credentials.sessionToken == nil ? template.plain : template.withToken
        request.append(rest.start)
        if let token = credentials.sessionToken {
            request.append(token)
            request.append(rest.end)
        }
        self.request = SHA256State(after: request.bytes)

        let scope = key.scopeText
        var text = ByteBuffer()
        text.append(stringToSignUpToRequest: timestamp, scope: scope.span)
        self.stringToSign = key.key.state(after: text.bytes)

        var lines = ByteBuffer()
        lines.append("x-amz-date: ")
        lines.append(timestamp)
        if let token = credentials.sessionToken {
            lines.append("\r\nx-amz-security-token: ")
            lines.append(token)
        }
        lines.append("\r\nauthorization: AWS4-HMAC-SHA256 Credential=")
        lines.append(credentials.accessKeyID)
        lines.append(ASCII.slash)
        lines.append(scope)
        lines.append(", SignedHeaders=")
        lines.append(rest.names)
        lines.append(", Signature=")
        self.lines = lines.array()
    }

    /// Whether it is that of a template and of keys.
    func serves(_ template: SigningTemplate, _ credentials: borrowing Credentials) -> Bool {
        self.template === template && self.credentials.accessKeyID == credentials.accessKeyID
            && self.credentials.secretAccessKey == credentials.secretAccessKey
            && self.credentials.sessionToken == credentials.sessionToken
    }
}

@available(*, unavailable)
extension SigningMoment: Sendable {}

/// The moments of one second.
struct SigningMoments {
    private var second = Int64.min
    /// The one used last: most calls are of the function that was called before.
    private var last: SigningMoment?
    private var moments: [ObjectIdentifier: SigningMoment] = [:]
    private var keys = SigningKeys()
    /// Templates that are made for one signature alone leave theirs here too.
    private static let limit = 256

    /// The moment of a template and of keys, which is made where it is not there.
    mutating func moment(
        of template: SigningTemplate, _ credentials: Credentials, at time: WallTime, with hash: inout SHA256
    ) -> SigningMoment {
        if time.seconds != self.second {
            self.second = time.seconds
            self.forgetAll()
        }
        if let last = self.last, last.serves(template, credentials) { return last }
        let moment = self.findMoment(of: template, credentials, at: time, with: &hash)
        self.last = moment
        return moment
    }

    private mutating func findMoment(
        of template: SigningTemplate, _ credentials: Credentials, at time: WallTime, with hash: inout SHA256
    ) -> SigningMoment {
        if let known = self.moments[ObjectIdentifier(template)], known.serves(template, credentials) { return known }
        if self.moments.count == Self.limit { self.forgetAll() }
        var timestamp = ByteBuffer()
        timestamp.append(basicISO8601: time.calendar)
        let key = self.keys.key(of: credentials, day: time.day, scope: template.scope, with: &hash)
        let moment = SigningMoment(template, credentials, key: key, timestamp: timestamp.bytes)
        self.moments[ObjectIdentifier(template)] = moment
        return moment
    }

    private mutating func forgetAll() {
        self.last = nil
        self.moments.removeAll(keepingCapacity: true)
    }
}
