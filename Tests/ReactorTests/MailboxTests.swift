import Glibc
import Synchronization
import Testing
import Time

@testable import Reactor

@Suite struct MailboxTests {
    /// A loop on a thread of its own, and what other threads may know of it.
    final class RunningLoop: Sendable {
        let mailbox: Mailbox
        private let thread: SystemThread

        init() throws {
            let found = Mutex<Mailbox?>(nil)
            // The thread outlives this call, and what it needs with it.
            final class Box: Sendable {
                let mailbox = Mutex<Mailbox?>(nil)
            }
            let box = Box()
            self.thread = try SystemThread(name: "loop under test") {
                guard let loop = try? Loop() else { return }
                box.mailbox.withLock { $0 = loop.mailbox }
                loop.run()
            }
            try wait {
                found.withLock { $0 = box.mailbox.withLock { $0 } }
                return found.withLock { $0 != nil }
            }
            self.mailbox = try #require(found.withLock { $0 })
        }

        func stop() {
            self.mailbox.post { $0.stop() }
            self.thread.join()
        }
    }

    final class Log: Sendable {
        let entries = Mutex<[[Int]]>(Array(repeating: [], count: 8))
        var count: Int { self.entries.withLock { $0.reduce(0) { $0 + $1.count } } }
    }

    @Test func `work from several threads is run once each, in each thread's order`() throws {
        let running = try RunningLoop()
        let log = Log()
        let threads = try (0..<4).map { thread in
            try SystemThread(name: "poster \(thread)") {
                for number in 0..<2000 {
                    running.mailbox.post { _ in log.entries.withLock { $0[thread].append(number) } }
                    if number % 97 == 0 { usleep(1) }
                }
            }
        }
        for thread in threads { thread.join() }
        try wait { log.count == 8000 }
        running.stop()
        #expect(log.entries.withLock { Array($0[..<4]) } == Array(repeating: Array(0..<2000), count: 4))
    }

    @Test func `a loop that sleeps is woken`() throws {
        let running = try RunningLoop()
        let log = Log()
        for number in 1...20 {
            usleep(500)
            running.mailbox.post { _ in log.entries.withLock { $0[0].append(number) } }
            try wait { log.count == number }
        }
        running.stop()
    }

    @Test func `work that posts work has it run in the next round`() throws {
        let rig = try Rig()
        let log = Log()
        rig.loop.mailbox.post { loop in
            log.entries.withLock { $0[0].append(1) }
            loop.mailbox.post { _ in log.entries.withLock { $0[0].append(2) } }
        }
        rig.turn()
        #expect(log.count == 1)
        rig.turn()
        #expect(log.count == 2)
        rig.turn()
        #expect(log.count == 2)
    }

    @Test func `work that was left before the loop began is run`() throws {
        let rig = try Rig()
        let log = Log()
        for number in 0..<100 { rig.loop.mailbox.post { _ in log.entries.withLock { $0[0].append(number) } } }
        rig.turn()
        #expect(log.entries.withLock { $0[0] } == Array(0..<100))
    }
}

@Suite struct SystemThreadTests {
    @Test func `a thread blocks signals to the process, but not those of its own faults`() throws {
        final class Seen: Sendable {
            let blocked = Mutex<[CInt: Bool]>([:])
        }
        let seen = Seen()
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &before)
        let thread = try SystemThread(name: "a name that is longer than the kernel's fifteen") {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            seen.blocked.withLock { blocked in
                for signal in [SIGTERM, SIGHUP, SIGUSR2, SIGCHLD, SIGSEGV, SIGILL, SIGTRAP] {
                    blocked[signal] = sigismember(&mask, signal) == 1
                }
            }
        }
        thread.join()
        thread.join()
        #expect(
            seen.blocked.withLock { $0 } == [
                SIGTERM: true, SIGHUP: true, SIGUSR2: true, SIGCHLD: true, SIGSEGV: false, SIGILL: false,
                SIGTRAP: false,
            ])
        var after = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &after)
        for signal in 1...31 { #expect(sigismember(&before, CInt(signal)) == sigismember(&after, CInt(signal))) }
    }
}
