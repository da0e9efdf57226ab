import Bytes
import Glibc
import Testing
import Time

@testable import Reactor

@Suite struct DescriptorWatchTests {
    final class Reader: DescriptorWatchHandler {
        private(set) var bytes: [UInt8] = []
        private(set) var hasEnded = false
        private(set) var calls = 0
        var on: ((DescriptorWatch) -> Void)?

        func readable(_ watch: DescriptorWatch) {
            self.calls += 1
            if let on = self.on {
                on(watch)
                return
            }
            watch.read { bytes in
                if let bytes { self.bytes += bytes.array() } else { self.hasEnded = true }
            }
            if self.hasEnded { watch.close() }
        }
    }

    static func pipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test func `a pipe is read until its end`() throws {
        let rig = try Rig()
        let reader = Reader()
        let (read, write) = try Self.pipe()
        let watch = try DescriptorWatch(read, on: rig.loop, handler: reader)
        rig.turn(3)
        #expect(reader.calls == 0)
        _ = Glibc.write(write, "some text", 9)
        rig.turn { reader.bytes.count == 9 }
        close(write)
        rig.turn { reader.hasEnded }
        #expect(rig.loop.sourceCount == 0)
        watch.close()
        #expect(watch.descriptor == -1)
    }

    @Test func `a watch tells again each round until the bytes were read`() throws {
        let rig = try Rig()
        let reader = Reader()
        let (read, write) = try Self.pipe()
        let watch = try DescriptorWatch(read, on: rig.loop, handler: reader)
        reader.on = { _ in }
        _ = Glibc.write(write, "x", 1)
        rig.turn(3)
        #expect(reader.calls == 3)
        reader.on = nil
        rig.turn()
        #expect(reader.bytes.count == 1)
        watch.close()
        close(write)
    }

    @Test func `reading where nothing waits does not block`() throws {
        let rig = try Rig()
        let reader = Reader()
        let (read, write) = try Self.pipe()
        let watch = try DescriptorWatch(read, on: rig.loop, handler: reader)
        #expect(watch.read { $0?.count } == 0)
        watch.close()
        close(write)
    }

    @Test func `a closed watch is silent although a child still holds a copy of its descriptor`() throws {
        let loop = try Loop()
        let reader = Reader()
        let (read, write) = try Self.pipe()
        let copy = dup(read)
        let watch = try DescriptorWatch(read, on: loop, handler: reader)
        _ = Glibc.write(write, "x", 1)
        watch.close()
        let start = LoopClock.system.monotonic()
        loop.turn(waitingAtMost: .milliseconds(20))
        #expect(LoopClock.system.monotonic() - start >= .milliseconds(20), "The loop does not spin")
        #expect(reader.calls == 0)
        close(copy)
        close(write)
    }

    @Test func `a descriptor that can not be watched is an error, and closed`() throws {
        let rig = try Rig()
        let folder = try TemporaryFolder()
        let file = open(folder.path("plain"), O_CREAT | O_RDWR, 0o600)
        #expect(throws: SystemError("epoll_ctl", code: EPERM)) {
            _ = try DescriptorWatch(file, on: rig.loop, handler: Reader())
        }
        #expect(rig.loop.sourceCount == 0)
    }
}
