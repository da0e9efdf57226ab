import Testing

/// A trait for tests that start processes: only a few of them run at the same time, so that a machine with few
/// processors is not asked to start a hundred interpreters in one moment.
struct FewAtOnce: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        await Gate.shared.enter()
        do {
            try await function()
        } catch {
            await Gate.shared.leave()
            throw error
        }
        await Gate.shared.leave()
    }

    private actor Gate {
        static let shared = Gate(places: 3)

        private var places: Int
        private var waiting: [CheckedContinuation<Void, Never>] = []

        init(places: Int) {
            self.places = places
        }

        func enter() async {
            if self.places > 0 {
                self.places -= 1
            } else {
                await withCheckedContinuation { self.waiting.append($0) }
            }
        }

        func leave() {
            if self.waiting.isEmpty { self.places += 1 } else { self.waiting.removeFirst().resume() }
        }
    }
}

extension Trait where Self == FewAtOnce {
    /// Only a few tests with this trait run at the same time.
    static var fewAtOnce: FewAtOnce { FewAtOnce() }
}
