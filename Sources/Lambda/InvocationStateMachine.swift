package import AWS
package import Bytes
package import HTTP
private import JSON

/// Turns the answer of the Lambda API to one invocation into an HTTP answer.
///
///     awaitingHead ── 200 ──▶ searching ── head known ──▶ releasing ──▶ relaying ──▶ completed
///          │                      │                           └──▶ discarding ──────▲    │
///          └── error ──▶ refused ─┴────────────── damage, error, early end ────────▶ failed
///
/// The answer of InvokeWithResponseStream is an event stream; that of Invoke is the payload itself, whose end is the
/// end of the HTTP body, and which is gathered in the mode `auto`, because it comes as a whole in any case.
///
/// Bytes go in as they come from the upstream connection's HTTP body; what is to be done comes out of `next`, one
/// action at a time. Body bytes are not copied: an action carries their range in the input. What must be held back
/// until the head of the answer is known is bounded, and nothing is kept after that.
///
/// The machine never reads, writes, waits or asks the time; it knows no client and no connection.
package struct InvocationStateMachine: ~Copyable {
    let mode: ResponseMode
    /// Whether the client's request is HEAD.
    let isForHead: Bool
    let format: AnswerFormat
    /// Whether the body of the API's answer is the payload, and no event stream.
    let isPlain: Bool
    /// What the function's answer has been taken for; known with its head.
    package internal(set) var shape: AnswerShape?
    var state: State = .awaitingHead
    /// Whether the state is `relaying`, and every payload goes out, however much it is.
    // PERF: beside the state, because to look at that copies all of it, once a chunk.
    var relaysAll = false
    /// Whether `bodyHeld` has been answered.
    var hasToldHeld = false
    /// Whether the payload is `{}` so far, which is not kept in `report`.
    private var isPlainReport = false
    private var decoder: EventStreamDecoder
    /// What the event-stream message is whose payload comes.
    private var message: Message = .ignored
    /// Payload that was handed out by the decoder and not yet by the machine, as a range of the current input.
    var pending: Range<Int> = 0..<0
    /// Bytes held back: the undecided beginning of an answer, a gathered answer, the body of an error.
    var held = ByteBuffer()
    /// The payload of an InvokeComplete or an exception.
    var report = ByteBuffer()
    /// The end of the function's log as base64, where it came; known with the end of the invocation, however it ended.
    package private(set) var logResult: String?

    /// A machine for one invocation. `isForHead`: the client's request is HEAD; `format` is whose buffered answers the
    /// function gives.
    package init(
        mode: ResponseMode, isForHead: Bool = false, format: AnswerFormat = .functionURL,
        operation: InvocationTemplate.Operation = .streaming, limits: EventStreamDecoder.Limits = .init()
    ) {
        self.mode = mode
        self.isForHead = isForHead
        self.format = format
        self.isPlain = operation == .buffered
        self.decoder = EventStreamDecoder(limits: limits)
    }

    /// What an error answer of the API may have before the rest is left unread.
    package static let errorBodyLimit = 65_536
    /// What an InvokeComplete or exception message may have.
    package static let reportLimit = 262_144

    /// What to do after the head of the API's answer.
    package enum HeadAction: Equatable, Sendable {
        /// Hand the body's bytes to `next`.
        case awaitStream
        /// The same; the body says why the call was refused, and `receivedEnd` will tell it.
        case collectError
        /// The answer is none of the Lambda API.
        case failed(InvocationFailure)
    }

    /// What to do next.
    package enum Action: Equatable, Sendable {
        /// Send the head. `endsHere`: the client gets no body, whatever the function still sends.
        case head(ResponseHead, endsHere: Bool)
        /// Send `heldBytes` as body, before the next call.
        case bodyHeld
        /// Send this range of the input as body.
        case body(Range<Int>)
        /// The invocation ended well, and all of the answer has been handed out.
        case completed(InvokeComplete)
        /// It did not.
        // PERF: indirect, here and in `State`, because a chunk's action and state would be as large as a failure.
        indirect case failed(InvocationFailure)
        /// The input has been taken wholly.
        case needsMore
    }

    /// The bytes that `bodyHeld` is about.
    package var heldBytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.held.bytes }
    }

    /// Whether payload is held back. The body of an error is none: nothing of an answer has come with it.
    ///
    /// PERF: as if it changed something, so that the machine is not moved out of its place to be looked at, 44 words.
    package var holdsPayload: Bool {
        mutating get {
            if self.held.isEmpty { return false }
            switch self.state {
            case .searching, .gathering, .releasing: return true
            case .awaitingHead, .refused, .functionFailed, .relaying, .discarding, .completed, .failed: return false
            }
        }
    }

    /// Takes them out, for whoever needs them longer than until the next call.
    package mutating func takeHeld() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &self.held)
        return taken
    }

    /// Whether a head has been handed out: from then on there is no other answer to give.
    package var hasToldHead: Bool {
        switch self.state {
        case .awaitingHead, .refused, .functionFailed, .searching, .gathering: false
        case .releasing, .relaying, .discarding: true
        case .completed(_, let hasToldHead), .failed(_, let hasToldHead): hasToldHead
        }
    }

    /// The head of the API's answer came (1xx aside).
    package mutating func receivedHead(_ head: ResponseHead) -> HeadAction {
        switch self.state {
        case .awaitingHead:
            guard head.status == 200 else {
                self.state = .refused(head)
                return .collectError
            }
            if self.isPlain {
                self.logResult = head.fields.first("x-amz-log-result")
                if let kind = head.fields.first("x-amz-function-error") {
                    self.state = .functionFailed(kind: kind)
                    return .collectError
                }
            } else if let failure = Self.checkEventStream(head) {
                self.state = .failed(failure, hasToldHead: false)
                return .failed(failure)
            }
            switch self.mode {
            case .auto where self.isPlain: self.state = .gathering
            case .auto: self.state = .searching(PreludeScanner(isStrict: false))
            case .prelude: self.state = .searching(PreludeScanner(isStrict: true))
            case .raw: self.state = .searching(nil)
            case .buffered: self.state = .gathering
            }
            return .awaitStream
        case .refused, .functionFailed:
            return .collectError
        case .searching, .gathering, .releasing, .relaying, .discarding, .completed, .failed:
            // Unreachable with a parser that gives one head for each answer; a second one changes nothing.
            return .awaitStream
        }
    }

    /// The next piece of a body that goes out as it comes, as a range of `input`, where it is a message that has come
    /// as a whole; `offset` moves behind it. `nil`, and nothing taken, for all else, which is for `next`.
    ///
    /// PERF: this is each chunk of a running stream, and takes a third of what an action takes.
    package mutating func nextChunk(_ input: Span<UInt8>, at offset: inout Int) -> Range<Int>? {
        guard self.relaysAll, self.pending.isEmpty else { return nil }
        return self.decoder.nextWholeChunk(input, at: &offset)
    }

    /// Decodes `input` from `offset` on, and moves `offset` behind what was taken. To be called with the same input
    /// until it answers `needsMore`, `completed` or `failed`; after these two, what still comes is taken and left
    /// alone.
    package mutating func next(_ input: Span<UInt8>, at offset: inout Int) -> Action {
        while true {
            switch self.state {
            case .relaying(let promise):
                if !self.pending.isEmpty { return self.relay(self.takePending(), promise: promise) }
            case .searching(let scanner):
                if !self.pending.isEmpty, let action = self.search(input, with: scanner) { return action }
            case .releasing(let promise, let completion):
                if let action = self.release(promise: promise, completion: completion) { return action }
            case .gathering:
                if !self.pending.isEmpty, let failure = self.gather(input.extracting(self.takePending())) {
                    return self.fail(failure)
                }
            case .discarding:
                self.pending = 0..<0
            case .refused, .functionFailed:
                let room = Self.errorBodyLimit - self.held.count
                let rest = input.count - offset
                self.held.append(input.extracting(offset..<offset + min(room, rest)))
                offset = input.count
                return .needsMore
            case .awaitingHead, .completed, .failed:
                offset = input.count
                return .needsMore
            }
            if self.isPlain {
                guard offset < input.count else { return .needsMore }
                self.pending = offset..<input.count
                offset = input.count
                continue
            }
            // Where every payload goes out, whoever asks has asked `nextChunk` before.
            if !self.relaysAll, let range = self.decoder.nextWholeChunk(input, at: &offset) {
                self.pending = range
                continue
            }
            if self.decoder.takesPlainInvokeComplete(input, at: &offset) { return self.complete(InvokeComplete()) }
            do throws(EventStreamError) {
                let event = try self.decoder.next(input, at: &offset)
                if let action = self.received(event, of: input) { return action }
            } catch {
                return self.fail(.eventStream(error))
            }
        }
    }

    /// The body of the API's answer ended in order. Answers how the invocation ended, `completed` or `failed`, also
    /// where that has been told before; or what comes before the end of a plain answer, and then `next` has the rest of
    /// it.
    package mutating func receivedEnd() -> Action {
        switch self.state {
        case .awaitingHead:
            return self.fail(.truncated)
        case .refused(let head):
            let error = AWSServiceError(head: head, body: self.held.bytes)
            return self.fail(.service(error))
        case .functionFailed(let kind):
            return self.fail(Self.functionFailure(kind: kind, report: self.held.bytes))
        case .searching, .gathering, .relaying, .discarding:
            if self.isPlain { return self.complete(InvokeComplete(logResult: self.logResult)) }
            return self.fail(self.decoder.isBetweenMessages ? .endedWithoutComplete : .truncated)
        case .releasing(_, let completion):
            guard let completion else {
                return self.fail(self.decoder.isBetweenMessages ? .endedWithoutComplete : .truncated)
            }
            // `next` has more to hand out, and ends with the same.
            return .completed(completion)
        case .completed(let completion, _):
            return .completed(completion)
        case .failed(let failure, _):
            return .failed(failure)
        }
    }

    /// The connection was lost, or the framing of the API's answer was broken. An error of the API that has come in
    /// part is still told.
    package mutating func lostConnection() -> Action {
        switch self.state {
        case .refused, .functionFailed, .completed, .failed: return self.receivedEnd()
        case .releasing(_, .some): return self.receivedEnd()
        case .awaitingHead, .searching, .gathering, .releasing(_, .none), .relaying, .discarding:
            return self.fail(.truncated)
        }
    }
}

