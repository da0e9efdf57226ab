import Bytes
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Gateway

@Suite struct LogWriterTests {
    private func pipe() -> (reading: CInt, writing: CInt) {
        var ends: [CInt] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func lines(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append(text)
        return buffer
    }

    @Test func `lines are written in order and to the last`() throws {
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/log-writer-\(UUID().uuidString)"
        defer { unlink(path) }
        for round in 0..<2 {
            // The second one adds to what the first has written.
            let writer = try LogWriter(appendingTo: path)
            for number in 0..<1000 { writer.write(self.lines("\(round * 1000 + number)\n")) }
            writer.close()
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == (0..<2000).map { "\($0)\n" }.joined())
    }

    @Test func `what would wait beyond the bound is dropped and counted`() throws {
        let ends = self.pipe()
        defer { close(ends.reading) }
        let writer = try LogWriter(descriptor: ends.writing, ownsDescriptor: true)
        let megabyte = String(repeating: "x", count: 1 << 20)
        for _ in 0..<20 { writer.write(self.lines(megabyte)) }
        let dropped = writer.droppedBytes
        // Eight wait, some of them with the thread, which is stuck in the full pipe. Whole batches go or stay, so that
        // no line is cut.
        #expect(dropped == 12 << 20)
        var read = 0
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while read < 20 << 20 - dropped { read += max(0, Glibc.read(ends.reading, &bytes, bytes.count)) }
        writer.close()
        #expect(writer.droppedBytes == dropped)
    }

    @Test func `a descriptor that does not block is waited for`() throws {
        let ends = self.pipe()
        defer { close(ends.reading) }
        _ = fcntl(ends.writing, F_SETFL, O_NONBLOCK)
        let writer = try LogWriter(descriptor: ends.writing, ownsDescriptor: true)
        let count = 300_000
        writer.write(self.lines(String(repeating: "y", count: count)))
        var read = 0
        var bytes = [UInt8](repeating: 0, count: 4096)
        while read < count { read += max(0, Glibc.read(ends.reading, &bytes, bytes.count)) }
        writer.close()
        #expect(read == count)
        #expect(writer.droppedBytes == 0)
    }

    @Test func `a pipe without reader costs its lines and nothing else`() throws {
        signal(SIGPIPE, SIG_IGN)
        let ends = self.pipe()
        close(ends.reading)
        let writer = try LogWriter(descriptor: ends.writing, ownsDescriptor: true)
        writer.write(self.lines("lost\n"))
        writer.close()
        #expect(writer.droppedBytes == 5)
    }

    @Test func `after the end nothing is taken`() throws {
        let ends = self.pipe()
        defer { close(ends.reading) }
        let writer = try LogWriter(descriptor: ends.writing, ownsDescriptor: true)
        writer.close()
        writer.write(self.lines("late\n"))
        #expect(writer.droppedBytes == 5)
    }

    @Test func `a line that was cut is ended before the next one, and the loss is told once and its end once`() throws {
        signal(SIGPIPE, SIG_IGN)
        let path = "\(FileManager.default.temporaryDirectory.path)/log-writer-\(UUID().uuidString)"
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        // No program that another test starts is to read as well.
        let first = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        let notices = Mutex<[LogWriter.Notice]>([])
        let writer = try LogWriter(appendingTo: path, calm: .zero) { notice in notices.withLock { $0.append(notice) } }
        let long = String(repeating: "a", count: 1 << 20)
        writer.write(self.lines(long + "\n"))
        var waiting: CInt = 0
        while waiting == 0 {
            usleep(1000)
            _ = ioctl(first, UInt(FIONREAD), &waiting)
        }
        // Nobody reads any more: what is in the pipe stays there, the rest is lost.
        close(first)
        while writer.droppedBytes == 0 { usleep(1000) }
        let dropped = writer.droppedBytes
        writer.write(self.lines("lost\n"))
        while writer.droppedBytes == dropped { usleep(1000) }
        let second = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(second) }
        writer.write(self.lines("next\n"))
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while !text.suffix(5).elementsEqual("next\n".utf8) {
            let count = Glibc.read(second, &piece, piece.count)
            text += piece.prefix(max(0, count))
        }
        writer.close()
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.last == "next")
        #expect(lines.dropLast().allSatisfy { $0.allSatisfy { $0 == "a" } }, "the cut line is a line of its own")
        let told = notices.withLock { $0 }
        #expect(told.count == 2)
        if case .begins(let reason)? = told.first { #expect(reason == "Broken pipe") } else { Issue.record("\(told)") }
        #expect(told.last == .isOver(bytes: writer.droppedBytes))
    }
}
