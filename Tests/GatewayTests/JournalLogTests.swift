import Glibc
import Logging
import Synchronization
import Testing

@testable import Gateway

/// Log lines for systemd's journal: sd-daemon(3).
@Suite struct JournalLogTests {
    private final class Sink: Sendable {
        let text = Mutex("")
    }

    private func log(_ work: (Logger) -> Void) -> String {
        let sink = Sink()
        var logger = Logger(label: "test") { _ in
            JournalLogHandler { line in sink.text.withLock { $0 += line } }
        }
        logger.logLevel = .trace
        work(logger)
        return sink.text.withLock { $0 }
    }

    @Test(arguments: [
        (Logger.Level.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
    ])
    func `a line begins with its priority`(_ level: Logger.Level, _ priority: Int) {
        #expect(self.log { $0.log(level: level, "it happened") } == "<\(priority)>it happened\n")
    }

    @Test func `what belongs to it follows in order`() {
        #expect(
            self.log { $0.error("it happened", metadata: ["b": "2", "a": "1"]) } == "<3>it happened a=1 b=2\n")
    }

    @Test func `one event is one line, whatever it holds`() {
        let lines = self.log { $0.error("first\nsecond", metadata: ["failure": "x\r\n<0>y\u{1b}\u{2028}"]) }
        #expect(lines == "<3>first\\nsecond failure=x\\r\\n<0>y\\u{1B}\\u{2028}\n")
    }

    @Test(arguments: ["", "1", "1:2:3", "a:b", "0:0"])
    func `a variable that means another stream is not believed`(_ value: String) {
        #expect(!JournalLogHandler.isStandardErrorOfJournal(environment: ["JOURNAL_STREAM": value]))
    }

    @Test func `a variable that means this stream is`() {
        var status = stat()
        #expect(fstat(STDERR_FILENO, &status) == 0)
        #expect(
            JournalLogHandler.isStandardErrorOfJournal(
                environment: ["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino)"]))
        #expect(!JournalLogHandler.isStandardErrorOfJournal(environment: [:]))
    }
}
