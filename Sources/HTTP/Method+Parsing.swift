private import Bytes

extension Method {
    /// The method of a token that was checked before. The registered ones cost no copy.
    init(token: Span<UInt8>) {
        switch token.count {
        case 3 where token.equals("GET"): self = .get
        case 3 where token.equals("PUT"): self = .put
        case 4 where token.equals("POST"): self = .post
        case 4 where token.equals("HEAD"): self = .head
        case 5 where token.equals("PATCH"): self = .patch
        case 6 where token.equals("DELETE"): self = .delete
        case 7 where token.equals("OPTIONS"): self = .options
        default: self = Method(rawValue: token.string())
        }
    }

    /// A method from bytes; `nil` where they are no token (RFC 9110 §9.1).
    package init?(parsing bytes: Span<UInt8>) {
        guard Fields.isName(bytes) else { return nil }
        self.init(token: bytes)
    }
}
