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
    private var buffer = ByteBuffer()
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
        self.state = .head(ResponseHeadScanner(), hasBegun: false)
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
        case .head(_, let hasBegun):
            let fault = ResponseFault(hasBegun ? .truncated : .endedBeforeAnswer)
            self.fail(fault)
            throw fault
        case .body, .chunks, .trailers:
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
    package var heldBytes: Int { self.buffer.capacity }
}

extension HTTP1ResponseParser {
    private enum State {
        case idle
        case head(ResponseHeadScanner, hasBegun: Bool)
        /// This many bytes of the body are still to come; never none.
        case body(Int)
        case chunks(ChunkScanner)
        case trailers(TrailerScanner)
        case untilClose
        case complete
        case failed(ResponseFault)
    }

    private mutating func fail(_ fault: ResponseFault) {
        self.state = .failed(fault)
        self.buffer.releaseStorage()
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
            case .head(let scanner, _):
                // The scanner is moved out, as two owners of its lines would copy them.
                self.state = .complete
                if let event = try self.readHead(scanner, input, at: &offset) { return event }
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
                switch try self.readChunks(&scanner, input, at: &offset) {
                case .data(let range):
                    self.state = .chunks(scanner)
                    return .body(range)
                case .needsMore:
                    self.state = .chunks(scanner)
                    return .needsMore
                case .last:
                    self.state = .trailers(TrailerScanner())
                }
            case .trailers(let scanner):
                self.state = .complete
                return try self.readTrailers(scanner, input, at: &offset)
            }
        }
    }

    /// `nil` after an interim answer, which is skipped.
    private mutating func readHead(
        _ scanner: consuming ResponseHeadScanner, _ input: Span<UInt8>, at offset: inout Int
    ) throws(ResponseFault) -> Event? {
        guard let output = try self.buffer.gather(input, at: &offset, for: &scanner, limits: self.limits) else {
            self.state = .head(scanner, hasBegun: true)
            return .needsMore
        }
        let status = output.head.status
        if status < 200 {
            // RFC 9110 §15.2.2: a server that switches protocols was asked to; nothing here ever asks.
            if status == 101 { throw ResponseFault(.unexpectedUpgrade) }
            self.interimAnswers += 1
            guard self.interimAnswers <= Self.mostInterimAnswers else { throw ResponseFault(.tooManyInterimAnswers) }
            self.state = .head(ResponseHeadScanner(), hasBegun: true)
            return nil
        }
        self.mayKeepAlive = output.keepsAlive
        return .head(output.head, self.beginBody(output))
    }

    /// RFC 9112 §6.3, in its order.
    private mutating func beginBody(_ output: ResponseHeadScanner.Output) -> BodyLength {
        guard canHaveBody(status: output.head.status, requestMethod: self.method) else {
            self.state = .complete
            return .none
        }
        if output.isChunked {
            self.state = .chunks(ChunkScanner())
            return .unknown
        }
        switch output.contentLength {
        case 0:
            self.state = .complete
            return .none
        case 1...:
            self.state = .body(output.contentLength)
            return .known(output.contentLength)
        default:
            self.mayKeepAlive = false
            self.state = .untilClose
            return .unknown
        }
    }

    private mutating func readChunks(
        _ scanner: inout ChunkScanner, _ input: Span<UInt8>, at offset: inout Int
    ) throws(ResponseFault) -> ChunkScanner.Step {
        do throws(MessageFault) {
            return try scanner.next(input, at: &offset, limits: self.limits)
        } catch {
            throw ResponseFault(.message(error))
        }
    }

    private mutating func readTrailers(
        _ scanner: consuming TrailerScanner, _ input: Span<UInt8>, at offset: inout Int
    ) throws(ResponseFault) -> Event {
        do throws(MessageFault) {
            guard let trailers = try self.buffer.gather(input, at: &offset, for: &scanner, limits: self.limits) else {
                self.state = .trailers(scanner)
                return .needsMore
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
