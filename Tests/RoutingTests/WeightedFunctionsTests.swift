import HTTP
import Routing
import TestSupport
import Testing

@Suite struct WeightedFunctionsTests {
    private func weighted(
        _ weights: [Int], _ stickiness: WeightedFunctions.Stickiness? = nil
    ) throws -> WeightedFunctions {
        try #require(
            WeightedFunctions(
                weights.enumerated().map { WeightedFunctions.Choice(function: $0.offset, weight: $0.element) },
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
        #expect(WeightedFunctions(weights.map { WeightedFunctions.Choice(function: 0, weight: $0) }) == nil)
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

    @Test func `few values move when weights change a little`() throws {
        let (before, after) = (try self.weighted([90, 10], .header("u")), try self.weighted([80, 20], .header("u")))
        let moved = (0..<5000).count { value in
            let fields = Fields(["u": "\(value)"])
            return before.choose(for: fields, random: 0) != after.choose(for: fields, random: 0)
        }
        #expect((350...650).contains(moved))
    }
}
