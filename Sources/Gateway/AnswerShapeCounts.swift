internal import Lambda
private import Synchronization

/// How often `response: auto` has taken an answer of a function for what, over all loops.
final class AnswerShapeCounts: Sendable {
    private let prelude = Atomic(0)
    private let body = Atomic(0)
    private let buffered = Atomic(0)
    private let json = Atomic(0)
    private let empty = Atomic(0)

    func count(_ shape: AnswerShape) {
        switch shape {
        case .prelude: self.prelude.wrappingAdd(1, ordering: .relaxed)
        case .body: self.body.wrappingAdd(1, ordering: .relaxed)
        case .buffered: self.buffered.wrappingAdd(1, ordering: .relaxed)
        case .json: self.json.wrappingAdd(1, ordering: .relaxed)
        case .empty: self.empty.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// How often so far.
    subscript(_ shape: AnswerShape) -> Int {
        switch shape {
        case .prelude: self.prelude.load(ordering: .relaxed)
        case .body: self.body.load(ordering: .relaxed)
        case .buffered: self.buffered.load(ordering: .relaxed)
        case .json: self.json.load(ordering: .relaxed)
        case .empty: self.empty.load(ordering: .relaxed)
        }
    }
}
