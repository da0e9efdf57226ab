/// An HTTP answer as a client has seen it.
struct Answer: Sendable {
    var status = 0
    var version = ""
    /// Names in lower case, in the order in which they came.
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Interim answers that came before it.
    var interim: [Int] = []
    var end = End.open

    /// How the answer ended.
    enum End: Equatable, Sendable {
        /// More is to come.
        case open
        /// As its framing promised.
        case whole
        /// The connection ended first.
        case cut(RawClient.Ending)
        /// With the connection, as its framing wants it.
        case untilClose
    }

    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The values of a field, in order.
    func all(_ name: String) -> [String] { self.fields.filter { $0.name == name }.map(\.value) }

    /// The value of a field that must not come twice.
    subscript(_ name: String) -> String? {
        let values = self.all(name)
        return values.count > 1 ? "repeated: \(values)" : values.first
    }

    var isChunked: Bool { self["transfer-encoding"] == "chunked" }

    var summary: String {
        "\(self.status) \(self.fields) \(self.text.prefix(200)) (\(self.body.count) bytes, \(self.end))"
    }

    /// The document of an error of the gateway's own.
    var problem: JSONDocument {
        get throws { try JSONDocument(parsing: self.text) }
    }
}

/// Takes the bytes of an answer apart: heads, lengths, chunks. Deliberately strict.
struct AnswerReader: Sendable {
    private(set) var answer = Answer()
    private(set) var hasHead = false
    private let method: String
    private var bytes: [UInt8] = []
    private var position = 0
    private var framing = Framing.none
    /// What was wrong with the framing; then the answer never becomes whole.
    private(set) var fault: String?

    private enum Framing: Equatable {
        case none
        case length(Int)
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case lastChunk
        case untilClose
    }

    init(method: String) {
        self.method = method
    }

    var isComplete: Bool { self.answer.end != .open || self.fault != nil }

    /// What came behind the answer.
    var rest: [UInt8] { Array(self.bytes[self.position...]) }

    mutating func feed(_ more: [UInt8]) {
        if self.position > 1 << 20 {
            self.bytes.removeFirst(self.position)
            self.position = 0
        }
        self.bytes += more
        while !self.isComplete, self.advance() {}
    }

    mutating func connectionEnded(_ ending: RawClient.Ending) {
        if self.framing == .untilClose, self.hasHead, ending == .closed {
            self.answer.end = .untilClose
        } else if !self.isComplete {
            self.answer.end = .cut(ending)
        }
    }

    private mutating func advance() -> Bool {
        guard self.hasHead else { return self.readHead() }
        switch self.framing {
        case .none:
            self.answer.end = .whole
            return false
        case .length(let left):
            let taken = self.take(atMost: left)
            self.framing = left == taken ? .none : .length(left - taken)
            return left == taken
        case .untilClose:
            _ = self.take(atMost: .max)
            return false
        case .chunkSize:
            guard let line = self.line() else { return false }
            guard let size = Int(line, radix: 16), line == line.lowercased() else {
                self.fault = "chunk size \(line)"
                return false
            }
            self.framing = size == 0 ? .lastChunk : .chunk(size)
            return true
        case .chunk(let left):
            let taken = self.take(atMost: left)
            self.framing = left == taken ? .chunkEnd : .chunk(left - taken)
            return left == taken
        case .chunkEnd:
            guard let line = self.line() else { return false }
            if !line.isEmpty { self.fault = "behind a chunk: \(line)" }
            self.framing = .chunkSize
            return true
        case .lastChunk:
            guard let line = self.line() else { return false }
            if !line.isEmpty { self.fault = "trailer \(line)" }
            self.framing = .none
            return true
        }
    }

    private mutating func readHead() -> Bool {
        let end = Array("\r\n\r\n".utf8)
        guard self.bytes.count - self.position >= 4 else { return false }
        var index = self.position
        while index + 4 <= self.bytes.count, !self.bytes[index..<index + 4].elementsEqual(end) { index += 1 }
        guard index + 4 <= self.bytes.count else { return false }
        let lines = String(decoding: self.bytes[self.position..<index], as: UTF8.self).split(separator: "\r\n")
        self.position = index + 4
        let first = lines[0].split(separator: " ", maxSplits: 2)
        let status = first.count > 1 ? Int(first[1]) ?? 0 : 0
        if (100..<200).contains(status) {
            self.answer.interim.append(status)
            return true
        }
        self.answer.status = status
        self.answer.version = String(first[0])
        self.answer.fields = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().drop { $0 == " " }
            return (line[..<colon].lowercased(), String(value))
        }
        self.hasHead = true
        if self.method == "HEAD" || status == 204 || status == 304 {
            self.framing = .none
        } else if self.answer.isChunked {
            if self.answer["content-length"] != nil { self.fault = "content-length and transfer-encoding" }
            self.framing = .chunkSize
        } else if let length = self.answer["content-length"] {
            guard let count = Int(length) else {
                self.fault = "content-length \(length)"
                return false
            }
            self.framing = count == 0 ? .none : .length(count)
        } else {
            self.framing = .untilClose
        }
        return true
    }

    /// Moves bytes to the body; answers how many.
    private mutating func take(atMost count: Int) -> Int {
        let taken = min(count, self.bytes.count - self.position)
        self.answer.body += self.bytes[self.position..<self.position + taken]
        self.position += taken
        return taken
    }

    /// A line that has come whole, without its end.
    private mutating func line() -> String? {
        guard let end = self.bytes[self.position...].firstIndex(of: 0x0a) else { return nil }
        guard end > self.position, self.bytes[end - 1] == 0x0d else {
            self.fault = "a line without CR"
            return nil
        }
        let line = String(decoding: self.bytes[self.position..<end - 1], as: UTF8.self)
        self.position = end + 1
        return line
    }
}
