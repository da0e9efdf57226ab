internal import Bytes
internal import HTTP
private import JSON

/// The beginning of the answer.
extension InvocationStateMachine {
    /// Looks for the head of the answer in the pending payload.
    mutating func search(_ input: Span<UInt8>, with scanner: PreludeScanner?) -> Action? {
        guard var scanner else { return self.begin(Self.plainHead, contentLength: nil, as: .body) }
        let range = self.pending
        let bytes = input.extracting(range)
        if let (prelude, end) = self.wholePrelude(in: bytes) {
            self.pending = range.lowerBound + end..<range.upperBound
            return self.begin(prelude.head, contentLength: prelude.contentLength, as: .prelude)
        }
        var verdict = scanner.scan(bytes)
        if case .spaceBehindObject(let end) = verdict {
            scanner.sawSpace(mayBeAnswer: self.isAnswer(heldAnd: bytes.extracting(0..<end)))
            verdict = scanner.scan(bytes, from: end)
        }
        switch verdict {
        case .undecided, .spaceBehindObject:
            self.held.append(bytes)
            self.pending = 0..<0
            self.state = .searching(scanner)
            return nil
        case .body:
            return self.begin(Self.plainHead, contentLength: nil, as: .body)
        case .noDelimiter:
            return self.fail(.badAnswer(.noDelimiter(within: PreludeScanner.sizeLimit)))
        case .head(let end):
            self.pending = range.lowerBound + end..<range.upperBound
            do throws(AnswerError) {
                let prelude = try self.readPrelude(heldAnd: bytes.extracting(0..<end))
                return self.begin(prelude.head, contentLength: prelude.contentLength, as: .prelude)
            } catch {
                return self.fail(.badAnswer(error))
            }
        }
    }

    /// The head, where the answer begins with all of it in one piece and nothing is odd about it; and where its
    /// delimiter ends.
    ///
    /// PERF: nearly every head comes like this, and finding the first NUL costs a tenth of scanning.
    private func wholePrelude(in bytes: Span<UInt8>) -> (PreludeHead, end: Int)? {
        guard self.held.isEmpty, bytes[0] == ASCII.openBrace, let count = bytes.firstIndex(of: ASCII.nul),
            count <= PreludeScanner.sizeLimit, bytes[count - 1] == ASCII.closeBrace,
            bytes.count - count >= PreludeScanner.delimiterCount
        else { return nil }
        let end = count + PreludeScanner.delimiterCount
        for index in count..<end where bytes[index] != ASCII.nul { return nil }
        if let prelude = PreludeHead(plain: bytes.extracting(0..<count)) { return (prelude, end) }
        // What is wrong with it, the scanner and the reader behind it will say.
        guard let prelude = try? PreludeHead(parsing: bytes.extracting(0..<count)) else { return nil }
        return (prelude, end)
    }

    /// Reads the head, which ends with its delimiter where `bytes` do, and lets go of what was held for it.
    private mutating func readPrelude(heldAnd bytes: Span<UInt8>) throws(AnswerError) -> PreludeHead {
        // PERF: a head that came in one piece, as most do, is read where it lies.
        if self.held.isEmpty {
            return try PreludeHead(parsing: bytes.extracting(0..<bytes.count - PreludeScanner.delimiterCount))
        }
        self.held.append(bytes)
        self.held.truncate(to: self.held.count - PreludeScanner.delimiterCount)
        let prelude = try PreludeHead(parsing: self.held.bytes)
        self.held.releaseStorage()
        return prelude
    }

    /// Whether what was held and `bytes` are an object with a `statusCode`.
    private func isAnswer(heldAnd bytes: Span<UInt8>) -> Bool {
        var whole = ByteBuffer()
        whole.append(self.held.bytes)
        whole.append(bytes)
        return whole.bytes.isAnswerObject
    }

    /// The head for answers that have none of their own.
    private static let plainHead = ResponseHead(
        status: 200, fields: Fields(["content-type": "application/octet-stream"]))

    /// Hands out the head. What is held is body.
    private mutating func begin(
        _ head: consuming ResponseHead, contentLength: Int?, as shape: AnswerShape, completion: InvokeComplete? = nil
    ) -> Action {
        self.shape = shape
        let status = head.status
        let endsHere = status == 204 || status == 304 || contentLength == 0 || self.isForHead
        if endsHere {
            self.held.releaseStorage()
            self.pending = 0..<0
        }
        if endsHere, completion == nil {
            self.state = .discarding
        } else {
            self.state = .releasing(contentLength.map { LengthPromise(promised: $0) }, completion: completion)
        }
        return .head(consume head, endsHere: endsHere)
    }

    /// Hands out what was held, and goes over to relaying or to the end. Called once more after that.
    mutating func release(promise: LengthPromise?, completion: InvokeComplete?) -> Action? {
        if !self.held.isEmpty, !self.hasToldHeld {
            self.hasToldHeld = true
            return .bodyHeld
        }
        self.held.releaseStorage()
        if let completion {
            self.state = .completed(completion, hasToldHead: true)
            return .completed(completion)
        }
        self.state = .relaying(promise)
        self.relaysAll = promise == nil && !self.isPlain
        return self.pending.isEmpty ? nil : self.relay(self.takePending(), promise: promise)
    }

    /// Hands out a piece of the body.
    mutating func relay(_ range: Range<Int>, promise: LengthPromise?) -> Action {
        guard var promise else { return .body(range) }
        // The surplus would be the client's next answer, so the whole piece is kept back and the answer broken.
        promise.sent += range.count
        guard promise.sent <= promise.promised else { return self.fail(promise.failure) }
        self.state = .relaying(promise)
        return .body(range)
    }

