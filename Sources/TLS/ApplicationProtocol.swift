private import Bytes

/// A protocol that can be agreed on by ALPN (RFC 7301).
package enum ApplicationProtocol: Sendable, Equatable {
    case http2
    case http1

    /// The registered name.
    package var name: StaticString {
        switch self {
        case .http2: "h2"
        case .http1: "http/1.1"
        }
    }

    /// The protocol of a registered name, or `nil` for any other.
    init?(name: Span<UInt8>) {
        if name.equals(ApplicationProtocol.http2.name) {
            self = .http2
        } else if name.equals(ApplicationProtocol.http1.name) {
            self = .http1
        } else {
            return nil
        }
    }
}

extension ApplicationProtocol {
    /// Where in a client's offer the name of the protocol lies that is taken: the first of `served` that was offered.
    ///
    /// The offer is a list of names, each behind a byte with its length (RFC 7301 §3.1).
    static func select(from offer: Span<UInt8>, served: [ApplicationProtocol]) -> Range<Int>? {
        for candidate in served {
            var index = 0
            while index < offer.count {
                let end = index + 1 + Int(offer[index])
                guard end <= offer.count else { return nil }
                if ApplicationProtocol(name: offer.extracting(index + 1..<end)) == candidate { return index + 1..<end }
                index = end
            }
        }
        return nil
    }

    /// An offer of protocols in the form of RFC 7301 §3.1.
    static func offer(of protocols: [ApplicationProtocol]) -> [UInt8] {
        var buffer = ByteBuffer()
        for candidate in protocols {
            buffer.append(UInt8(candidate.name.utf8CodeUnitCount))
            buffer.append(candidate.name)
        }
        return buffer.array()
    }
}