@available(*, unavailable)
extension InvocationStateMachine: Sendable {}

extension InvocationStateMachine {
    enum State {
        /// The call was made; nothing has come back.
        case awaitingHead
        /// The API answered with an error, whose body is gathered.
        indirect case refused(ResponseHead)
        /// The API answered that the function failed; the body says how.
        indirect case functionFailed(kind: String)
        /// The stream has begun, and nothing of the answer is known. Without a scanner the first byte decides.
        case searching(PreludeScanner?)
        /// The answer is gathered as a whole.
        case gathering
        /// The head has been told; what was held goes out before anything else.
        case releasing(LengthPromise?, completion: InvokeComplete?)
        /// The body goes out as it comes.
        case relaying(LengthPromise?)
        /// The client has all it gets.
        case discarding
        case completed(InvokeComplete, hasToldHead: Bool)
        indirect case failed(InvocationFailure, hasToldHead: Bool)
    }

    /// What a content-length promised, and what has come of it.
    struct LengthPromise {
        let promised: Int
        var sent = 0

        /// Whether there is more to come.
        var isOpen: Bool { self.sent < self.promised }

        /// What it is called when the promise is broken.
        var failure: InvocationFailure {
            .contentLength(promised: self.promised, sent: self.sent)
        }
    }

    /// What the message is that the decoder is in.
    fileprivate enum Message {
        case answer
        case complete
        case exception(type: String)
        case ignored
    }

