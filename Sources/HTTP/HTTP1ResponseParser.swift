private import Bytes

/// Reads the answers of one connection: HTTP/1.1 (RFC 9112) in the client role.
///
///     idle ── expectResponse ──▶ head ──┬── no body ───────────────────────────────▶ complete ──▶ idle
///                                ▲  │   ├── length ──▶ body ───────────────────────▶ complete
///                                └──┘   ├── chunked ─▶ chunks ── last ─▶ trailers ─▶ idle
///                                 1xx   └── neither ─▶ untilClose ── receivedEnd ──▶ idle
///     any ── fault ──▶ failed
///
/// As strict as the server role. One request is under way at a time; bytes that come when none is are a fault.
package struct HTTP1ResponseParser: ~Copyable {
    private let limits: HeadLimits
    private var state = State.idle
    private var method = Method.get
    private var interimAnswers = 0
    private var mayKeepAlive = true

    /// Interim answers (1xx) that may come before the real one.
    private static let mostInterimAnswers = 16

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
    }

    /// What was found in the input.
    package enum Event: Equatable, Sendable {
        /// A head, and how long the body is. Zero or more `.body` and exactly one `.end` follow.
        case head(ResponseHead, BodyLength)
        /// Bytes of the body: a range of the input that was given to this call.
        case body(Range<Int>)
        /// The answer is complete. With the trailers of a chunked body.
        case end(Fields)
        /// The input has been taken wholly.
        case needsMore
    }

    /// A request is being sent, whose answer is to be read next. Called before each request.
    package mutating func expectResponse(to method: Method) {
        guard case .idle = self.state else {
            // Left as it is: an answer under way goes on, and a connection that failed stays so.
            assertionFailure("A request was sent before the answer to the last one was complete")
            return
        }
        self.method = method
        self.interimAnswers = 0
        self.state = .beforeHead
    }

    /// Reads on in `input` at `offset`, which moves behind what was taken. Called until it answers `.needsMore`.
    package mutating func next(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event {
        do throws(ResponseFault) {
            return try self.advance(input, at: &offset)
        } catch {
            self.fail(error)
            throw error
        }
    }

    /// The server ended its side of the connection: `.end` for a body that lasts until then, `.needsMore` where nothing
    /// was awaited, else a fault.
    package mutating func receivedEnd() throws(ResponseFault) -> Event {
        self.mayKeepAlive = false
        switch self.state {
        case .idle:
            return .needsMore
        case .untilClose, .complete:
            self.state = .idle
            return .end(Fields())
        case .failed(let fault):
            throw fault
        case .beforeHead where self.interimAnswers == 0:
            let fault = ResponseFault(.endedBeforeAnswer)
            self.fail(fault)
            throw fault
        case .beforeHead, .head, .body, .chunks, .beforeTrailers, .trailers:
            let fault = ResponseFault(.truncated)
            self.fail(fault)
            throw fault
        }
    }

    /// Whether the connection may be used again after `.end` (RFC 9112 §9.3).
    package var keepsAlive: Bool {
        if case .failed = self.state { false } else { self.mayKeepAlive }
    }

    /// Whether no answer is awaited.
    package var isIdle: Bool {
        if case .idle = self.state { true } else { false }
    }

    /// Bytes of storage held for a head or trailers that came in pieces.
    package var heldBytes: Int {
        switch self.state {
        case .head(let partial): partial.heldBytes
        case .trailers(let partial): partial.heldBytes
        default: 0
        }
    }
}

extension HTTP1ResponseParser {
    private enum State {
        case idle
        case beforeHead
        case head(Partial<ResponseHeadScanner>)
        /// This many bytes of the body are still to come; never none.
        case body(Int)
        case chunks(ChunkScanner)
        case beforeTrailers
        case trailers(Partial<TrailerScanner>)
        case untilClose
        case complete
        case failed(ResponseFault)
    }

    private mutating func fail(_ fault: ResponseFault) {
        self.state = .failed(fault)
    }

