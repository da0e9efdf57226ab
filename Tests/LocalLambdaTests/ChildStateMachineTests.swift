import Foundation
import LocalLambda
import Testing

/// What a child may say, and what becomes of it.
@Suite struct ChildStateMachineTests {
    private static let (id, other) = (InvocationID("id"), InvocationID("other"))

    @Test func `an invocation from the start of the child to the next`() {
        var machine = ChildStateMachine()
        #expect(machine.requestedNext() == .hold)
        #expect(machine.isIdle == true)
        #expect(machine.assigned(Self.id) == true)
        #expect(machine.current == Self.id)
        #expect(machine.responseBegan(for: Self.id) == .accept)
        #expect(machine.responseEnded() == true)
        #expect(machine.current == nil)
        #expect(machine.requestedNext() == .hold)
    }

    @Test func `a crash in the middle of an answer is told once`() {
        var machine = ChildStateMachine()
        _ = machine.requestedNext()
        _ = machine.assigned(Self.id)
        _ = machine.responseBegan(for: Self.id)
        #expect(machine.responseBroken() == .awaitExit(Self.id))
        #expect(machine.exited() == .fail(Self.id))
        #expect(machine.gaveUpOnBroken() == nil)
        #expect(machine.exited() == .none)
    }

    @Test func `an answer that breaks off while the process lives is cut`() {
        var machine = ChildStateMachine()
        _ = machine.requestedNext()
        _ = machine.assigned(Self.id)
        _ = machine.responseBegan(for: Self.id)
        #expect(machine.responseBroken() == .awaitExit(Self.id))
        #expect(machine.gaveUpOnBroken() == Self.id)
        #expect(machine.requestedNext() == .hold)
    }

    @Test func `the deadline ends what runs, and not what has just ended`() {
        var machine = ChildStateMachine()
        _ = machine.requestedNext()
        _ = machine.assigned(Self.id)
        #expect(machine.deadlinePassed() == .kill(failing: Self.id))
        #expect(machine.exited() == .none)
        var idle = ChildStateMachine()
        _ = idle.requestedNext()
        #expect(idle.deadlinePassed() == .ignore)
    }

    private enum Event: String, CaseIterable {
        case requestedNext, assigned, responseBegan, responseBeganForOther, responseEnded, responseBroken
        case gaveUpOnBroken, errorReported, errorReportedForOther, initErrorReported, deadlinePassed, startLimitPassed
        case stopped, exited
    }

    private static let states: [(name: String, events: [Event])] = [
        ("starting", []),
        ("failed", [.initErrorReported]),
        ("idle", [.requestedNext]),
        ("running", [.requestedNext, .assigned]),
        ("answering", [.requestedNext, .assigned, .responseBegan]),
        ("broken", [.requestedNext, .assigned, .responseBegan, .responseBroken]),
        ("answered", [.requestedNext, .assigned, .errorReported]),
        ("ending", [.stopped]),
        ("ended", [.exited]),
    ]

    private static func happen(_ event: Event, to machine: inout ChildStateMachine) -> String {
        switch event {
        case .requestedNext: "\(machine.requestedNext())"
        case .assigned: "\(machine.assigned(self.id))"
        case .responseBegan: "\(machine.responseBegan(for: self.id))"
        case .responseBeganForOther: "\(machine.responseBegan(for: self.other))"
        case .responseEnded: "\(machine.responseEnded())"
        case .responseBroken: "\(machine.responseBroken())"
        case .gaveUpOnBroken: machine.gaveUpOnBroken()?.rawValue ?? "nobody"
        case .errorReported: "\(machine.errorReported(for: self.id))"
        case .errorReportedForOther: "\(machine.errorReported(for: self.other))"
        case .initErrorReported: "\(machine.initErrorReported())"
        case .deadlinePassed: "\(machine.deadlinePassed())"
        case .startLimitPassed: "\(machine.startLimitPassed())"
        case .stopped: machine.stopped()?.rawValue ?? "nobody"
        case .exited: "\(machine.exited())"
        }
    }

    @Test func `every state answers every event as the table says`() throws {
        var table = ""
        for state in Self.states {
            table += "\(state.name)\n"
            for event in Event.allCases {
                var machine = ChildStateMachine()
                for step in state.events { _ = Self.happen(step, to: &machine) }
                let action = Self.happen(event, to: &machine)
                    .replacingOccurrences(of: "LocalLambda.InvocationID(rawValue: \"id\")", with: "id")
                    .replacingOccurrences(of: "LocalLambda.RuntimeRefusal.", with: "")
                    .replacingOccurrences(of: "InvocationID(rawValue: \"id\")", with: "id")
                table += "    \(event) → \(action); \(machine.description)\n"
            }
        }
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Vectors/local-lambda/child-transitions.txt")
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
