//===----------------------------------------------------------------------===//
// LocalLambda: a Lambda on this machine.
//
// In front: `InvokeWithResponseStream` and `Invoke` over HTTP/1.1, signatures checked, the event stream written, errors
// named as AWS names them, so that the gateway and any AWS SDK call a local function exactly as one in AWS.
//
// Behind: the Runtime API, one endpoint for each child process, and the children themselves, started on demand, used
// again, killed at their deadline and replaced after a crash.
//
//     InvokeConnection ──▶ LambdaHost ──▶ FunctionHost ──▶ ChildDriver ──▶ RuntimeConnection
//     (InvokeRequest,                     (FunctionState    (ChildState      (RuntimeCall,
//      InvokeAnswer)                       Machine)          Machine)         RuntimeAnswers)
//
// The drivers in the first line run on one loop on a thread of their own; what they decide is decided by the values and
// machines in the lines below them, which know no socket and no process.
//===----------------------------------------------------------------------===//
package import AWS
package import Logging
private import Processes
package import Reactor
private import Synchronization

/// Local functions behind the wire protocol of Lambda. Started once, stopped once.
///
/// It is always reached at a loopback port of its own, which the gateway uses, and where that is wanted at an address
/// for others as well, which may come and go.
package final class LocalLambda: Sendable {
    private let functions: [LocalFunction]
    private let credentials: [Credentials]
    private let region: String
    private let environment: [String: String]
    private let log: Logger
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        let mailbox: Mailbox
        let thread: SystemThread
        let host: LoopBound<LambdaHost>

        func perform(_ work: @escaping @Sendable (LambdaHost) -> Void) {
            let host = self.host
            self.mailbox.post { loop in work(host.value(on: loop)) }
        }
    }

    /// A Lambda that knows these functions and accepts signatures made with any of the credentials.
    ///
    /// - Parameters:
    ///   - region: what the functions' ARNs and environments say.
    ///   - environment: what children inherit.
    package init(
        functions: [LocalFunction], credentials: [Credentials], region: String = "us-east-1",
        environment: [String: String]? = nil, log: Logger
    ) {
        self.functions = functions
        self.credentials = credentials
        self.region = region
        self.environment = environment ?? ProcessEnvironment.current
        self.log = log
    }

    /// Begins to serve, on the socket for others as well where there is one. Answers the loopback address of its own.
    package func start(alsoOn socket: ListeningSocket? = nil) throws(SystemError) -> SocketAddress {
        let own = try ListeningSocket(bindingTo: .loopback)
        let loop = try Loop()
        let host = LambdaHost(
            loop: loop, credentials: self.credentials, region: self.region, environment: self.environment, log: self.log
        )
        host.update(self.functions)
        try host.listen(on: own)
        if let socket { try host.listenForOthers(on: socket) }
        let bound = LoopBound(host)
        let runner = LoopBound(loop)
        let thread = try SystemThread(name: "local-lambda") { runner.run() }
        self.running.withLock { $0 = Running(mailbox: loop.mailbox, thread: thread, host: bound) }
        self.log.notice("local Lambda API on http://\((socket ?? own).address)")
        return own.address
    }

    /// Replaces the socket for others. Calls that wait in the queue of the one before are taken, and those that came
    /// through it are finished.
    package func listen(alsoOn socket: ListeningSocket?) {
        if let socket { self.log.notice("local Lambda API on http://\(socket.address)") }
        let log = self.log
        self.perform { host in
            do throws(SystemError) {
                try host.listenForOthers(on: socket)
            } catch {
                log.error("the local Lambda API cannot accept", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Replaces the functions. One that has not changed keeps its children; those of others finish what they do. One
    /// that is no more can still be called while somebody holds a lease on it.
    package func update(functions: [LocalFunction]) {
        self.perform { $0.update(functions) }
    }

    /// Replaces the credentials with which calls may be signed.
    package func update(credentials: [Credentials]) {
        self.perform { $0.update(credentials: credentials) }
    }

    /// Says that somebody is going to call a function, until the lease is dropped.
    package func lease(_ name: String) -> FunctionLease {
        self.perform { $0.leased(name) }
        return FunctionLease { [running = self.running.withLock { $0 }] in
            running?.perform { $0.leaseEnded(name) }
        }
    }

    /// Accepts no more calls of others than the gateway, lets those that are under way end, and then calls the closure,
    /// on the loop.
    ///
    /// - Parameter leavingQueue: whether another process goes on accepting from the same socket.
    package func drainOthers(leavingQueue: Bool, whenDrained: @escaping @Sendable () -> Void) {
        self.perform { $0.drainOthers(leavingQueue: leavingQueue, whenDrained: whenDrained) }
    }

    /// Ends the calls of others that are under way, and then tells, on the loop, how many there were.
    package func cutOthers(_ done: @escaping @Sendable (_ calls: Int) -> Void) {
        self.perform { done($0.cutOthers()) }
    }

    /// Runs something on the loop in its next round, so that who asks can tell whether it still turns.
    package func atNextRound(_ work: @escaping @Sendable () -> Void) {
        self.perform { _ in work() }
    }

    private func perform(_ work: @escaping @Sendable (LambdaHost) -> Void) {
        self.running.withLock { $0 }?.perform(work)
    }

    /// Ends all functions: their children are told to end, and killed after two seconds. Returns when they have gone.
    package func stop() {
        let running = self.running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        let host = running.host
        running.mailbox.post { loop in host.value(on: loop).stop { loop.stop() } }
        running.thread.join()
    }

    deinit {
        self.stop()
    }
}

/// The right to call a function that may be taken away meanwhile; it ends with the object.
package final class FunctionLease: Sendable {
    private let ended: @Sendable () -> Void

    init(ended: @escaping @Sendable () -> Void) {
        self.ended = ended
    }

    deinit {
        self.ended()
    }
}

extension SocketAddress {
    /// 127.0.0.1, and a port that the kernel chooses.
    static var loopback: SocketAddress { SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian)) }
}