    /// Lambda's report of a failed function: `{"errorType":..,"errorMessage":..}` as a rule.
    private static func functionFailure(kind: String, report: Span<UInt8>) -> InvocationFailure {
        let type = (try? JSONValue(parsing: report))?["errorType"]?.string
        return .functionError(code: type ?? kind, details: report.string())
    }

    private static func checkEventStream(_ head: ResponseHead) -> InvocationFailure? {
        guard let index = head.fields.firstIndex(of: "content-type") else { return .notEventStream(contentType: "") }
        let value = head.fields.value(at: index)
        // PERF: as Lambda writes it.
        if value.equals("application/vnd.amazon.eventstream") { return nil }
        let type = value.extracting(0..<(value.firstIndex(of: ASCII.semicolon) ?? value.count)).trimmed
        if type.equalsIgnoringCase("application/vnd.amazon.eventstream") { return nil }
        return .notEventStream(contentType: type.extracting(0..<min(type.count, 128)).string())
    }
}

/// The messages of the event stream.
extension InvocationStateMachine {
    private mutating func received(_ event: EventStreamDecoder.Event, of input: Span<UInt8>) -> Action? {
        switch event {
        case .payload(let range):
            switch self.message {
            case .answer:
                self.pending = range
            case .complete where self.report.isEmpty && !self.isPlainReport && input.extracting(range).equals("{}"):
                // PERF: nearly every stream ends with this, and would need a buffer of its own.
                self.isPlainReport = true
            case .complete, .exception:
                if self.isPlainReport {
                    self.report.append("{}")
                    self.isPlainReport = false
                }
                guard self.report.count + range.count <= Self.reportLimit else { return self.fail(.badInvokeComplete) }
                self.report.append(input.extracting(range))
            case .ignored:
                break
            }
            return nil
        case .message(let kind):
            switch kind {
            case .payloadChunk: self.message = .answer
            case .invokeComplete: self.message = .complete
            case .exception(let type): self.message = .exception(type: type)
            case .error(let code, let message): return self.fail(.streamException(type: code, message: message))
            case .otherEvent: self.message = .ignored
            }
            return nil
        case .messageEnd:
            switch self.message {
            case .answer, .ignored:
                return nil
            case .complete:
                var log: String?
                defer { self.logResult = log }
                do throws(InvocationFailure) {
                    return self.complete(try InvokeComplete(parsing: self.report.bytes, log: &log))
                } catch {
                    return self.fail(error)
                }
            case .exception(let type):
                let message = self.report.bytes.exceptionMessage
                return self.fail(.streamException(type: type, message: message))
            }
        case .needsMore:
            return .needsMore
        }
    }
}

extension Span where Element == UInt8 {
    /// What the JSON of an exception says, whichever way its member is written; else its text as it is.
    fileprivate var exceptionMessage: String {
        guard let document = try? JSONValue(parsing: self) else { return self.string() }
        return document["message"]?.string ?? document["Message"]?.string ?? self.string()
    }
}
