private import Bytes

/// What trusted proxies say about the client of a request.
package struct ForwardedClient: Sendable, Equatable {
    /// The client's address: the right-most one that is no trusted proxy's.
    package let address: IPAddress
    /// Whether the client speaks TLS; `nil` where no proxy says it.
    package let isSecure: Bool?
    /// The port that the client called; `nil` where no proxy says it.
    package let port: UInt16?
}

extension Fields {
    /// What the proxies that are trusted say about the client of a request that came from `peer`, one of them.
    ///
    /// The lists are read from the right, where each proxy appends what it saw, and believed up to the first address
    /// that is no trusted proxy's; an element that is no address ends it as well. `Forwarded` (RFC 7239) counts where
    /// there is no `X-Forwarded-For`.
    package func forwardedClient(peer: IPAddress, isTrusted: (IPAddress) -> Bool) -> ForwardedClient {
        if self.contains("x-forwarded-for") || !self.contains("forwarded") {
            return self.clientOfLists(peer: peer, isTrusted: isTrusted)
        }
        return self.clientOfForwarded(peer: peer, isTrusted: isTrusted)
    }

    private func clientOfLists(peer: IPAddress, isTrusted: (IPAddress) -> Bool) -> ForwardedClient {
        var client = peer
        // How many proxies away from here the client is, as far as it is believed.
        var hops = 0
        self.forEachMemberFromRight(of: "x-forwarded-for") { member in
            guard let address = IPAddress(parsingNode: member) else { return false }
            client = address
            hops += 1
            return isTrusted(address)
        }
        // A list that is as long as that of the addresses names, at the client's place, what its proxy saw; a shorter
        // one was written anew on the way.
        var isSecure: Bool?
        var port: UInt16?
        var place = 0
        self.forEachMemberFromRight(of: "x-forwarded-proto") { member in
            isSecure = Self.isSecure(scheme: member)
            place += 1
            return place < hops
        }
        place = 0
        self.forEachMemberFromRight(of: "x-forwarded-port") { member in
            port = member.decimal(digits: 5).flatMap { UInt16(exactly: $0) }
            place += 1
            return place < hops
        }
        return ForwardedClient(address: client, isSecure: isSecure, port: port)
    }

    /// Goes through the members of all lines of a list field, the last one first, for as long as the closure says so.
    private func forEachMemberFromRight(of name: StaticString, _ body: (Span<UInt8>) -> Bool) {
        for index in self.indices.reversed() where self.name(at: index).equals(name) {
            let value = self.value(at: index)
            var end = value.count
            while end > 0 {
                var start = end
                while start > 0, value[start - 1] != ASCII.comma { start -= 1 }
                let member = value.extracting(start..<end).trimmed
                if !member.isEmpty, !body(member) { return }
                end = max(0, start - 1)
            }
        }
    }

    private static func isSecure(scheme: Span<UInt8>) -> Bool? {
        if scheme.equalsIgnoringCase("https") || scheme.equalsIgnoringCase("wss") { return true }
        if scheme.equalsIgnoringCase("http") || scheme.equalsIgnoringCase("ws") { return false }
        return nil
    }

    private func clientOfForwarded(peer: IPAddress, isTrusted: (IPAddress) -> Bool) -> ForwardedClient {
        var client = peer
        var isSecure: Bool?
        for index in self.indices.reversed() where self.name(at: index).equals("forwarded") {
            let value = self.value(at: index)
            for element in value.elements(separatedBy: ASCII.comma).reversed() {
                var address: IPAddress?
                var scheme: Bool?
                let pairs = value.extracting(element)
                for pair in pairs.elements(separatedBy: ASCII.semicolon) {
                    let text = pairs.extracting(pair).trimmed
                    guard let equals = text.firstIndex(of: ASCII.equals) else { continue }
                    let name = text.extracting(0..<equals)
                    let content = text.extracting(equals + 1..<text.count).unquoted
                    if name.equalsIgnoringCase("for") { address = IPAddress(parsingNode: content) }
                    if name.equalsIgnoringCase("proto") { scheme = Self.isSecure(scheme: content) }
                }
                guard let address else { return ForwardedClient(address: client, isSecure: isSecure, port: nil) }
                client = address
                isSecure = scheme
                guard isTrusted(address) else { return ForwardedClient(address: client, isSecure: isSecure, port: nil) }
            }
        }
        return ForwardedClient(address: client, isSecure: isSecure, port: nil)
    }
}

extension IPAddress {
    /// Reads an address as proxies write it: alone, with a port, an IPv6 one in brackets or not (RFC 7239 §6).
    init?(parsingNode text: Span<UInt8>) {
        if let first = text.indices.first, text[first] == ASCII.openBracket {
            guard let close = text.firstIndex(of: ASCII.closeBracket),
                Self.isPort(text.extracting(close + 1..<text.count))
            else { return nil }
            self.init(parsingV6: text.extracting(1..<close))
            return
        }
        if let colon = text.firstIndex(of: ASCII.colon), text.firstIndex(of: ASCII.colon, from: colon + 1) == nil {
            guard Self.isPort(text.extracting(colon..<text.count)) else { return nil }
            self.init(parsing: text.extracting(0..<colon))
            return
        }
        self.init(parsing: text)
    }

    /// Nothing, or a colon with a port behind it, which may be obfuscated.
    private static func isPort(_ text: Span<UInt8>) -> Bool {
        guard !text.isEmpty else { return true }
        guard text[0] == ASCII.colon, (2...32).contains(text.count) else { return false }
        for index in 1..<text.count where !ASCII.isDigit(text[index]) && !ASCII.isLetter(text[index]) {
            guard text[index] == ASCII.underscore || text[index] == ASCII.dot || text[index] == ASCII.minus else {
                return false
            }
        }
        return true
    }
}

extension Span where Element == UInt8 {
    /// Where the parts lie between separators that are not quoted (RFC 9110 §5.6.4). Empty parts are left out.
    fileprivate func elements(separatedBy separator: UInt8) -> [Range<Int>] {
        var elements: [Range<Int>] = []
        var start = 0
        var isQuoted = false
        var index = 0
        while index < self.count {
            let byte = self[index]
            if isQuoted, byte == UInt8(ascii: "\\") {
                index += 1
            } else if byte == ASCII.quote {
                isQuoted.toggle()
            } else if byte == separator, !isQuoted {
                if index > start { elements.append(start..<index) }
                start = index + 1
            }
            index += 1
        }
        if self.count > start { elements.append(start..<self.count) }
        return elements.filter { !self.extracting($0).trimmed.isEmpty }
    }

    /// What stands between quotation marks, or all of it. No address and no scheme holds an escaped character.
    fileprivate var unquoted: Span<UInt8> {
        @_lifetime(copy self)
        get {
            guard self.count >= 2, self[0] == ASCII.quote, self[self.count - 1] == ASCII.quote else { return self }
            return self.extracting(1..<self.count - 1)
        }
    }
}
