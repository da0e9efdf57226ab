import AWS
import Bytes
import FuzzingSupport
import HTTP
import Lambda

/// What a function may answer: the bytes become payload, in messages cut at one place and in one message, and the
/// client has to get the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    let mode: ResponseMode =
        switch input.choice & 3 {
        case 0: .auto
        case 1: .prelude
        case 2: .raw
        default: .buffered
        }
    let method = input.choice & 4 == 0 ? Method.get : Method.head
    let endsWell = input.choice & 8 == 0
    let whole = Answer(to: method, mode: mode, endsWell: endsWell, messages: [input.bytes], cutMessages: false)
    let pieces = Answer(to: method, mode: mode, endsWell: endsWell, messages: input.pieces, cutMessages: true)
    expectEqual(whole, pieces, "cut elsewhere, answered differently")
    return 0
}

private struct Answer: Equatable {
    var head: ResponseHead?
    var endsAtHead = false
    var body: [UInt8] = []
    var end: InvocationStateMachine.Action?

    init(to method: Method, mode: ResponseMode, endsWell: Bool, messages: [[UInt8]], cutMessages: Bool) {
        var stream = ByteBuffer()
        for message in messages { EventStreamEncoder.append(payloadChunk: message.span, to: &stream) }
        if endsWell { EventStreamEncoder.append(invokeComplete: Array("{}".utf8).span, to: &stream) }
        let bytes = stream.array()
        var machine = InvocationStateMachine(mode: mode, isForHead: method.isHead)
        var fields = Fields()
        fields.append("content-type", "application/vnd.amazon.eventstream")
        _ = machine.receivedHead(ResponseHead(status: 200, fields: fields))
        let step = cutMessages ? 37 : max(1, bytes.count)
        for start in stride(from: 0, to: bytes.count, by: step) {
            if self.read(Array(bytes[start..<min(start + step, bytes.count)]), with: &machine) {
                self.forgetSurplus()
                return
            }
        }
        self.end = machine.receivedEnd()
    }

    /// A piece that goes beyond the promised length is kept back whole, so how much came before it depends on where it
    /// was cut.
    private mutating func forgetSurplus() {
        guard case .failed(.contentLength(let promised, let sent)) = self.end, sent > promised else { return }
        precondition(self.body.count <= promised, "more than promised")
        self.body = []
        self.end = .failed(.contentLength(promised: promised, sent: promised + 1))
    }

    /// Answers whether the invocation has ended.
    private mutating func read(_ input: [UInt8], with machine: inout InvocationStateMachine) -> Bool {
        var offset = 0
        while true {
            let action = machine.next(input.span, at: &offset)
            switch action {
            case .head(let head, let endsHere):
                precondition(self.head == nil, "a second head")
                self.head = head
                self.endsAtHead = endsHere
            case .bodyHeld:
                self.append(machine.heldBytes.array())
            case .body(let range):
                self.append(Array(input[range]))
            case .completed, .failed:
                self.end = action
                return true
            case .needsMore:
                return false
            }
        }
    }

    private mutating func append(_ bytes: [UInt8]) {
        precondition(self.head != nil && !self.endsAtHead, "a body where none may be")
        self.body += bytes
    }
}
