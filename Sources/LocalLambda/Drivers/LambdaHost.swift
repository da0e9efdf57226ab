import AWS
import Bytes
import Digest
import HTTP
import Lambda
import Logging
import Processes
import Reactor
import Time

/// The functions and their callers. Bound to the loop.
final class LambdaHost {
    let loop: Loop
    let verifier: SigV4Verifier
    private let region: String
    private let environment: ChildEnvironment
    private let temporaryDirectory: String
    let log: Logger
    private var functions: [String: FunctionHost] = [:]
    /// Functions that are no more, and whose last invocations still run.
    private var retired: [ObjectIdentifier: FunctionHost] = [:]
    private var bootstrap: NodeBootstrapFile?
    private var listener: Listener?
    /// Where others than the gateway call.
    private var listenerForOthers: Listener?
    /// Who is going to call which function, by their number.
    private var leases: [String: Int] = [:]
    /// Functions that are no more, and that somebody is still going to call.
    private var leaving: Set<String> = []
    private var callers: [ObjectIdentifier: InvokeConnection] = [:]
    /// Connections of others whose sockets are open.
    private var placesTaken = 0
    private var whenOthersDrained: (() -> Void)?
    private var whenStopped: (() -> Void)?
    private lazy var ownDoor = CallerDoor(of: self, isForOthers: false)
    private lazy var othersDoor = CallerDoor(of: self, isForOthers: true)

    /// Connections of others that may be open: none of them has shown a signature yet when it is accepted.
    private static let placesForOthers = 1000
    /// The account that ARNs of local functions name.
    private static let account = "000000000000"

    init(loop: Loop, credentials: [Credentials], region: String, environment: [String: String], log: Logger) {
        self.loop = loop
        self.verifier = SigV4Verifier(credentials: credentials, service: "lambda")
        self.region = region
        self.environment = ChildEnvironment(inheriting: environment, region: region)
        self.temporaryDirectory = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        self.log = log
    }

    /// Begins to accept calls.
    func listen(on socket: ListeningSocket) throws(SystemError) {
        self.listener = try Listener(socket, on: self.loop, handler: self.ownDoor)
    }

    /// Accepts calls on this socket too, and no longer on the one before.
    func listenForOthers(on socket: ListeningSocket?) throws(SystemError) {
        guard self.whenStopped == nil, self.listenerForOthers?.socket !== socket else { return }
        let before = self.listenerForOthers
        self.listenerForOthers = nil
        defer { before?.close() }
        if let socket { self.listenerForOthers = try Listener(socket, on: self.loop, handler: self.othersDoor) }
    }

    /// Accepts no more calls of others, lets those that are under way end, and then calls the closure.
    func drainOthers(leavingQueue: Bool, whenDrained: @escaping () -> Void) {
        self.whenOthersDrained = whenDrained
        self.listenerForOthers?.close(leavingQueue: leavingQueue)
        self.listenerForOthers = nil
        for caller in Array(self.callers.values) where caller.isFromOthers { caller.drain() }
        self.endDrainIfEmpty()
    }

    /// Ends the calls of others that are under way; answers how many there were.
    func cutOthers() -> Int {
        let callers = self.callers.values.filter(\.isFromOthers)
        let count = callers.count { $0.isBusy }
        for caller in callers { caller.cut() }
        return count
    }

    private func endDrainIfEmpty() {
        guard self.placesTaken == 0, let whenDrained = self.whenOthersDrained else { return }
        self.whenOthersDrained = nil
        whenDrained()
    }

    /// A connection of others has closed its socket.
    func placeGivenBack() {
        self.placesTaken -= 1
        self.endDrainIfEmpty()
    }

    /// Makes these the functions.
    func update(_ functions: [LocalFunction]) {
        guard self.whenStopped == nil else { return }
        let old = self.functions
        self.functions = [:]
        self.leaving = []
        for function in functions {
            if let host = old[function.name], host.function == function {
                self.functions[function.name] = host
            } else {
                self.functions[function.name] = FunctionHost(
                    function, loop: self.loop, environment: self.environment, bootstrap: self.bootstrap(for: function),
                    log: self.log)
            }
        }
        for (name, host) in old where self.functions[name] !== host {
            if self.functions[name] == nil, self.leases[name] != nil {
                self.functions[name] = host
                self.leaving.insert(name)
            } else {
                self.retire(host)
            }
        }
    }

