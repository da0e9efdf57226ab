import Testing

@testable import Gateway

/// When freed memory is given back to the system.
struct MemoryGrowthTests {
    private static let mebibyte = 1 << 20

    /// Looks once for each number of MiB; answers at which looks it was worth while. Nothing is given back.
    private func looks(_ sizes: [Int], _ growth: inout MemoryGrowth) -> [Int] {
        sizes.indices.filter { growth.isWorthTrimming(at: sizes[$0] * Self.mebibyte) }
    }

    @Test func `memory that has grown is given back when it has come to rest`() {
        var growth = MemoryGrowth()
        #expect(self.looks([80, 80, 84, 90, 100, 100, 100], &growth) == [6])
        growth.trimmed(to: 90 * Self.mebibyte)
        #expect(self.looks([90, 90, 91, 91, 91, 92, 92, 92], &growth).isEmpty)
        // A sixteenth more.
        #expect(self.looks([96, 96, 96], &growth) == [2])
    }

    @Test func `memory that stays as it is, grows little or never rests is left alone`() {
        var growth = MemoryGrowth()
        #expect(self.looks([80, 80, 80, 80], &growth).isEmpty)
        #expect(self.looks([83, 83, 83, 83], &growth).isEmpty)
        #expect(self.looks([80, 100, 80, 100, 80, 100, 80], &growth).isEmpty)
        #expect(self.looks([82, 84, 86, 88, 90, 92, 94], &growth).isEmpty)
    }

    @Test func `what shrinks by itself counts from where it has come down to`() {
        var growth = MemoryGrowth()
        _ = self.looks([100, 100, 80], &growth)
        #expect(self.looks([90, 90, 90], &growth) == [2])
    }

    @Test func `growth that could not be given back is what there is`() {
        var growth = MemoryGrowth()
        #expect(self.looks([80, 100, 100, 100], &growth) == [3])
        growth.trimmed(to: 100 * Self.mebibyte)
        #expect(self.looks([100, 100, 100, 100], &growth).isEmpty)
    }
}
