import Foundation
import Glibc
import Logging
import Testing

@testable import Gateway

/// The log for operators.
@Suite struct OperatorLogTests {
    /// A pipe and what has been written into it.
    private struct Pipe {
        let reading: CInt
        let writing: CInt

        init() {
            var ends: [CInt] = [0, 0]
            #expect(pipe(&ends) == 0)
            (self.reading, self.writing) = (ends[0], ends[1])
            _ = fcntl(self.reading, F_SETFL, O_NONBLOCK)
        }

        func text() -> String {
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65536)
            while case let count = read(self.reading, &piece, piece.count), count > 0 { bytes += piece[..<count] }
            return String(decoding: bytes, as: UTF8.self)
        }

        func close() {
            Glibc.close(self.reading)
            Glibc.close(self.writing)
        }
    }

    private func logged(
        _ format: OperatorLog.Format, isJournal: Bool = false, _ work: (Logger) -> Void
    ) -> String {
        let pipe = Pipe()
        defer { pipe.close() }
        work(OperatorLog(format: format, isJournal: isJournal, descriptor: pipe.writing).logger(level: .info))
        return pipe.text()
    }

    @Test func `text has time, level, what belongs to it, and what happened`() throws {
        let text = self.logged(.text) { $0.notice("it\nhappened", metadata: ["b": "2", "a": "1\n2026"]) }
        let match = try #require(
            text.wholeMatch(of: /(\d{4}-\d\d-\d\dT\S+Z) notice sluice: a=1\\n2026 b=2 \[\w+\] it\\nhappened\n/),
            "\(text)")
        #expect(match.1.hasSuffix("Z"))
    }

    @Test(arguments: [false, true])
    func `JSON is an object for each line`(isJournal: Bool) throws {
        var text = self.logged(.json, isJournal: isJournal) { logger in
            logger.warning("it\n\"happened\"", metadata: ["a": "1", "level": "no", "list": ["x", "y"]])
            logger.debug("not this")
        }
        if isJournal {
            #expect(text.hasPrefix("<4>{"))
            text.removeFirst(3)
        }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String])
        #expect(object["level"] == "warning")
        #expect(object["message"] == "it\n\"happened\"")
        #expect(object["a"] == "1")
        #expect(object["list"] == "[\"x\", \"y\"]")
        #expect(object["time"]?.hasSuffix("Z") == true)
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test func `the journal gets its priorities`() {
        #expect(self.logged(.text, isJournal: true) { $0.error("it happened") } == "<3>it happened\n")
    }

    @Test func `what nobody takes is dropped and counted, and nobody waits for it`() throws {
        // Left open: the thread is stuck in it.
        let pipe = Pipe()
        let log = OperatorLog(format: .text, isJournal: false, descriptor: pipe.writing)
        let logger = log.logger(level: .info)
        logger.info("at the start")
        #expect(pipe.text().contains("at the start"))
        try log.leaveToThread()
        let long = String(repeating: "x", count: 1000)
        for _ in 0..<5000 { logger.info("\(long)") }
        #expect(log.droppedBytes > 2_000_000)
        log.close()
    }

    @Test func `a start waits for nobody either, after it has tried`() {
        let pipe = Pipe()
        defer { pipe.close() }
        let log = OperatorLog(format: .text, isJournal: false, descriptor: pipe.writing)
        let logger = log.logger(level: .info)
        let long = String(repeating: "x", count: 1000)
        for _ in 0..<500 { logger.info("\(long)") }
        #expect(log.droppedBytes > 100_000)
    }

    @Test func `closing writes everything`() throws {
        let pipe = Pipe()
        defer { pipe.close() }
        let log = OperatorLog(format: .text, isJournal: false, descriptor: pipe.writing)
        try log.leaveToThread()
        let logger = log.logger(level: .info)
        for number in 0..<100 { logger.info("line \(number).") }
        log.close()
        let text = pipe.text()
        for number in 0..<100 { #expect(text.contains("line \(number).")) }
    }
}