    /// The payload that waits.
    mutating func takePending() -> Range<Int> {
        let range = self.pending
        self.pending = 0..<0
        return range
    }

    /// Keeps a piece of an answer that is gathered.
    mutating func gather(_ bytes: Span<UInt8>) -> InvocationFailure? {
        guard self.held.count + bytes.count <= BufferedAnswer.sizeLimit else {
            return .badAnswer(.tooLong(limit: BufferedAnswer.sizeLimit))
        }
        self.held.append(bytes)
        return nil
    }
}

/// The end of the answer.
extension InvocationStateMachine {
    /// The function has ended well.
    mutating func complete(_ completion: InvokeComplete) -> Action {
        self.relaysAll = false
        switch self.state {
        case .searching(let scanner):
            return self.completeUndecided(completion, scanner: scanner)
        case .gathering:
            return self.mode == .auto ? self.completeWhole(completion) : self.completeBuffered(completion)
        case .relaying(let promise):
            if let promise, promise.isOpen { return self.fail(promise.failure) }
            self.state = .completed(completion, hasToldHead: true)
            return .completed(completion)
        case .discarding:
            self.state = .completed(completion, hasToldHead: true)
            return .completed(completion)
        case .awaitingHead, .refused, .functionFailed, .releasing, .completed, .failed:
            // Unreachable: in these states the decoder is not asked.
            return self.fail(.truncated)
        }
    }

    /// The stream ended before it said what it is.
    private mutating func completeUndecided(_ completion: InvokeComplete, scanner: PreludeScanner?) -> Action {
        if self.mode == .prelude { return self.fail(.badAnswer(.endedInPrelude)) }
        if self.held.isEmpty { return self.beginEmpty(completion) }
        let isObject = scanner?.isBehindObject ?? false
        if isObject, self.held.bytes.isAnswerObject { return self.completeBuffered(completion) }
        return self.beginWhole(isJSON: isObject && self.held.bytes.isJSON, completion)
    }

    /// A plain answer has come whole, and its mode is `auto`: it is what a streaming function writes, or a buffered
    /// answer, or JSON, or just bytes.
    private mutating func completeWhole(_ completion: InvokeComplete) -> Action {
        if self.held.isEmpty { return self.beginEmpty(completion) }
        var scanner = PreludeScanner(isStrict: false)
        var verdict = scanner.scan(self.held.bytes)
        if case .spaceBehindObject(let end) = verdict {
            scanner.sawSpace(mayBeAnswer: self.held.bytes.extracting(0..<end).isAnswerObject)
            verdict = scanner.scan(self.held.bytes, from: end)
        }
        if case .head(let end) = verdict {
            do throws(AnswerError) {
                let prelude = try PreludeHead(
                    parsing: self.held.bytes.extracting(0..<end - PreludeScanner.delimiterCount))
                self.held.consume(end)
                if let promised = prelude.contentLength, promised > 0, promised != self.held.count,
                    canHaveBody(status: prelude.head.status, toHead: self.isForHead)
                {
                    return self.fail(.contentLength(promised: promised, sent: self.held.count))
                }
                return self.begin(
                    prelude.head, contentLength: prelude.contentLength, as: .prelude, completion: completion)
            } catch {
                return self.fail(.badAnswer(error))
            }
        }
        if self.held.bytes.isAnswerObject { return self.completeBuffered(completion) }
        if self.held.bytes.isJSON { return self.completeBuffered(completion, as: .json, .functionURL) }
        return self.beginWhole(isJSON: false, completion)
    }

    /// The function has answered nothing.
    private mutating func beginEmpty(_ completion: InvokeComplete) -> Action {
        self.begin(
            ResponseHead(status: 200, fields: Fields(["content-length": "0"])), contentLength: 0, as: .empty,
            completion: completion)
    }

    /// What is held is the body, and all of it.
    private mutating func beginWhole(isJSON: Bool, _ completion: InvokeComplete) -> Action {
        let head = ResponseHead(
            status: 200,
            fields: Fields([
                "content-type": isJSON ? "application/json" : "application/octet-stream",
                "content-length": String(self.held.count),
            ]))
        return self.begin(head, contentLength: nil, as: isJSON ? .json : .body, completion: completion)
    }

    /// What is held is a whole answer.
    private mutating func completeBuffered(
        _ completion: InvokeComplete, as shape: AnswerShape = .buffered, _ format: AnswerFormat? = nil
    ) -> Action {
        var body = ByteBuffer()
        do throws(AnswerError) {
            let head = try BufferedAnswer.parse(
                self.held.bytes, format: format ?? self.format, isForHead: self.isForHead, into: &body)
            swap(&self.held, &body)
            return self.begin(head, contentLength: self.held.count, as: shape, completion: completion)
        } catch {
            return self.fail(.badAnswer(error))
        }
    }

    /// The invocation failed; nothing is kept of it.
    mutating func fail(_ failure: InvocationFailure) -> Action {
        self.state = .failed(failure, hasToldHead: self.hasToldHead)
        self.relaysAll = false
        self.pending = 0..<0
        self.held.releaseStorage()
        self.report.releaseStorage()
        return .failed(failure)
    }
}

extension Span where Element == UInt8 {
    /// Whether this is an object with a `statusCode`. What is no JSON is none, and no fault either.
    fileprivate var isAnswerObject: Bool {
        (try? AnswerDocument(self).hasStatusCode) ?? false
    }
}
