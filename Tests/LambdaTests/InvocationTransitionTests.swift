import AWS
import Bytes
import Foundation
import HTTP
import Lambda
import TestSupport
import Testing

/// All states of the invocation machine against all events, as a committed table.
@Suite struct InvocationTransitionTests {
    /// A state, and how to get there: the mode, and what to feed after the API's head.
    static let states: [(name: String, mode: ResponseMode, feed: [Event])] = [
        ("awaitingHead", .auto, []),
        ("refused", .auto, [.apiError]),
        ("searching", .auto, [.apiHead]),
        ("searching, prelude", .prelude, [.apiHead]),
        ("searching, raw", .raw, [.apiHead]),
        ("searching, held", .auto, [.apiHead, .payload("{\"a\"")]),
        ("searching, object", .auto, [.apiHead, .payload("{\"a\":1}")]),
        ("searching, answer", .auto, [.apiHead, .payload("{\"statusCode\":404}")]),
        ("gathering", .buffered, [.apiHead, .payload("{}")]),
        ("relaying", .auto, [.apiHead, .payload("x")]),
        ("relaying, promised", .auto, [.apiHead, .payload("{\"headers\":{\"content-length\":2}}" + delimiter)]),
        ("discarding", .auto, [.apiHead, .payload("{\"statusCode\":204}" + delimiter)]),
        ("completed", .auto, [.apiHead, .payload("x"), .complete("{}")]),
        ("failed", .auto, [.apiHead, .payload("x"), .complete("{\"ErrorCode\":\"X\"}")]),
        ("plain, gathering", .auto, [.apiHead, .payload("{}")]),
        ("plain, relaying", .raw, [.apiHead, .payload("x")]),
        ("plain, function failed", .auto, [.failedHead, .payload("x")]),
    ]

    enum Event {
        case apiHead, apiError, otherHead, failedHead
        case payload(String)
        case complete(String)
        case exception, damage, halfMessage
        case end, loss

        var name: String {
            switch self {
            case .apiHead: "head 200"
            case .apiError: "head 429"
            case .otherHead: "head 200 text/html"
            case .failedHead: "head 200 of a failed function"
            case .payload(let text): "payload \(text.isEmpty ? "of nothing" : text.debugDescription)"
            case .complete(let json): "complete \(json)"
            case .exception: "exception"
            case .damage: "damage"
            case .halfMessage: "half a message"
            case .end: "end"
            case .loss: "loss"
            }
        }
    }

    static let events: [Event] = [
        .apiHead, .apiError, .otherHead, .payload(""), .payload("x"), .payload("xyz"), .payload("{"), .payload("\0"),
        .payload(" "), .complete("{}"), .complete("{\"ErrorCode\":\"X\"}"), .complete("["), .exception, .damage,
        .halfMessage, .end, .loss,
    ]

    static func happen(_ event: Event, to machine: inout InvocationStateMachine, isPlain: Bool) -> [String] {
        var answer = Answer([], complete: nil)
        switch event {
        case .apiHead: return [name(machine.receivedHead(Answer.head))]
        case .apiError: return [name(machine.receivedHead(ResponseHead(status: 429)))]
        case .otherHead:
            return [name(machine.receivedHead(ResponseHead(status: 200, fields: ["content-type": "text/html"])))]
        case .failedHead:
            let head = ResponseHead(status: 200, fields: ["x-amz-function-error": "Unhandled"])
            return [name(machine.receivedHead(head))]
        case .end: return [name(machine.receivedEnd(), machine)]
        case .loss: return [name(machine.lostConnection(), machine)]
        case .payload(let text) where isPlain: answer.stream = Array(text.utf8)
        case .payload(let text): answer = Answer(text, complete: nil)
        case .complete(let json): answer = Answer([], complete: json)
        case .exception:
            answer.append { $0.append(EventStreamHeader.exception("Boom")) }
        case .damage: answer.stream = [UInt8](repeating: 1, count: 16)
        case .halfMessage: answer.stream = Array(Answer("y", complete: nil).stream.prefix(40))
        }
        var actions: [String] = []
        var offset = 0
        while true {
            let action = machine.next(answer.stream.span, at: &offset)
            if action == .needsMore { return actions.isEmpty ? ["needsMore"] : actions }
            actions.append(name(action, machine))
        }
    }

    static func name(_ action: InvocationStateMachine.HeadAction) -> String {
        switch action {
        case .awaitStream: "awaitStream"
        case .collectError: "collectError"
        case .failed(let failure): "failed(\(failure))"
        }
    }

    static func name(_ action: InvocationStateMachine.Action, _ machine: borrowing InvocationStateMachine) -> String {
        switch action {
        case .head(let head, let endsHere): "head(\(head.status)\(endsHere ? ", ends here" : ""))"
        case .bodyHeld: "bodyHeld(\(machine.heldBytes.string().debugDescription))"
        case .body(let range): "body(\(range.count))"
        case .completed: "completed"
        case .failed(let failure): "failed(\(failure))"
        case .needsMore: "needsMore"
        }
    }

    @Test func `every state answers every event as the table says`() throws {
        var table = ""
        for state in Self.states {
            table += "\(state.name)\n"
            let isPlain = state.name.hasPrefix("plain")
            for event in Self.events {
                var machine = InvocationStateMachine(
                    mode: state.mode, operation: isPlain ? .buffered : .streaming)
                for step in state.feed { _ = Self.happen(step, to: &machine, isPlain: isPlain) }
                let actions = Self.happen(event, to: &machine, isPlain: isPlain).joined(separator: ", ")
                table += "    \(event.name) → \(actions)\n"
            }
        }
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Vectors/lambda/transitions.txt")
        if ProcessInfo.processInfo.environment["UPDATE_VECTORS"] == "1" {
            try table.write(to: file, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        for (line, (left, right)) in zip(table.split(separator: "\n"), expected.split(separator: "\n")).enumerated() {
            #expect(left == right, "line \(line + 1)")
        }
        #expect(table == expected)
    }
}
