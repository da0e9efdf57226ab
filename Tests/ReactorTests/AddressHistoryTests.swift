import Reactor
import Testing
import Time

struct AddressHistoryTests {
    private static let addresses = (1...4).map { SocketAddress(host: .v4(UInt32($0)), port: 1) }
    private static let now = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test func `those that failed come last, in their order, until they are up or time has passed`() {
        var history = AddressHistory()
        let all = Self.addresses
        #expect(history.ordered(all, at: Self.now) == all)
        history.failed(all[0], at: Self.now)
        history.failed(all[2], at: Self.now + .seconds(10))
        #expect(history.ordered(all, at: Self.now + .seconds(20)) == [all[1], all[3], all[0], all[2]])
        #expect(history.ordered(all, at: Self.now + .seconds(30)) == [all[0], all[1], all[3], all[2]])
        history.connected(all[2])
        #expect(history.ordered(all, at: Self.now + .seconds(30)) == all)
    }

    @Test func `where all have failed, all are tried`() {
        var history = AddressHistory()
        for address in Self.addresses { history.failed(address, at: Self.now) }
        #expect(history.ordered(Self.addresses, at: Self.now) == Self.addresses)
    }

    @Test func `what is remembered is bounded`() {
        var history = AddressHistory()
        for number in 0..<10_000 {
            history.failed(SocketAddress(host: .v4(UInt32(number)), port: 1), at: Self.now)
        }
        let late = SocketAddress(host: .v4(77_777), port: 1)
        history.failed(late, at: Self.now + .seconds(31))
        #expect(history.ordered([late, Self.addresses[0]], at: Self.now + .seconds(31)).last == late)
    }
}
