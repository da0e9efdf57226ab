internal import Bytes
internal import HTTP
internal import JSON

/// The members of the JSON object that heads an answer: of a prelude, or of a buffered answer.
///
///     {"statusCode":201,"headers":{"content-type":"text/plain"},"multiValueHeaders":{},"cookies":["a=1; Path=/"]}
///
/// The object is walked once, and the fields are gathered on the way. Only where members stand in an odd order, or
/// twice, are they walked again: of a repeated one the last counts, and `multiValueHeaders` come before `headers`.
/// Other members are ignored.
struct AnswerDocument: ~Copyable, ~Escapable {
    private let text: Span<UInt8>
    private var statusCode: Range<Int>?
    private var headers: Range<Int>?
    private var multiValueHeaders: Range<Int>?
    private var cookies: Range<Int>?
    private var body: Range<Int>?
    private var isBase64Encoded: Range<Int>?
    /// The fields gathered so far, and whether they are the right ones.
    private var gathered = AnswerFields()
    /// Those of them that come from `multiValueHeaders`.
    private var multiValueLines = 0..<0
    private var isInOrder = true
    /// Whether there is any member, and the first one that no answer has.
    private(set) var isEmpty = true
    private(set) var unknownMember: String?
    /// A member of a kind that it cannot have; no fault unless the object is taken for an answer.
    private var fault: AnswerError?

    /// Room for many times more than any head has, and bounded: a gathered answer may be any JSON.
    static let limits = JSONLimits(depth: 512, values: .max)

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) throws(AnswerError) {
        self.text = text
        do throws(JSONError) {
            var reader = JSONReader(text, limits: Self.limits)
            guard try reader.peek() == .object else {
                try reader.skipValue()
                try reader.finish()
                throw JSONError(.unexpectedKind, at: 0)
            }
            try reader.enterObject()
            while let key = try reader.nextKey() { try self.readMember(key, from: &reader) }
            try reader.finish()
        } catch {
            throw error.reason == .unexpectedKind ? .notObject : .notJSON(error)
        }
    }

    private mutating func readMember(_ key: JSONReader.Text, from reader: inout JSONReader) throws(JSONError) {
        self.isEmpty = false
        switch Member(key, of: reader) {
        case .statusCode:
            self.statusCode = try reader.skipValue()
        case .headers:
            self.isInOrder = self.isInOrder && self.headers == nil
            let known = self.multiValueLines
            if self.gathered.fields.isEmpty { self.gathered.reserve(bytes: min(self.text.count + 64, 1024)) }
            self.headers = try self.gather("headers", from: &reader) { (fields, reader) throws(JSONError) in
                try fields.append(headersOf: &reader, besides: known)
            }
        case .multiValueHeaders:
            self.isInOrder = self.isInOrder && self.headers == nil && self.multiValueHeaders == nil
            let start = self.gathered.fields.count
            self.multiValueHeaders = try self.gather("multiValueHeaders", from: &reader) {
                (fields, reader) throws(JSONError) in
                try fields.append(headersOf: &reader, besides: 0..<0)
            }
            self.multiValueLines = start..<self.gathered.fields.count
        case .cookies:
            self.isInOrder = self.isInOrder && self.cookies == nil
            self.cookies = try self.gather("cookies", from: &reader) { (fields, reader) throws(JSONError) in
                try fields.append(cookiesOf: &reader)
            }
        case .body:
            self.body = try reader.skipValue()
        case .isBase64Encoded:
            self.isBase64Encoded = try reader.skipValue()
        case nil:
            if self.unknownMember == nil { self.unknownMember = reader.source(of: key).string() }
            try reader.skipValue()
        }
    }

    /// Gathers the fields of a member, and gives its place. A value of the wrong kind is noted and skipped.
    private mutating func gather(
        _ name: String, from reader: inout JSONReader,
        _ append: (inout AnswerFields, inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) -> Range<Int> {
        let before = reader
        let start = before.position
        do throws(JSONError) {
            try append(&self.gathered, &reader)
            return start..<reader.position
        } catch {
            guard error.reason == .unexpectedKind else { throw error }
            self.fault = self.fault ?? .badMember(name)
            reader = before
            return try reader.skipValue()
        }
    }

    /// Whether there is a `statusCode`, which is what makes an object an answer.
    var hasStatusCode: Bool { self.statusCode != nil }

    /// Whether there are cookies, which only payload 2.0 and preludes have.
    var hasCookies: Bool { self.cookies != nil }

    /// The status: 200 where none is given; a number or, unless it must be a number, its digits, from 200 to 599.
    func status(mustBeNumber: Bool = false) throws(AnswerError) -> Int {
        guard let range = self.statusCode else { return 200 }
        let source = self.text.extracting(range)
        if source.equals("null") { return 200 }
        let isQuoted = source[0] == ASCII.quote
        let digits = isQuoted ? source.extracting(1..<source.count - 1) : source.withoutZeroFraction
        // A 1xx is never the last word of an answer (RFC 9110 §15.2).
        guard !(isQuoted && mustBeNumber), digits.count == 3, let status = digits.decimal(),
            (200...599).contains(status)
        else {
            throw .badStatus(source.extracting(0..<min(source.count, 64)).string())
        }
        return status
    }

    /// The fields: those of `multiValueHeaders`, those of `headers` that have no name of these, and the cookies. To be
    /// called once.
    mutating func takeFields() throws(AnswerError) -> AnswerFields {
        if let fault = self.fault { throw fault }
        if self.isInOrder {
            // PERF: handed over, as a copy would count three references, and copy the bytes with the next line.
            var fields = AnswerFields()
            swap(&fields, &self.gathered)
            return fields
        }
        var fields = try self.fields(of: self.multiValueHeaders)
        do throws(JSONError) {
            if let range = self.headers {
                var reader = JSONReader(self.text.extracting(range), limits: Self.limits)
                try fields.append(headersOf: &reader, besides: 0..<fields.fields.count)
            }
            if let range = self.cookies {
                var reader = JSONReader(self.text.extracting(range), limits: Self.limits)
                try fields.append(cookiesOf: &reader)
            }
        } catch {
            throw .notJSON(error)
        }
        return fields
    }

    /// The fields as REST APIs take them: those of `multiValueHeaders`, and those of `headers` that are not the same
    /// line.
    func mergedFields() throws(AnswerError) -> AnswerFields {
        if let fault = self.fault { throw fault }
        var fields = try self.fields(of: self.multiValueHeaders)
        let count = fields.fields.count
        guard let range = self.headers else { return fields }
        do throws(JSONError) {
            var reader = JSONReader(self.text.extracting(range), limits: Self.limits)
            try fields.append(headersOf: &reader, besides: 0..<0)
        } catch {
            throw .notJSON(error)
        }
        fields.removeRepeatedLines(from: count)
        return fields
    }

    /// The fields as load balancers take them: those of the one member that is configured, else those of the other.
    func fields(preferringLists: Bool) throws(AnswerError) -> AnswerFields {
        if let fault = self.fault { throw fault }
        let lists = self.multiValueHeaders
        return try self.fields(of: preferringLists ? lists ?? self.headers : self.headers ?? lists)
    }

    private func fields(of range: Range<Int>?) throws(AnswerError) -> AnswerFields {
        var fields = AnswerFields()
        guard let range else { return fields }
        do throws(JSONError) {
            var reader = JSONReader(self.text.extracting(range), limits: Self.limits)
            try fields.append(headersOf: &reader, besides: 0..<0)
        } catch {
            throw .notJSON(error)
        }
        return fields
    }

    /// Appends the body of a buffered answer: its text, or what the text encodes.
    func appendBody(to buffer: inout ByteBuffer, decodesBase64: Bool = true) throws(AnswerError) {
        guard let range = self.body, !self.text.extracting(range).equals("null") else { return }
        let source = self.text.extracting(range)
        guard source[0] == ASCII.quote else { throw .badMember("body") }
        let string = source.extracting(1..<source.count - 1)
        let flag = self.text.extracting(self.isBase64Encoded ?? 0..<0)
        if flag.isEmpty || flag.equals("false") || flag.equals("null") {
            buffer.append(unescaping: string)
            return
        }
        guard flag.equals("true") else { throw .badMember("isBase64Encoded") }
        guard decodesBase64 else {
            buffer.append(unescaping: string)
            return
        }
        guard string.holds(ASCII.backslash) else {
            guard Base64.decode(string, into: &buffer) else { throw .badBase64 }
            return
        }
        // JSON may have escaped a slash.
        var scratch = ByteBuffer()
        scratch.append(unescaping: string)
        guard Base64.decode(scratch.bytes, into: &buffer) else { throw .badBase64 }
    }
}

