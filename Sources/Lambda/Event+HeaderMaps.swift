internal import Bytes
internal import HTTP
internal import JSON

/// How the events of REST APIs and load balancers have headers.
struct HeaderMapStyle {
    /// Names as the client wrote them, and the gateway's own with capitals; else all in lower case.
    var keepsSpelling = false
    /// Each name with a list of all its values; else with the last one.
    var hasLists = false
    /// Whether Content-Length is told.
    var hasContentLength = true
    /// Whether the request's id is among the headers, as events have it that name it nowhere else.
    var addsRequestID = false
}

/// The lines of a head, looked at once for both maps of an event.
struct HeaderMapLines {
    private(set) var lines: [EventFieldLine] = []
    private(set) var walk = EventFieldWalk()

    init(_ fields: Fields) {
        self.lines.reserveCapacity(fields.count)
        for index in fields.indices { self.lines.append(self.walk.line(for: fields.name(at: index), at: index)) }
        // A later line of the same name is told with the first one.
        for index in fields.indices where self.lines[index].isTold && self.walk.mayRepeat(self.lines[index].fingerprint)
        {
            for later in index + 1..<fields.count
            where self.lines[later].isTold && fields.name(at: later).equals(fields.name(at: index)) {
                self.lines[later].kind = .repeated
            }
        }
    }
}

extension EventFieldLine {
    fileprivate var isTold: Bool {
        switch self.kind {
        case .plain, .cookie, .requestID: true
        case .dropped, .repeated: false
        }
    }
}

extension ByteBuffer {
    /// Appends an object with the headers of a request.
    mutating func append(
        headerMapOf head: borrowing RequestHead, context: borrowing EventContext, lines: HeaderMapLines,
        style: HeaderMapStyle
    ) {
        let fields = head.fields
        self.append(ASCII.openBrace)
        self.append(name: "x-forwarded-for", "X-Forwarded-For", style)
        self.append(forwardedForOf: head, context: context, first: lines.walk.forwardedFor)
        self.endHeader(style)
        self.append(ASCII.comma)
        self.append(name: "x-forwarded-port", "X-Forwarded-Port", style)
        self.append(decimal: context.port)
        self.endHeader(style)
        self.append(ASCII.comma)
        self.append(name: "x-forwarded-proto", "X-Forwarded-Proto", style)
        self.append(context.scheme)
        self.endHeader(style)
        if let authority = head.authority {
            self.append(ASCII.comma)
            self.append(name: "host", "Host", style)
            self.append(eventHost: authority)
            self.endHeader(style)
        }
        if !context.traceID.isEmpty {
            self.append(ASCII.comma)
            self.append(name: "x-amzn-trace-id", "X-Amzn-Trace-Id", style)
            self.append(jsonEscaping: context.traceID.bytes)
            self.endHeader(style)
        }
        if style.addsRequestID {
            self.append(ASCII.comma)
            self.append(name: "x-request-id", "x-request-id", style)
            self.append(jsonEscaping: context.requestID.bytes)
            self.endHeader(style)
        }
        for index in fields.indices where lines.lines[index].isTold {
            let name = fields.name(at: index)
            if !style.hasContentLength, name.equals("content-length") { continue }
            let isRequestID = lines.lines[index].kind == .requestID
            if isRequestID, style.addsRequestID { continue }
            self.append(ASCII.comma)
            self.append(spelledNameAt: index, of: fields, style)
            if isRequestID {
                self.append(jsonEscaping: context.requestID.bytes)
            } else {
                self.append(valuesFrom: index, of: fields, lines, style)
            }
            self.endHeader(style)
        }
        self.append(ASCII.closeBrace)
    }

    private mutating func append(
        valuesFrom first: Int, of fields: Fields, _ lines: HeaderMapLines, _ style: HeaderMapStyle
    ) {
        guard lines.walk.mayRepeat(lines.lines[first].fingerprint) else {
            self.append(jsonEscaping: fields.value(at: first))
            return
        }
        let name = fields.name(at: first)
        if lines.lines[first].kind == .cookie {
            // RFC 9113 §8.2.3: one header, however many lines the client made of it.
            self.append(jsonEscaping: fields.value(at: first))
            for later in first + 1..<fields.count
            where lines.lines[later].kind == .repeated && fields.name(at: later).equals(name) {
                self.append("; ")
                self.append(jsonEscaping: fields.value(at: later))
            }
            return
        }
        var last = first
        if style.hasLists { self.append(jsonEscaping: fields.value(at: first)) }
        for later in first + 1..<fields.count
        where lines.lines[later].kind == .repeated && fields.name(at: later).equals(name) {
            last = later
            guard style.hasLists else { continue }
            self.append(#"",""#)
            self.append(jsonEscaping: fields.value(at: later))
        }
        if !style.hasLists { self.append(jsonEscaping: fields.value(at: last)) }
    }

    private mutating func append(name: StaticString, _ spelled: StaticString, _ style: HeaderMapStyle) {
        self.append(ASCII.quote)
        self.append(style.keepsSpelling ? spelled : name)
        self.beginValue(style)
    }

    private mutating func append(spelledNameAt index: Int, of fields: Fields, _ style: HeaderMapStyle) {
        let name = fields.name(at: index)
        let capitals = fields.capitals(at: index)
        self.append(ASCII.quote)
        // REST APIs write these two their own way, and every other name as it came.
        if style.keepsSpelling, name.equals("user-agent") {
            self.append("User-Agent")
        } else if style.keepsSpelling, name.equals("authorization") {
            self.append("Authorization")
        } else if style.keepsSpelling, capitals != 0 {
            var spelled = name.array()
            for position in spelled.indices where position < 64 && capitals >> UInt64(position) & 1 == 1 {
                spelled[position] &= ~0x20
            }
            self.append(jsonEscaping: spelled.span)
        } else {
            self.append(jsonEscaping: name)
        }
        self.beginValue(style)
    }

    private mutating func beginValue(_ style: HeaderMapStyle) {
        self.append(style.hasLists ? #"":[""# as StaticString : #"":""#)
    }

    private mutating func endHeader(_ style: HeaderMapStyle) {
        self.append(style.hasLists ? #""]"# as StaticString : #"""#)
    }
}
