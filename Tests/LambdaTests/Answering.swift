import AWS
import Bytes
import HTTP
import Lambda
import TestSupport
import Testing

/// Builds what the Lambda API answers.
struct Answer {
    var stream: [UInt8] = []

    static let head = ResponseHead(
        status: 200, fields: ["content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "1"])

    /// The payloads as PayloadChunks, and the end.
    init(_ payloads: [[UInt8]], complete: String? = "{}") {
        for payload in payloads { self.append { EventStreamEncoder.append(payloadChunk: payload.span, to: &$0) } }
        if let complete {
            self.append { EventStreamEncoder.append(invokeComplete: complete.utf8.span, to: &$0) }
        }
    }

    init(_ payloads: String..., complete: String? = "{}") {
        self.init(payloads.map { Array($0.utf8) }, complete: complete)
    }

    mutating func append(_ write: (inout ByteBuffer) -> Void) {
        var buffer = ByteBuffer()
        write(&buffer)
        self.stream += buffer.array()
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    /// Lines from a literal, in its order.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { self.append(name, value) }
    }
}

/// What came out of a machine.
struct Outcome: Equatable, CustomStringConvertible {
    var head: ResponseHead?
    var endsHere = false
    var body: [UInt8] = []
    var end: End = .none
    /// How many actions said something after the end.
    var afterTheEnd = 0

    enum End: Equatable {
        case none
        case completed(InvokeComplete)
        case failed(InvocationFailure)
    }

    var text: String { String(decoding: self.body, as: UTF8.self) }

    var failure: InvocationFailure? {
        guard case .failed(let failure) = self.end else { return nil }
        return failure
    }

    var isComplete: Bool {
        guard case .completed = self.end else { return false }
        return true
    }

    var description: String {
        let head = self.head.map { "\($0.status) [\($0.fields)]" } ?? "no head"
        return "\(head) endsHere \(self.endsHere) body \(self.text.debugDescription) end \(self.end)"
    }

    /// Runs a machine over pieces of a stream, as a driver would.
    static func of(
        _ pieces: [[UInt8]], mode: ResponseMode, method: Method = .get, format: AnswerFormat = .functionURL,
        operation: InvocationTemplate.Operation = .streaming, apiHead: ResponseHead = Answer.head, isCut: Bool = false
    ) -> Outcome {
        var machine = InvocationStateMachine(
            mode: mode, isForHead: method.isHead, format: format, operation: operation)
        var outcome = Outcome()
        if case .failed(let failure) = machine.receivedHead(apiHead) { outcome.end = .failed(failure) }
        for piece in pieces {
            var offset = 0
            loop: while true {
                if let range = machine.nextChunk(piece.span, at: &offset) {
                    outcome.body += piece[range]
                    continue
                }
                let action = machine.next(piece.span, at: &offset)
                if outcome.end != .none, action != .needsMore { outcome.afterTheEnd += 1 }
                switch action {
                case .head(let head, let endsHere):
                    #expect(outcome.head == nil)
                    outcome.head = head
                    outcome.endsHere = endsHere
                case .bodyHeld: outcome.body += machine.heldBytes.array()
                case .body(let range): outcome.body += piece[range]
                case .completed(let complete): outcome.end = .completed(complete)
                case .failed(let failure): outcome.end = .failed(failure)
                case .needsMore:
                    #expect(offset == piece.count)
                    break loop
                }
                #expect(machine.hasToldHead == (outcome.head != nil))
            }
        }
        var last = isCut ? machine.lostConnection() : machine.receivedEnd()
        // A plain answer may have all of it behind its end.
        var offset = 0
        while operation == .buffered {
            if case .head(let head, let endsHere) = last {
                #expect(outcome.head == nil)
                outcome.head = head
                outcome.endsHere = endsHere
            } else if case .bodyHeld = last {
                outcome.body += machine.heldBytes.array()
            } else {
                break
            }
            last = machine.next(Span(), at: &offset)
        }
        switch last {
        case .completed(let complete):
            #expect(outcome.end == .none || outcome.end == .completed(complete))
            outcome.end = .completed(complete)
        case .failed(let failure):
            #expect(outcome.end == .none || outcome.end == .failed(failure))
            outcome.end = .failed(failure)
        default: Issue.record("The end is completed or failed")
        }
        return outcome
    }

    /// The one outcome of a stream, however it is cut.
    static func of(
        _ answer: Answer, mode: ResponseMode, method: Method = .get, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Outcome {
        let whole = Self.of([answer.stream], mode: mode, method: method)
        for way in Feeding.ways(of: answer.stream) {
            let outcome = Self.of(way, mode: mode, method: method)
            guard outcome == whole else {
                Issue.record("\(outcome) after \(way.map(\.count)), but \(whole)", sourceLocation: sourceLocation)
                break
            }
        }
        #expect(whole.afterTheEnd == 0, sourceLocation: sourceLocation)
        return whole
    }
}

let delimiter = String(repeating: "\0", count: 8)
