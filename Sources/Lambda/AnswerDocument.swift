internal import Bytes
internal import HTTP
internal import JSON

/// The members of the JSON object that heads an answer: of a prelude, or of a buffered answer.
///
///     {"statusCode":201,"headers":{"content-type":"text/plain"},"multiValueHeaders":{},"cookies":["a=1; Path=/"]}
///
/// The object is walked once to find its members (of a repeated one the last counts) and to check all of it, and then
/// each member where it lies. Other members are ignored.
struct AnswerDocument: ~Escapable {
    private let text: Span<UInt8>
    private var statusCode: Range<Int>?
    private var headers: Range<Int>?
    private var multiValueHeaders: Range<Int>?
    private var cookies: Range<Int>?
    private(set) var body: Range<Int>?
    private(set) var isBase64Encoded: Range<Int>?

    /// Room for what is many times larger than any head, and bounded: gathered answers have bodies of a JSON of their own.
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
            while let key = try reader.nextKey() {
                let range = try reader.skipValue()
                if reader.text(key, equals: "statusCode") {
                    self.statusCode = range
                } else if reader.text(key, equals: "headers") {
                    self.headers = range
                } else if reader.text(key, equals: "multiValueHeaders") {
                    self.multiValueHeaders = range
                } else if reader.text(key, equals: "cookies") {
                    self.cookies = range
                } else if reader.text(key, equals: "body") {
                    self.body = range
                } else if reader.text(key, equals: "isBase64Encoded") {
                    self.isBase64Encoded = range
                }
            }
            try reader.finish()
        } catch {
            throw error.reason == .unexpectedKind ? .notObject : .notJSON(error)
        }
    }

    /// Whether there is a `statusCode`, which is what makes an object an answer.
    var hasStatusCode: Bool { self.statusCode != nil }

    /// The status: 200 where none is given; a number or its digits, from 200 to 599.
    func status() throws(AnswerError) -> Int {
        guard let range = self.statusCode else { return 200 }
        let source = self.text.extracting(range)
        if source.equals("null") { return 200 }
        let isQuoted = source[0] == ASCII.quote
        let digits = isQuoted ? source.extracting(1..<source.count - 1) : source.withoutZeroFraction
        // A 1xx is never the last word of an answer (RFC 9110 §15.2).
        guard digits.count == 3, let status = digits.decimal, (200...599).contains(status) else {
            throw .badStatus(source.extracting(0..<min(source.count, 64)).string())
        }
        return status
    }

    /// The fields: those of `multiValueHeaders`, those of `headers` that have no name of these, and the cookies.
    func fields() throws(AnswerError) -> AnswerFields {
        var fields = AnswerFields()
        // The text has been checked; what can be wrong now is the kind of a value.
        if let range = self.multiValueHeaders {
            do throws(JSONError) {
                try fields.append(headersOf: self.text.extracting(range), besides: 0)
            } catch {
                throw .badMember("multiValueHeaders")
            }
        }
        if let range = self.headers {
            do throws(JSONError) {
                try fields.append(headersOf: self.text.extracting(range), besides: fields.fields.count)
            } catch {
                throw .badMember("headers")
            }
        }
        if let range = self.cookies {
            do throws(JSONError) {
                try fields.append(cookiesOf: self.text.extracting(range))
            } catch {
                throw .badMember("cookies")
            }
        }
        return fields
    }

    /// Appends the body of a buffered answer: its text, or what the text encodes.
    func appendBody(to buffer: inout ByteBuffer) throws(AnswerError) {
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

extension AnswerFields {
    /// Takes an object of headers, except those whose names are among the first `known` fields.
    fileprivate mutating func append(headersOf text: Span<UInt8>, besides known: Int) throws(JSONError) {
        var reader = JSONReader(text, limits: AnswerDocument.limits)
        if try reader.peek() == .null { return }
        var scratch = ByteBuffer()
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key.hasEscapes {
                scratch.removeAll()
                scratch.append(unescaping: reader.source(of: key))
                try self.append(name: scratch.bytes, valuesOf: &reader, besides: known)
            } else {
                try self.append(name: reader.source(of: key), valuesOf: &reader, besides: known)
            }
        }
    }

    /// Takes one value, or each of an array of values; `null` is none.
    private mutating func append(
        name: Span<UInt8>, valuesOf reader: inout JSONReader, besides known: Int
    ) throws(JSONError) {
        for index in 0..<known where name.equalsLowercasing(self.fields.name(at: index)) {
            try reader.skipValue()
            return
        }
        guard try reader.peek() == .array else {
            try self.append(name: name, valueOf: &reader)
            return
        }
        try reader.enterArray()
        while try reader.nextElement() { try self.append(name: name, valueOf: &reader) }
    }

    private mutating func append(name: Span<UInt8>, valueOf reader: inout JSONReader) throws(JSONError) {
        switch try reader.peek() {
        case .string:
            let text = try reader.readString()
            if text.hasEscapes {
                var scratch = ByteBuffer()
                scratch.append(unescaping: reader.source(of: text))
                self.append(name: name, value: scratch.bytes)
            } else {
                self.append(name: name, value: reader.source(of: text))
            }
        case .number, .bool:
            let range = try reader.skipValue()
            self.append(name: name, value: reader.source(at: range))
        case .null:
            try reader.readNull()
        case .array, .object:
            throw JSONError(.unexpectedKind, at: reader.position)
        }
    }

    /// Takes an array of cookies, each of which is a Set-Cookie of its own.
    fileprivate mutating func append(cookiesOf text: Span<UInt8>) throws(JSONError) {
        var reader = JSONReader(text, limits: AnswerDocument.limits)
        if try reader.peek() == .null { return }
        try reader.enterArray()
        let name = "set-cookie".utf8
        while try reader.nextElement() { try self.append(name: name.span, valueOf: &reader) }
    }
}

extension Span where Element == UInt8 {
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