    /// Somebody is going to call a function.
    func leased(_ name: String) {
        self.leases[name, default: 0] += 1
    }

    /// One of those has no more to call. After the last a function that is no more goes.
    func leaseEnded(_ name: String) {
        guard let count = self.leases[name] else { return }
        self.leases[name] = count > 1 ? count - 1 : nil
        guard count == 1, self.leaving.remove(name) != nil else { return }
        if let host = self.functions.removeValue(forKey: name) { self.retire(host) }
    }

    /// Makes these the keys with which calls may be signed.
    func update(credentials: [Credentials]) {
        self.verifier.credentials = credentials
    }

    private func retire(_ host: FunctionHost) {
        let key = ObjectIdentifier(host)
        self.retired[key] = host
        host.retire { [weak self] in self?.hostEnded(key) }
    }

    private func bootstrap(for function: LocalFunction) -> NodeBootstrapFile? {
        guard case .node = function.program else { return nil }
        if self.bootstrap == nil {
            do throws(SpawnError) {
                self.bootstrap = try NodeBootstrapFile(temporaryDirectory: self.temporaryDirectory)
            } catch {
                self.log.error("no directory for the Node.js bootstrap: \(error)")
            }
        }
        return self.bootstrap
    }

    // Calls.

    /// The function that a reference names, or the fault that there is none.
    func function(for reference: FunctionReference) throws(InvokeFault) -> FunctionHost {
        if let host = self.functions[reference.name] { return host }
        throw .functionNotFound(arn: self.arn(of: reference))
    }

    /// The ARN under which a function was invoked.
    func arn(of reference: FunctionReference) -> String {
        let arn =
            "arn:\(reference.partition ?? "aws"):lambda:\(reference.region ?? self.region):"
            + "\(reference.account ?? Self.account):function:\(reference.name)"
        return reference.qualifier.map { "\(arn):\($0)" } ?? arn
    }

    /// Somebody has connected.
    func accepted(_ connection: Connection, isFromOthers: Bool) {
        if isFromOthers {
            guard self.placesTaken < Self.placesForOthers else {
                connection.close()
                return
            }
            self.placesTaken += 1
            connection.observer = CallerPlace(in: self)
        }
        let caller = InvokeConnection(connection, of: self, isFromOthers: isFromOthers)
        self.callers[ObjectIdentifier(caller)] = caller
        // It was in the queue of a listener that has closed since.
        if isFromOthers, self.whenOthersDrained != nil { caller.drain() }
    }

    /// A caller's connection has ended.
    func callerEnded(_ caller: InvokeConnection) {
        self.callers[ObjectIdentifier(caller)] = nil
    }

    // The end.

    /// Ends everything; then calls the closure.
    func stop(whenStopped: @escaping () -> Void) {
        self.listener?.close()
        self.listener = nil
        self.listenerForOthers?.close()
        self.listenerForOthers = nil
        self.whenStopped = whenStopped
        for host in self.functions.values { self.retired[ObjectIdentifier(host)] = host }
        self.functions = [:]
        for (key, host) in self.retired { host.stop { [weak self] in self?.hostEnded(key) } }
        self.endIfEmpty()
    }

    private func hostEnded(_ key: ObjectIdentifier) {
        self.retired[key] = nil
        self.endIfEmpty()
    }

    private func endIfEmpty() {
        guard self.retired.isEmpty, let whenStopped = self.whenStopped else { return }
        self.whenStopped = nil
        for caller in Array(self.callers.values) { caller.closeWhenIdle() }
        self.callers = [:]
        self.bootstrap = nil
        whenStopped()
    }
}

@available(*, unavailable)
extension LambdaHost: Sendable {}
