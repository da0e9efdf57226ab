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
package final class LocalLambda: Sendable {
    private let functions: [LocalFunction]
    private let address: SocketAddress
    private let credentials: [Credentials]
    private let region: String
    private let environment: [String: String]
    private let log: Logger
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        let mailbox: Mailbox
        let thread: SystemThread
        let host: LoopBound<LambdaHost>
    }

    /// A Lambda that knows these functions and accepts signatures made with any of the credentials.
    ///
    /// - Parameters:
    ///   - listen: where it can be reached; a loopback port that the kernel chooses where it is `nil`.
    ///   - region: what the functions' ARNs and environments say.
    ///   - environment: what children inherit.
    package init(
        functions: [LocalFunction], listen: SocketAddress? = nil, credentials: [Credentials],
        region: String = "us-east-1", environment: [String: String]? = nil, log: Logger
    ) {
        self.functions = functions
        self.address = listen ?? .loopback
        self.credentials = credentials
        self.region = region
        self.environment = environment ?? ProcessEnvironment.current
        self.log = log
    }

    /// Binds the address and begins to serve. Answers the address with the port that the kernel chose.
    package func start() throws(SystemError) -> SocketAddress {
        let socket = try ListeningSocket(bindingTo: self.address)
        let loop = try Loop()
        let host = LambdaHost(
            loop: loop, credentials: self.credentials, region: self.region, environment: self.environment, log: self.log
        )
        host.update(self.functions)
        try host.listen(on: socket)
        let bound = LoopBound(host)
        let runner = LoopBound(loop)
        let thread = try SystemThread(name: "local-lambda") { runner.run() }
        self.running.withLock { $0 = Running(mailbox: loop.mailbox, thread: thread, host: bound) }
        self.log.notice("local Lambda API on http://\(socket.address)")
        return socket.address
    }

    /// Replaces the functions. One that has not changed keeps its children; those of others finish what they do.
    package func update(functions: [LocalFunction]) {
        self.perform { $0.update(functions) }
    }

    /// Replaces the credentials with which calls may be signed.
    package func update(credentials: [Credentials]) {
        self.perform { $0.update(credentials: credentials) }
    }

    private func perform(_ work: @escaping @Sendable (LambdaHost) -> Void) {
        guard let running = self.running.withLock({ $0 }) else { return }
        let host = running.host
        running.mailbox.post { loop in work(host.value(on: loop)) }
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

extension SocketAddress {
    /// 127.0.0.1, and a port that the kernel chooses.
    static var loopback: SocketAddress { SocketAddress(host: .v4(UInt32(0x7f00_0001).bigEndian)) }
}
