internal import Bytes
internal import HTTP
internal import JSON

/// What the walk over the fields has found for other parts of the event.
struct EventFieldMarks {
    var userAgent: Int?
    var contentType: Int?
    var hasContentEncoding = false
}

extension ByteBuffer {
    /// Appends `"cookies"` (where there are any) and `"headers"` of payload 2.0, each with the comma in front of it.
    /// HTTP APIs have the cookies in the one only, and tell nothing of TLS.
    mutating func appendFields(
        of head: borrowing RequestHead, context: borrowing EventContext, isHTTPAPI: Bool
    ) -> EventFieldMarks {
        let fields = head.fields
        return unsafe withUnsafeTemporaryAllocation(of: EventFieldLine.self, capacity: fields.count) { storage in
            // SAFETY: each element is initialised before it is read; the type is trivial.
            let lines = unsafe storage
            var walk = EventFieldWalk()
            for index in fields.indices {
                unsafe lines.initializeElement(at: index, to: walk.line(for: fields.name(at: index), at: index))
            }
            if walk.hasCookies {
                // A Cookie field may hold nothing but separators; then there is no array either.
                var isFirst = true
                for index in fields.indices where unsafe lines[index].kind == .cookie {
                    self.append(cookiesOf: fields.value(at: index), isFirst: &isFirst)
                }
                if !isFirst { self.append(ASCII.closeBracket) }
            }
            var hasRequestID = false
            self.append(#","headers":{"#)
            self.appendOwnHeaders(of: head, context: context, forwardedFor: walk.forwardedFor, tellsTLS: !isHTTPAPI)
            for index in fields.indices {
                let line = unsafe lines[index]
                switch line.kind {
                case .dropped, .repeated: continue
                case .cookie where isHTTPAPI: continue
                case .requestID:
                    if hasRequestID { continue }
                    hasRequestID = true
                    self.append(#","x-request-id":"#)
                    self.append(jsonString: context.requestID)
                case .plain, .cookie:
                    self.append(jsonMember: fields.name(at: index), fields.value(at: index))
                    // Lines of one name are joined in order. RFC 9113 §8.2.3 joins cookies with a semicolon.
                    if walk.mayRepeat(line.fingerprint) {
                        self.truncate(to: self.count - 1)
                        let separator: StaticString = line.kind == .cookie ? "; " : ","
                        for later in index + 1..<fields.count
                        where unsafe lines[later].fingerprint == line.fingerprint && lines[later].kind == line.kind
                            && fields.name(at: later).equals(fields.name(at: index))
                        {
                            unsafe lines[later].kind = .repeated
                            self.append(separator)
                            self.append(jsonEscaping: fields.value(at: later))
                        }
                        self.append(ASCII.quote)
                    }
                }
            }
            self.append(UInt8(ascii: "}"))
            return walk.marks
        }
    }

    /// Appends the headers that only the gateway may set.
    private mutating func appendOwnHeaders(
        of head: borrowing RequestHead, context: borrowing EventContext, forwardedFor: Int?, tellsTLS: Bool
    ) {
        self.append(#""x-forwarded-for":""#)
        self.append(forwardedForOf: head, context: context, first: forwardedFor)
        self.append(#"","x-forwarded-port":""#)
        self.append(decimal: context.port)
        self.append(#"","x-forwarded-proto":""#)
        self.append(context.scheme)
        self.append(ASCII.quote)
        if let authority = head.authority {
            self.append(#","host":""#)
            self.append(eventHost: authority)
            self.append(ASCII.quote)
        }
        if !context.traceID.isEmpty {
            self.append(#","x-amzn-trace-id":"#)
            self.append(jsonString: context.traceID)
        }
        if tellsTLS, let tls = context.connection.tls {
            self.append(#","x-amzn-tls-version":"#)
            self.append(jsonString: tls.version)
            self.append(#","x-amzn-tls-cipher-suite":"#)
            self.append(jsonString: tls.cipherSuite)
        }
    }

    /// Appends host and port as text between quotes.
    mutating func append(eventHost authority: Authority) {
        self.append(jsonEscaping: authority.host.utf8.span)
        if let port = authority.port {
            self.append(ASCII.colon)
            self.append(decimal: port)
        }
    }

    /// Appends the value of X-Forwarded-For as text between quotes: what trusted proxies said, and the peer's address.
    mutating func append(
        forwardedForOf head: borrowing RequestHead, context: borrowing EventContext, first: Int?
    ) {
        if context.connection.keepsForwardedFor, let first {
            var index: Int? = first
            while let line = index {
                self.append(jsonEscaping: head.fields.value(at: line))
                self.append(", ")
                index = head.fields.firstIndex(of: "x-forwarded-for", from: line + 1)
            }
        } else if context.connection.keepsForwardedFor, context.sourceAddress != context.connection.peerAddress {
            // The proxy said it in `Forwarded`.
            self.append(jsonEscaping: context.sourceAddress.utf8.span)
            self.append(", ")
        }
        self.append(jsonEscaping: context.connection.peerAddress.utf8.span)
    }

    /// Appends the cookies of one Cookie line: split at `;`, trimmed, otherwise as they came.
    private mutating func append(cookiesOf value: Span<UInt8>, isFirst: inout Bool) {
        var start = 0
        while start < value.count {
            let end = value.firstIndex(of: ASCII.semicolon, from: start) ?? value.count
            let cookie = value.extracting(start..<end).trimmed
            if !cookie.isEmpty {
                self.append(isFirst ? #","cookies":["# as StaticString : ",")
                self.append(jsonString: cookie)
                isFirst = false
            }
            start = end + 1
        }
    }
}

/// What becomes of one field line.
struct EventFieldLine: BitwiseCopyable {
    enum Kind: BitwiseCopyable {
        case plain
        case cookie
        /// The client's `x-request-id`, in whose place ours stands.
        case requestID
        /// Not for the function.
        case dropped
        /// Joined to an earlier line of its name.
        case repeated
    }

    var kind: Kind
    var fingerprint: UInt64
}

/// Looks at each name once, and finds out which lines are for the function and which names may stand twice.
///
/// What belongs to the connection is gone already (`Fields.removeUnforwardable`); dropped here is what the gateway
/// states itself.
struct EventFieldWalk {
    var marks = EventFieldMarks()
    var forwardedFor: Int?
    var hasCookies = false
    /// A bit for each name that was seen, and for each that was seen when its bit was there already.
    private var seen: UInt64 = 0
    private var repeated: UInt64 = 0

    /// Whether a line of the same name may follow. Never wrong where it says no.
    func mayRepeat(_ fingerprint: UInt64) -> Bool {
        self.repeated & (1 << (fingerprint >> 58)) != 0
    }

    mutating func line(for name: Span<UInt8>, at index: Int) -> EventFieldLine {
        let fingerprint = name.nameFingerprint
        let bit: UInt64 = 1 << (fingerprint >> 58)
        self.repeated |= self.seen & bit
        self.seen |= bit
        return EventFieldLine(kind: self.kind(of: name, at: index), fingerprint: fingerprint)
    }

    private mutating func kind(of name: Span<UInt8>, at index: Int) -> EventFieldLine.Kind {
        // PERF: the first letter and the length tell most names from all that are looked for.
        guard let first = name.indices.first.map({ name[$0] }) else { return .dropped }
        switch first {
        case UInt8(ascii: "c"):
            switch name.count {
            case 6 where name.equals("cookie"):
                self.hasCookies = true
                return .cookie
            case 12 where name.equals("content-type"):
                self.marks.contentType = self.marks.contentType ?? index
            case 16 where name.equals("content-encoding"):
                self.marks.hasContentEncoding = true
            default:
                break
            }
            return .plain
        case UInt8(ascii: "u"):
            if name.equals("user-agent") { self.marks.userAgent = self.marks.userAgent ?? index }
            return .plain
        case UInt8(ascii: "x"):
            switch name.count {
            case 12 where name.equals("x-request-id"):
                return .requestID
            case 15 where name.equals("x-forwarded-for"):
                self.forwardedFor = self.forwardedFor ?? index
                return .dropped
            case 15 where name.equals("x-amzn-trace-id"), 16 where name.equals("x-forwarded-port"),
                17 where name.equals("x-forwarded-proto"), 18 where name.equals("x-amzn-tls-version"),
                23 where name.equals("x-amzn-tls-cipher-suite"):
                return .dropped
            default:
                return .plain
            }
        case UInt8(ascii: "h"):
            return name.equals("host") ? .dropped : .plain
        default:
            return .plain
        }
    }
}
