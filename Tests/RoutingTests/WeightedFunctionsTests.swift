import HTTP
import Routing
import TestSupport
import Testing

@Suite struct WeightedFunctionsTests {
    private func weighted(
        _ weights: [Int], _ stickiness: WeightedFunctions.Stickiness? = nil, names: [String] = ["a", "b", "c", "d"]
    ) throws -> WeightedFunctions {
        try #require(
            WeightedFunctions(
                weights.enumerated().map {
                    WeightedFunctions.Choice(function: $0.offset, name: names[$0.offset], weight: $0.element)
                },
                stickiness: stickiness))
    }

    @Test func `each function gets its share`() throws {
        let functions = try self.weighted([90, 0, 10])
        var random = SeededRandom(seed: 7)
        var counts = [0, 0, 0]
        for _ in 0..<10_000 { counts[functions.choose(for: Fields(), random: random.next())] += 1 }
        #expect(counts[1] == 0)
        #expect((800...1200).contains(counts[2]))
        #expect(functions.choose(for: Fields(), random: 0) == 0)
        #expect(functions.choose(for: Fields(), random: .max) == 2)
    }

    @Test(arguments: [[], [0], [0, 0]])
    func `without weights there is no choice`(weights: [Int]) {
        #expect(WeightedFunctions(weights.map { WeightedFunctions.Choice(function: 0, name: "a", weight: $0) }) == nil)
    }

    @Test func `a value stays with its function, whatever else comes`() throws {
        let functions = try self.weighted([50, 50], .cookie("user"))
        var counts = [0, 0]
        for user in 0..<2000 {
            let choices = (0..<4).map { round in
                functions.choose(
                    for: Fields(["x": "1", "cookie": "a=\(round); user=\(user) ; b", "cookie": "user=other"]),
                    random: UInt64(round) << 62)
            }
            #expect(Set(choices).count == 1)
            counts[choices[0]] += 1
        }
        #expect((800...1200).contains(counts[0]))
    }

    @Test func `a header decides as a cookie does, and what is not there is drawn`() throws {
        let functions = try self.weighted([50, 50], .header("x-user"))
        for random in [UInt64.min, .max] {
            #expect(
                functions.choose(for: Fields(["X-User": "7"]), random: random)
                    == functions.choose(for: Fields(["x-user": "7"]), random: 0))
        }
        #expect(functions.choose(for: Fields(["cookie": "x-user=7"]), random: 0) == 0)
        #expect(functions.choose(for: Fields(["cookie": "x-user=7"]), random: .max) == 1)
    }

    /// Where each of many values goes.
    private func places(_ weights: [Int], names: [String] = ["a", "b", "c", "d"]) throws -> [String] {
        let functions = try self.weighted(weights, .header("u"), names: names)
        return (0..<10_000).map { names[functions.choose(for: Fields(["u": "\($0)"]), random: 0)] }
    }

    @Test(arguments: [[50, 40, 10], [1, 1, 1, 1], [0, 3, 1], [1000, 1], [7]])
    func `values are shared as the weights are`(weights: [Int]) throws {
        let places = try self.places(weights)
        for (name, weight) in zip(["a", "b", "c", "d"], weights) {
            let part = Double(weight) / Double(weights.reduce(0, +))
            #expect(abs(Double(places.count { $0 == name }) / 10_000 - part) < 0.015, "\(name)")
        }
    }

    /// Weights before and after, how many values of ten thousand must move, and from where to where.
    static let changes: [(before: [Int], after: [Int], moved: Int, ways: Set<String>)] = [
        ([90, 10], [80, 20], 1000, ["ab"]), ([1, 1, 1], [0, 1, 1], 3333, ["ab", "ac"]),
        ([1, 1, 1], [1, 1, 1, 1], 2500, ["ad", "bd", "cd"]), ([50, 40, 10], [50, 40, 20], 818, ["ac", "bc"]),
        // One has lost and another has gained: some more than the least, and none between those that neither did.
        ([50, 40, 10], [40, 40, 20], 1200, ["ab", "ac", "bc"]), ([1, 2, 3], [10, 20, 30], 0, []),
    ]

    @Test(arguments: Self.changes)
    func `where weights change, values move to who has gained against their own`(
        before: [Int], after: [Int], moved: Int, ways: Set<String>
    ) throws {
        let pairs = zip(try self.places(before), try self.places(after)).filter { $0.0 != $0.1 }
        #expect(Set(pairs.map { $0.0 + $0.1 }).isSubset(of: ways))
        #expect(abs(pairs.count - moved) < 200, "\(pairs.count)")
    }

    @Test func `a function keeps its values wherever it stands in the list`() throws {
        #expect(
            try self.places([50, 40, 10]) == self.places([10, 50, 40], names: ["c", "a", "b"]))
    }
}
