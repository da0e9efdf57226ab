import Bytes

/// A client of the Lambda Runtime API: one keep-alive connection, one invocation at a time.
struct RuntimeConnection: ~Copyable {
    private let socket: Socket
    private let address: RuntimeAddress
    /// Bytes that were received and belong to what is read next.
    private var input = ByteBuffer()
    private var output = ByteBuffer()

    /// What an answer's head and its body may take.
    private static let headLimit = 64 * 1024
    private static let bodyLimit = 8 * 1024 * 1024

    /// Connects.
    init(to address: RuntimeAddress) throws(RuntimeFailure) {
        self.socket = try Socket(connectingTo: address)
        self.address = address
    }

    /// Asks for the next event, and waits for it as long as it takes.
    mutating func next() throws(RuntimeFailure) -> Invocation {
        self.output.append("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: \(self.address.host)\r\n\r\n")
        try self.flush()
        let answer = try self.readAnswer()
        guard answer.status == 200 else { throw .badAnswer("\(answer.status) to next") }
        guard let identifier = answer.fields["lambda-runtime-aws-request-id"] else {
            throw .badAnswer("an event without Lambda-Runtime-Aws-Request-Id")
        }
        return Invocation(identifier: identifier, event: answer.body)
    }

    /// Posts a whole answer: the JSON document that Lambda's buffered format asks for.
    mutating func respond(to invocation: Invocation, json: String) throws(RuntimeFailure) {
        self.appendResponseHead(
            to: invocation, fields: "Content-Type: application/json\r\nContent-Length: \(json.utf8.count)\r\n")
        self.output.append(json)
        try self.flush()
        try self.readAcknowledgement()
    }

    /// Begins a streamed answer. The prelude goes out with the first piece, as it does in the runtime for Node.js.
    mutating func beginStream(to invocation: Invocation, prelude: String) {
        self.appendResponseHead(
            to: invocation,
            fields: """
                Content-Type: application/vnd.awslambda.http-integration-response\r
                Lambda-Runtime-Function-Response-Mode: streaming\r
                Transfer-Encoding: chunked\r\n
                """)
        let delimiter = [UInt8](repeating: 0, count: 8)
        self.append(chunkOf: prelude.utf8.count + delimiter.count)
        self.output.append(prelude)
        self.output.append(delimiter)
        self.output.append("\r\n")
    }

    /// Sends one piece of a streamed answer at once.
    mutating func send(_ piece: Span<UInt8>) throws(RuntimeFailure) {
        // A chunk of length zero would end the body (RFC 9112 §7.1).
        if !piece.isEmpty {
            self.append(chunkOf: piece.count)
            self.output.append(piece)
            self.output.append("\r\n")
        }
        try self.flush()
    }

    /// Ends a streamed answer well.
    mutating func endStream() throws(RuntimeFailure) {
        self.output.append("0\r\n\r\n")
        try self.flush()
        try self.readAcknowledgement()
    }
}

/// Writing.
extension RuntimeConnection {
    private mutating func appendResponseHead(to invocation: Invocation, fields: String) {
        self.output.append("POST /2018-06-01/runtime/invocation/\(invocation.identifier)/response HTTP/1.1\r\n")
        self.output.append("Host: \(self.address.host)\r\n")
        self.output.append(fields)
        self.output.append("\r\n")
    }

    private mutating func append(chunkOf count: Int) {
        self.output.append(hexadecimal: UInt64(count))
        self.output.append("\r\n")
    }

    private mutating func flush() throws(RuntimeFailure) {
        try self.socket.write(self.output.bytes)
        self.output.removeAll()
    }
}

/// Reading.
extension RuntimeConnection {
    private struct Answer {
        var status: Int
        var fields: [String: String]
        var body: [UInt8]
    }

    private mutating func readAcknowledgement() throws(RuntimeFailure) {
        let answer = try self.readAnswer()
        guard answer.status == 202 else {
            throw .badAnswer("\(answer.status) to a response: \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    private mutating func readAnswer() throws(RuntimeFailure) -> Answer {
        let statusLine = try self.readLine()
        let words = statusLine.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw .badAnswer("something that is no HTTP/1.1")
        }
        var answer = Answer(status: status, fields: [:], body: [])
        var headBytes = statusLine.utf8.count
        while true {
            let line = try self.readLine()
            if line.isEmpty { break }
            headBytes += line.utf8.count
            guard headBytes <= Self.headLimit, let colon = line.firstIndex(of: ":") else {
                throw .badAnswer("a head that cannot be read")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            answer.fields[line[..<colon].lowercased()] = String(value)
        }
        if answer.fields["transfer-encoding"] == "chunked" {
            try self.readChunks(into: &answer.body)
        } else if let length = Int(answer.fields["content-length"] ?? "0") {
            try self.read(length, into: &answer.body)
        }
        return answer
    }

    private mutating func readChunks(into body: inout [UInt8]) throws(RuntimeFailure) {
        while true {
            let size = try self.readLine().prefix { $0 != ";" }
            guard let count = Int(size, radix: 16) else { throw .badAnswer("a chunk without a size") }
            if count == 0 { break }
            try self.read(count, into: &body)
            _ = try self.readLine()
        }
        while try !self.readLine().isEmpty {}
    }

    private mutating func read(_ count: Int, into body: inout [UInt8]) throws(RuntimeFailure) {
        guard count >= 0, body.count + count <= Self.bodyLimit else { throw .badAnswer("more than an event can be") }
        while self.input.count < count { try self.socket.read(into: &self.input) }
        body.append(contentsOf: self.input.bytes.extracting(first: count).array())
        self.input.consume(count)
    }

    private mutating func readLine() throws(RuntimeFailure) -> String {
        while true {
            if let end = self.input.bytes.firstIndex(of: ASCII.lineFeed) {
                var line = self.input.bytes.extracting(first: end).string()
                if line.utf8.last == ASCII.carriageReturn { line.unicodeScalars.removeLast() }
                self.input.consume(end + 1)
                return line
            }
            guard self.input.count <= Self.headLimit else { throw .badAnswer("a line without an end") }
            try self.socket.read(into: &self.input)
        }
    }
}