/// The members that mean something.
private enum Member {
    case statusCode
    case headers
    case multiValueHeaders
    case cookies
    case body
    case isBase64Encoded

    init?(_ key: JSONReader.Text, of reader: borrowing JSONReader) {
        if key.hasEscapes {
            var scratch = ByteBuffer()
            scratch.append(unescaping: reader.source(of: key))
            self.init(scratch.bytes)
        } else {
            self.init(reader.source(of: key))
        }
    }

    private init?(_ name: Span<UInt8>) {
        switch name.count {
        case 4 where name.equals("body"): self = .body
        case 7 where name.equals("headers"): self = .headers
        case 7 where name.equals("cookies"): self = .cookies
        case 10 where name.equals("statusCode"): self = .statusCode
        case 15 where name.equals("isBase64Encoded"): self = .isBase64Encoded
        case 17 where name.equals("multiValueHeaders"): self = .multiValueHeaders
        default: return nil
        }
    }
}

extension Span where Element == UInt8 {
    /// Whether this is one JSON document.
    var isJSON: Bool {
        do throws(JSONError) {
            var reader = JSONReader(self, limits: AnswerDocument.limits)
            try reader.skipValue()
            try reader.finish()
            return true
        } catch {
            return false
        }
    }

    /// A number's text without the `.0` that some languages give to whole numbers.
    fileprivate var withoutZeroFraction: Span<UInt8> {
        @_lifetime(copy self)
        get {
            guard let dot = self.firstIndex(of: ASCII.dot) else { return self }
            for index in dot + 1..<self.count where self[index] != ASCII.zero { return self }
            return self.extracting(0..<dot)
        }
    }
}
