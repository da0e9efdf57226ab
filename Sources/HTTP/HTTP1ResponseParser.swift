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
    // PERF: plain fields beside a small phase. As an enum with the parts of each state as payloads, each call moved and
    // copied all of it, and a head with three chunks took 1,450 instructions of the parser's own.
    private var phase = Phase.idle
    /// Bytes of a body of known length that are still to come; never none.
    private var remaining = 0
    private var chunks = ChunkScanner()
    private var partialHead: Partial<ResponseHeadScanner>?
    private var partialTrailers: Partial<TrailerScanner>?
    private var fault: ResponseFault?
    /// Whether the request was HEAD.
    private var isForHead = false
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
        guard self.phase == .idle else {
            // Left as it is: an answer under way goes on, and a connection that failed stays so.
            assertionFailure("A request was sent before the answer to the last one was complete")
            return
        }
        self.isForHead = method.isHead
        self.interimAnswers = 0
        self.phase = .beforeHead
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
        switch self.phase {
        case .idle:
            return .needsMore
        case .untilClose, .complete:
            self.phase = .idle
            return .end(Fields())
        case .failed:
            throw self.fault ?? ResponseFault(.truncated)
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
    ///
    /// PERF: as if it changed something, so that the parser is not moved out of its place to be looked at.
    package var keepsAlive: Bool {
        mutating get { self.phase != .failed && self.mayKeepAlive }
    }

    /// Whether no answer is awaited.
    package var isIdle: Bool {
        self.phase == .idle
    }

    /// Bytes of storage held for a head or trailers that came in pieces.
    package var heldBytes: Int {
        (self.partialHead?.heldBytes ?? 0) + (self.partialTrailers?.heldBytes ?? 0)
    }
}

extension HTTP1ResponseParser {
    private enum Phase {
        case idle
        case beforeHead
        case head
        case body
        case chunks
        case beforeTrailers
        case trailers
        case untilClose
        case complete
        case failed
    }

    private mutating func fail(_ fault: ResponseFault) {
        self.phase = .failed
        self.fault = fault
        self.partialHead = nil
        self.partialTrailers = nil
    }

    @inline(__always)
    private mutating func advance(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event {
        while true {
            switch self.phase {
            case .complete:
                self.phase = .idle
                return .end(Fields())
            case .failed:
                throw self.fault ?? ResponseFault(.truncated)
            case _ where offset >= input.count:
                return .needsMore
            case .idle:
                throw ResponseFault(.unexpectedBytes)
            case .beforeHead, .head:
                if let event = try self.readHead(input, at: &offset) { return event }
            case .body:
                let count = min(self.remaining, input.count - offset)
                let start = offset
                offset += count
                self.remaining -= count
                if self.remaining == 0 { self.phase = .complete }
                return .body(start..<offset)
            case .untilClose:
                let range = offset..<input.count
                offset = input.count
                return .body(range)
            case .chunks:
                switch try self.readChunks(input, at: &offset) {
                case .data(let range): return .body(range)
                case .needsMore: return .needsMore
                case .last: self.phase = .beforeTrailers
                }
            case .beforeTrailers, .trailers:
                return try self.readTrailers(input, at: &offset)
            }
        }
    }

    private mutating func readHead(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event? {
        if let partial = self.partialHead {
            guard var scanner = try partial.read(input, at: &offset, limits: self.limits) else { return .needsMore }
            self.partialHead = nil
            guard let head = scanner.takeHead() else { return .needsMore }
            return try self.begin(head, scanner)
        }
        let bytes = input.extracting(offset..<input.count)
        var scanner = ResponseHeadScanner()
        guard let head = try scanner.read(bytes, limits: self.limits) else {
            offset = input.count
            self.partialHead = Partial(scanner, after: bytes)
            self.phase = .head
            return .needsMore
        }
        offset += scanner.position
        return try self.begin(head, scanner)
    }

    /// `nil` after an interim answer, which is skipped.
    @inline(__always)
    private mutating func begin(
        _ head: consuming ResponseHead, _ scanner: borrowing ResponseHeadScanner
    ) throws(ResponseFault) -> Event? {
        let status = head.status
        if status < 200 {
            // RFC 9110 §15.2.2: a server that switches protocols was asked to; nothing here ever asks.
            if status == 101 { throw ResponseFault(.unexpectedUpgrade) }
            self.interimAnswers += 1
            guard self.interimAnswers <= Self.mostInterimAnswers else { throw ResponseFault(.tooManyInterimAnswers) }
            self.phase = .beforeHead
            return nil
        }
        self.mayKeepAlive = scanner.keepsAlive
        let length = self.beginBody(status: status, scanner)
        return .head(head, length)
    }

    /// RFC 9112 §6.3, in its order.
    private mutating func beginBody(status: Int, _ scanner: borrowing ResponseHeadScanner) -> BodyLength {
        guard canHaveBody(status: status, toHead: self.isForHead) else {
            self.phase = .complete
            return .none
        }
        if scanner.isChunked {
            self.chunks = ChunkScanner()
            self.phase = .chunks
            return .unknown
        }
        switch scanner.contentLength {
        case 0:
            self.phase = .complete
            return .none
        case 1...:
            self.remaining = scanner.contentLength
            self.phase = .body
            return .known(scanner.contentLength)
        default:
            self.mayKeepAlive = false
            self.phase = .untilClose
            return .unknown
        }
    }

    @inline(__always)
    private mutating func readChunks(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(ResponseFault) -> ChunkScanner.Step {
        do throws(MessageFault) {
            return try self.chunks.next(input, at: &offset, limits: self.limits)
        } catch {
            throw ResponseFault(.message(error))
        }
    }

    private mutating func readTrailers(_ input: Span<UInt8>, at offset: inout Int) throws(ResponseFault) -> Event {
        do throws(MessageFault) {
            let trailers: Fields
            if let partial = self.partialTrailers {
                guard let scanner = try partial.read(input, at: &offset, limits: self.limits) else { return .needsMore }
                self.partialTrailers = nil
                trailers = scanner.trailers
            } else if unsafe input.count - offset >= 2 && input[unchecked: offset] == ASCII.carriageReturn
                && input[unchecked: offset + 1] == ASCII.lineFeed
            {
                // PERF: no trailers, as nearly always: without a scanner 390 instructions less.
                offset += 2
                trailers = Fields()
            } else {
                let bytes = input.extracting(offset..<input.count)
                var scanner = TrailerScanner()
                guard try scanner.scan(bytes, limits: self.limits) else {
                    offset = input.count
                    self.partialTrailers = Partial(scanner, after: bytes)
                    self.phase = .trailers
                    return .needsMore
                }
                offset += scanner.position
                trailers = scanner.trailers
            }
            self.phase = .idle
            return .end(trailers)
        } catch {
            throw ResponseFault(.message(error))
        }
    }
}

@available(*, unavailable)
extension HTTP1ResponseParser: Sendable {}
