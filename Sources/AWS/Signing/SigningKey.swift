private import Bytes
import Digest
private import Time

/// The key that a secret becomes for one day, region and service, and the texts that go with it.
///
/// PERF: an object, so that taking one out of the list counts one reference and not seven, and copies no hash states.
final class SigningKey {
    private let credentials: Credentials
    /// Days since 1970-01-01.
    private let day: Int64
    private let scope: SigningScope
    /// `20260102/us-east-1/lambda/aws4_request`.
    let scopeText: [UInt8]
    let key: HMACKey

    /// Derives the key: five times the cost of everything else about a signature.
    init(credentials: Credentials, day: Int64, scope: SigningScope, with hash: inout SHA256) {
        self.credentials = credentials
        self.day = day
        self.scope = scope
        var date = ByteBuffer()
        date.append(basicDate: CalendarTime(secondsSinceEpoch: day * 86_400))
        var text = ByteBuffer()
        text.append(date.bytes)
        text.append("/\(scope.region)/\(scope.service)/aws4_request")
        self.scopeText = text.array()
        var key = HMACKey(Array("AWS4\(credentials.secretAccessKey)".utf8).span, with: &hash)
        key = HMACKey(hash.authenticationCode(for: date.bytes, key: key).bytes, with: &hash)
        key = HMACKey(hash.authenticationCode(for: scope.region.utf8.span, key: key).bytes, with: &hash)
        key = HMACKey(hash.authenticationCode(for: scope.service.utf8.span, key: key).bytes, with: &hash)
        self.key = HMACKey(hash.authenticationCode(for: "aws4_request".utf8.span, key: key).bytes, with: &hash)
    }

    /// Whether the key is the one for these.
    func serves(_ credentials: borrowing Credentials, day: Int64, scope: borrowing SigningScope) -> Bool {
        self.day == day && self.credentials.accessKeyID == credentials.accessKeyID
            && self.scope.region == scope.region && self.scope.service == scope.service
            && self.credentials.secretAccessKey == credentials.secretAccessKey
    }
}

@available(*, unavailable)
extension SigningKey: Sendable {}

/// The few keys that are in use, the last one made first. Older ones fall out.
struct SigningKeys {
    private var keys: [SigningKey] = []
    private static let limit = 32

    /// The key for these, which is derived where it is not there.
    mutating func key(
        of credentials: Credentials, day: Int64, scope: SigningScope, with hash: inout SHA256
    ) -> SigningKey {
        for key in self.keys where key.serves(credentials, day: day, scope: scope) { return key }
        if self.keys.count == Self.limit { self.keys.removeLast() }
        let key = SigningKey(credentials: credentials, day: day, scope: scope, with: &hash)
        self.keys.insert(key, at: 0)
        return key
    }
}