    private mutating func advance(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event {
        while true {
            switch self.state {
            case .complete:
                self.state = .idle
                return .end(Fields())
            case .failed(let fault):
                throw fault
            case _ where offset >= input.count:
                return .needsMore
            case .idle:
                throw ResponseFault(.unexpectedBytes)
            case .beforeHead:
                if let event = try self.readHead(input, at: &offset) { return event }
            case .head(let partial):
                guard let scanner = try partial.read(input, at: &offset, limits: self.limits) else {
                    return .needsMore
                }
                if let event = try self.begin(scanner) { return event }
            case .body(let remaining):
                let range = offset..<offset + min(remaining, input.count - offset)
                offset = range.upperBound
                self.state = range.count == remaining ? .complete : .body(remaining - range.count)
                return .body(range)
            case .untilClose:
                let range = offset..<input.count
                offset = input.count
                return .body(range)
            case .chunks(var scanner):
                if let event = try self.readChunks(&scanner, input, at: &offset) { return event }
            case .beforeTrailers, .trailers:
                return try self.readTrailers(input, at: &offset)
            }
        }
    }

    private mutating func readHead(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event? {
        let bytes = input.extracting(offset..<input.count)
        var scanner = ResponseHeadScanner()
        guard try scanner.scan(bytes, limits: self.limits) else {
            offset = input.count
            self.state = .head(Partial(scanner, after: bytes))
            return .needsMore
        }
        offset += scanner.position
        return try self.begin(scanner)
    }

    /// `nil` after an interim answer, which is skipped.
    private mutating func begin(_ scanner: consuming ResponseHeadScanner) throws(ResponseFault) -> Event? {
        let head = scanner.head
        if head.status < 200 {
            // RFC 9110 §15.2.2: a server that switches protocols was asked to; nothing here ever asks.
            if head.status == 101 { throw ResponseFault(.unexpectedUpgrade) }
            self.interimAnswers += 1
            guard self.interimAnswers <= Self.mostInterimAnswers else { throw ResponseFault(.tooManyInterimAnswers) }
            self.state = .beforeHead
            return nil
        }
        self.mayKeepAlive = scanner.keepsAlive
        let length = self.beginBody(status: head.status, scanner)
        return .head(head, length)
    }

    /// RFC 9112 §6.3, in its order.
    private mutating func beginBody(status: Int, _ scanner: borrowing ResponseHeadScanner) -> BodyLength {
        guard canHaveBody(status: status, requestMethod: self.method) else {
            self.state = .complete
            return .none
        }
        if scanner.isChunked {
            self.state = .chunks(ChunkScanner())
            return .unknown
        }
        switch scanner.contentLength {
        case 0:
            self.state = .complete
            return .none
        case 1...:
            self.state = .body(scanner.contentLength)
            return .known(scanner.contentLength)
        default:
            self.mayKeepAlive = false
            self.state = .untilClose
            return .unknown
        }
    }

    /// `nil` behind the last chunk.
    private mutating func readChunks(
        _ scanner: inout ChunkScanner, _ input: Span<UInt8>, at offset: inout Int
    ) throws(ResponseFault) -> Event? {
        do throws(MessageFault) {
            switch try scanner.next(input, at: &offset, limits: self.limits) {
            case .data(let range):
                self.state = .chunks(scanner)
                return .body(range)
            case .needsMore:
                self.state = .chunks(scanner)
                return .needsMore
            case .last:
                self.state = .beforeTrailers
                return nil
            }
        } catch {
            throw ResponseFault(.message(error))
        }
    }

    private mutating func readTrailers(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event {
        do throws(MessageFault) {
            let trailers: Fields
            if case .trailers(let partial) = self.state {
                guard let scanner = try partial.read(input, at: &offset, limits: self.limits) else { return .needsMore }
                trailers = scanner.trailers
            } else {
                let bytes = input.extracting(offset..<input.count)
                var scanner = TrailerScanner()
                guard try scanner.scan(bytes, limits: self.limits) else {
                    offset = input.count
                    self.state = .trailers(Partial(scanner, after: bytes))
                    return .needsMore
                }
                offset += scanner.position
                trailers = scanner.trailers
            }
            self.state = .idle
            return .end(trailers)
        } catch {
            throw ResponseFault(.message(error))
        }
    }
}

@available(*, unavailable)
extension HTTP1ResponseParser: Sendable {}
