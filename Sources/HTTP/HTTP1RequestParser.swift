private import Bytes

/// Reads the requests of one connection: HTTP/1.1 (RFC 9112) in the server role.
///
///     between ── first byte ──▶ head ──┬── no body ─────────────────────────────▶ complete ──▶ between
///                                      ├── length ──▶ body ─────────────────────▶ complete
///                                      └── chunked ─▶ chunks ── last ─▶ trailers ─▶ complete
///     any ── fault ──▶ failed
///
/// One value serves a connection for its whole life. Between requests and during bodies it holds no storage but for the
/// name of the host that the last request was for. It does not bound the length of bodies, and keeps no time: both are
/// the driver's.
package struct HTTP1RequestParser: ~Copyable {
    private let limits: HeadLimits
    private let keepsTrailers: Bool
    // PERF: plain fields beside a small phase: payloads of an enum were moved and copied by each call.
    private var phase = Phase.between
    private var gap = Gap()
    /// Bytes of a body of known length that are still to come; never none.
    private var remaining = 0
    private var chunks = ChunkScanner()
    private var partialHead: Partial<RequestHeadScanner>?
    private var partialTrailers: Partial<TrailerScanner>?
    private var fault: RequestFault?
    /// The host that the last request named.
    private var host: Authority?

    /// Whether the connection may carry another request after the current or last one (RFC 9112 §9.3).
    package private(set) var keepsAlive = true
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    package private(set) var expectsContinue = false
    /// The trailers of the last request, where they are kept. There from `.end` until the next `.head`.
    package private(set) var trailers = Fields()

    /// A parser at the start of a connection. Trailers are checked and dropped unless they are asked for.
    package init(limits: HeadLimits = HeadLimits(), keepsTrailers: Bool = false) {
        self.limits = limits
        self.keepsTrailers = keepsTrailers
    }

    /// What was found in the input.
    package enum Event: Equatable, Sendable {
        /// A head. Zero or more `.body` and exactly one `.end` follow.
        case head(RequestHead)
        /// Bytes of the body: a range of the input that was given to this call.
        case body(Range<Int>)
        /// The request is complete. The next call goes on with the next request of the connection.
        case end
        /// The input has been taken wholly.
        case needsMore
    }

    /// Reads on in `input` at `offset`, which moves behind what was taken.
    ///
    /// Called until it answers `.needsMore`. After a fault it reads nothing more and throws the same fault again, so
    /// that no byte behind a broken request is ever taken for another one.
    package mutating func next(_ input: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Event {
        do throws(RequestFault) {
            return try self.advance(input, at: &offset)
        } catch {
            self.fail(error)
            throw error
        }
    }

    /// The client ended its side of the connection.
    package mutating func receivedEnd() throws(RequestFault) {
        switch self.phase {
        case .between, .complete:
            return
        case .failed:
            throw self.fault ?? RequestFault(.truncated)
        case .head, .body, .chunks, .beforeTrailers, .trailers:
            // RFC 9112 §8: a request that ended too early is incomplete, whatever was received of it.
            let fault = RequestFault(.truncated)
            self.fail(fault)
            throw fault
        }
    }

    /// Whether nothing of a request has been taken, or nothing since the last one ended.
    package var isBetweenRequests: Bool {
        self.phase == .between
    }

    /// Whether a part of a head has been taken, but not all of it.
    ///
    /// PERF: as if it changed something, so that the parser is not moved out of its place to be looked at.
    package var hasPartialHead: Bool {
        mutating get { self.phase == .head }
    }

    /// Bytes of storage held for a head or trailers that came in pieces.
    package var heldBytes: Int {
        (self.partialHead?.heldBytes ?? 0) + (self.partialTrailers?.heldBytes ?? 0)
    }
}

extension HTTP1RequestParser {
    private enum Phase {
        case between
        case head
        case body
        case chunks
        case beforeTrailers
        case trailers
        case complete
        case failed
    }

    private mutating func fail(_ fault: RequestFault) {
        self.phase = .failed
        self.fault = fault
        self.partialHead = nil
        self.partialTrailers = nil
        self.keepsAlive = false
    }

    // PERF: inlined, as is what it calls on the way of a whole head, because each return copies eighteen words.
    @inline(__always)
    private mutating func advance(_ input: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Event {
        while true {
            switch self.phase {
            case .between:
                guard try self.gap.skip(input, at: &offset) else { return .needsMore }
                return try self.readHead(input, at: &offset)
            case .complete:
                self.phase = .between
                self.gap = Gap()
                return .end
            case .failed:
                throw self.fault ?? RequestFault(.truncated)
            case _ where offset >= input.count:
                return .needsMore
            case .head:
                return try self.readHead(input, at: &offset)
            case .body:
                let count = min(self.remaining, input.count - offset)
                let start = offset
                offset += count
                self.remaining -= count
                if self.remaining == 0 { self.phase = .complete }
                return .body(start..<offset)
            case .chunks:
                switch try self.readChunks(input, at: &offset) {
                case .data(let range): return .body(range)
                case .needsMore: return .needsMore
                case .last: self.phase = .beforeTrailers
                }
            case .beforeTrailers, .trailers:
                guard try self.readTrailers(input, at: &offset) else { return .needsMore }
            }
        }
    }

    @inline(__always)
    private mutating func readHead(_ input: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Event {
        if let partial = self.partialHead {
            guard var scanner = try partial.read(input, at: &offset, limits: self.limits) else { return .needsMore }
            self.partialHead = nil
            guard let head = scanner.takeHead() else { return .needsMore }
            self.host = scanner.takeHost()
            self.begin(scanner)
            return .head(head)
        }
        let bytes = input.extracting(offset..<input.count)
        var scanner = RequestHeadScanner(lastHost: self.host.take())
        let event = try scanner.read(bytes, limits: self.limits)
        guard scanner.isComplete else {
            offset = input.count
            self.partialHead = Partial(scanner, after: bytes)
            self.phase = .head
            return event
        }
        offset += scanner.position
        self.host = scanner.takeHost()
        self.begin(scanner)
        return event
    }

    @inline(__always)
    private mutating func begin(_ scanner: borrowing RequestHeadScanner) {
        self.keepsAlive = scanner.keepsAlive
        self.expectsContinue = scanner.expectsContinue
        if self.keepsTrailers { self.trailers = Fields() }
        switch scanner.bodyLength {
        case .none:
            self.phase = .complete
        case .known(let count):
            self.remaining = count
            self.phase = .body
        case .unknown:
            self.chunks = ChunkScanner()
            self.phase = .chunks
        }
    }

    @inline(__always)
    private mutating func readChunks(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(RequestFault) -> ChunkScanner.Step {
        do throws(MessageFault) {
            return try self.chunks.next(input, at: &offset, limits: self.limits)
        } catch {
            throw RequestFault(.message(error))
        }
    }

    /// Answers whether the trailers are complete, and with them the request.
    private mutating func readTrailers(_ input: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Bool {
        do throws(MessageFault) {
            let trailers: Fields
            if let partial = self.partialTrailers {
                guard let scanner = try partial.read(input, at: &offset, limits: self.limits) else { return false }
                self.partialTrailers = nil
                trailers = scanner.trailers
            } else {
                let bytes = input.extracting(offset..<input.count)
                var scanner = TrailerScanner()
                guard try scanner.scan(bytes, limits: self.limits) else {
                    offset = input.count
                    self.partialTrailers = Partial(scanner, after: bytes)
                    self.phase = .trailers
                    return false
                }
                offset += scanner.position
                trailers = scanner.trailers
            }
            if self.keepsTrailers { self.trailers = trailers }
            self.phase = .complete
            return true
        } catch {
            throw RequestFault(.message(error))
        }
    }
}

extension HTTP1RequestParser {
    /// The empty lines in front of a request.
    ///
    /// RFC 9112 §2.2: a server SHOULD ignore at least one empty line (CRLF) received prior to the request-line.
    private struct Gap {
        private var lines = 0
        private var hasCarriageReturn = false

        private static let mostLines = 8

        /// Answers whether the first byte of a request stands at `offset`; if not, all of the input was empty lines.
        mutating func skip(_ input: Span<UInt8>, at offset: inout Int) throws(RequestFault) -> Bool {
            while offset < input.count {
                let byte = input[offset]
                if self.hasCarriageReturn {
                    guard byte == ASCII.lineFeed else {
                        throw RequestFault(.message(.bareCarriageReturn(in: .requestLine)))
                    }
                    self.hasCarriageReturn = false
                    self.lines += 1
                } else if byte == ASCII.carriageReturn {
                    guard self.lines < Self.mostLines else { throw RequestFault(.tooManyEmptyLines) }
                    self.hasCarriageReturn = true
                } else {
                    return true
                }
                offset += 1
            }
            return false
        }
    }
}

@available(*, unavailable)
extension HTTP1RequestParser: Sendable {}
