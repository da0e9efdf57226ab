import Foundation
import Testing
import Time

@testable import Reactor

@Suite struct AddressRaceTests {
    static let v6 = (1...3).map { SocketAddress(host: .v6(0, UInt64($0), scope: 0), port: 443) }
    static let v4 = (1...3).map { SocketAddress(host: .v4(UInt32($0)), port: 443) }
    static let start = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test func `families alternate, beginning with that of the first address`() {
        let v6 = Self.v6
        let v4 = Self.v4
        #expect(AddressRace.interleaved([]) == [])
        #expect(AddressRace.interleaved(v6 + v4) == [v6[0], v4[0], v6[1], v4[1], v6[2], v4[2]])
        #expect(AddressRace.interleaved(v4 + v6) == [v4[0], v6[0], v4[1], v6[1], v4[2], v6[2]])
        #expect(AddressRace.interleaved([v6[0]] + v4) == [v6[0], v4[0], v4[1], v4[2]])
        #expect(AddressRace.interleaved([v4[0]] + v6) == [v4[0], v6[0], v6[1], v6[2]])
        #expect(AddressRace.interleaved(v4) == v4)
    }

    @Test func `the first one that connects wins, and the race is over`() {
        var race = AddressRace([Self.v6[0], Self.v4[0]])
        #expect(race.started(at: Self.start) == .connect(0))
        #expect(race.nextAttempt == Self.start + .milliseconds(250))
        #expect(race.attemptConnected(0) == .win(0))
        #expect(race.nextAttempt == .never)
        #expect(race.delayPassed(at: Self.start + .seconds(1)) == .wait)
        #expect(race.attemptFailed(at: Self.start) == .wait)
        #expect(race.attemptConnected(1) == .wait)
    }

    @Test func `a silent address is overtaken after the delay, and may still win`() {
        var race = AddressRace([Self.v6[0], Self.v4[0], Self.v4[1]])
        #expect(race.started(at: Self.start) == .connect(0))
        #expect(race.delayPassed(at: Self.start + .milliseconds(249)) == .wait)
        #expect(race.delayPassed(at: Self.start + .milliseconds(250)) == .connect(1))
        #expect(race.nextAttempt == Self.start + .milliseconds(500))
        #expect(race.delayPassed(at: Self.start + .milliseconds(500)) == .connect(2))
        #expect(race.nextAttempt == .never)
        #expect(race.attemptConnected(0) == .win(0))
    }

    @Test func `a failure lets the next one go at once, and the last failure loses`() {
        var race = AddressRace([Self.v6[0], Self.v4[0], Self.v4[1]])
        #expect(race.started(at: Self.start) == .connect(0))
        #expect(race.attemptFailed(at: Self.start + .milliseconds(3)) == .connect(1))
        #expect(race.nextAttempt == Self.start + .milliseconds(253))
        #expect(race.delayPassed(at: Self.start + .milliseconds(253)) == .connect(2))
        #expect(race.attemptFailed(at: Self.start + .milliseconds(300)) == .wait)
        #expect(race.attemptFailed(at: Self.start + .milliseconds(301)) == .lose)
        #expect(race.attemptConnected(1) == .wait)
    }

    @Test func `no address at all loses at once`() {
        var race = AddressRace([])
        #expect(race.started(at: Self.start) == .lose)
    }

    @Test func `a name with very many addresses has the first ones tried`() {
        let race = AddressRace((0..<5000).map { SocketAddress(host: .v4($0), port: 1) })
        #expect(race.addresses.count == AddressRace.limit)
    }

    // The transition table.

    enum Event: CaseIterable {
        case started, delayPassed, delayPassedEarly, attemptConnected, attemptFailed
    }

    static let states: KeyValuePairs<String, [Event]> = [
        "before the start": [],
        "first under way": [.started],
        "first failed, second under way": [.started, .attemptFailed],
        "both under way": [.started, .delayPassed],
        "both under way, one failed": [.started, .delayPassed, .attemptFailed],
        "won": [.started, .attemptConnected],
        "lost": [.started, .attemptFailed, .attemptFailed],
    ]

    static func apply(_ event: Event, to race: inout AddressRace, at now: MonotonicTime) -> AddressRace.Action {
        switch event {
        case .started: race.started(at: now)
        case .delayPassed: race.delayPassed(at: now + .milliseconds(250))
        case .delayPassedEarly: race.delayPassed(at: now + .milliseconds(249))
        case .attemptConnected: race.attemptConnected(0)
        case .attemptFailed: race.attemptFailed(at: now)
        }
    }

    @Test func `the transition table is the committed one`() throws {
        var table = "# AddressRace with two addresses: what each event is answered in each state\n"
        for (state, history) in Self.states {
            table += "\n\(state)\n"
            // Starting twice is the driver's fault and no state of a race.
            for event in Event.allCases where event != .started || history.isEmpty {
                var race = AddressRace([Self.v6[0], Self.v4[0]])
                for past in history { _ = Self.apply(past, to: &race, at: Self.start) }
                let action = Self.apply(event, to: &race, at: Self.start)
                let next = race.nextAttempt == .never ? "none" : "after \(race.nextAttempt - Self.start)"
                table += "    \(event) -> \(action), next attempt \(next)\n"
            }
        }
        try Vectors.expect(table, "transitions/address-race.txt")
    }
}

/// Files under `Tests/Vectors` that tests compare with; `UPDATE_VECTORS=1` rewrites them.
enum Vectors {
    static func expect(_ text: String, _ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/\(path)")
        if ProcessInfo.processInfo.environment["UPDATE_VECTORS"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let committed = try String(contentsOf: file, encoding: .utf8)
        #expect(text == committed, sourceLocation: sourceLocation)
    }
}
