package import Configuration
internal import Bytes
internal import HTTP
internal import Lambda
internal import LocalLambda
package import Logging
internal import Reactor
internal import Routing
internal import Time
private import Synchronization

/// Calls one function once, over the same path as the gateway does, and tells what comes back as it comes.
package final class Invoker {
    /// What is told of a call.
    package enum Event: Sendable {
        case head(status: Int, fields: [(name: String, value: String)])
        case chunk([UInt8])
        /// The answer is whole.
        case end
        /// The gateway would have answered this in place of the function.
        case refused(status: Int, body: [UInt8])
        /// The answer broke off after it had begun.
        case truncated
    }

    private let assembly: Assembly

    /// Starts local functions and resolves credentials, as the gateway would.
    package init(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?,
        logger: Logger
    ) throws {
        var configuration = configuration
        // A gateway that runs has it; this one is reached by nobody else.
        configuration.localLambdaAddress = nil
        self.assembly = try Assembly(configuration, environment: environment, readFile: readFile, logger: logger)
    }

    /// Calls the function; `told` is called for each event, with the time since the call began. Answers whether the
    /// function answered well. `tenant` is for functions that take theirs from requests: there is no route that it
    /// could come from here.
    package func invoke(
        _ name: String, method: String, path: String, fields: [(name: String, value: String)], body: [UInt8],
        tenant: String? = nil, told: @escaping (Duration, Event) -> Void
    ) throws -> Bool {
        guard let function = self.assembly.snapshot.functions.first(where: { $0.name == name }) else {
            throw InvokerError.unknownFunction(name, known: self.assembly.snapshot.functions.map(\.name))
        }
        guard let method = Method(parsing: method.utf8.span) else { throw InvokerError.badMethod(method) }
        for (name, value) in fields {
            guard Fields.isName(name.utf8.span), Fields.isValue(value.utf8.span) else {
                throw InvokerError.badField("\(name): \(value)")
            }
        }
        let standIns = try Self.standIns(of: function, tenant: tenant)
        let target: Target
        do throws(RequestFault) {
            target = try Target(requestTarget: path.utf8.span, method: method)
        } catch {
            throw InvokerError.badPath(path, error.description)
        }
        let loop = try Loop()
        let context = LoopContext(
            loop: loop, snapshot: self.assembly.snapshot, shared: self.assembly.sharedResources, accessLog: nil)
        var head = RequestHead(
            method: method, target: target, authority: Authority(host: "localhost"),
            bodyLength: body.isEmpty ? .none : .known(body.count))
        head.fields.append("host", "localhost")
        head.fields.append("user-agent", "sluice-invoke")
        if !body.isEmpty { head.fields.append("content-length", "\(body.count)") }
        for (name, value) in fields { head.fields.set(name, value) }
        head.fields.removeUnforwardable()
        let client = TellingClient(loop: loop, told: told)
        let record = RequestRecord(
            head, requestID: context.newRequestID(), client: "127.0.0.1", startedAt: loop.now, wall: loop.wallNow)
        record.function = name
        let request = GatheredRequest(
            head: head,
            context: EventContext(
                requestID: record.requestID, connection: EventConnection(peerAddress: record.client),
                sourceAddress: record.client, scheme: "http", port: 80, time: context.eventTime(at: record.wall),
                traceID: context.newTraceID(at: record.wall)), tenantID: tenant, standIns: standIns)
        let route = RouteRuntime(Route(hosts: [], paths: [], action: .function(0)), functions: [function])
        let exchange = Exchange(
            request, on: client, context: context, function: function, route: route,
            record: record)
        if body.isEmpty || exchange.receivedBody(body.span) { exchange.requestCompleted() }
        while !client.isOver { loop.turn() }
        return client.isWell
    }

    /// The facts for the functions that may stand in. Throws where one of the chain needs a tenant and there is none,
    /// or none needs the one there is.
    private static func standIns(
        of function: FunctionRuntime, tenant: String?
    ) throws(InvokerError) -> [CallFacts] {
        if let tenant, !InvocationTemplate.isTenantID(tenant) { throw .badTenant(tenant) }
        var facts: [CallFacts] = []
        var next: FunctionRuntime? = function
        var needsTenant: String?
        while let current = next {
            if current.tenantOfRequests != nil { needsTenant = needsTenant ?? current.name }
            if current !== function { facts.append(CallFacts(tenantID: tenant)) }
            next = current.fallback
        }
        if let needsTenant, tenant == nil { throw .tenantNeeded(needsTenant) }
        if needsTenant == nil, tenant != nil { throw .noTenantNeeded(function.name) }
        return facts
    }

    /// Ends the local functions.
    package func stop() {
        self.assembly.sharedResources.control.stop()
        self.assembly.localLambda?.stop()
    }
}

/// Why a call was not even tried.
package enum InvokerError: Error, CustomStringConvertible {
    case unknownFunction(String, known: [String])
    case badPath(String, String)
    case badMethod(String)
    case badField(String)
    case badTenant(String)
    case tenantNeeded(String)
    case noTenantNeeded(String)

    package var description: String {
        switch self {
        case .unknownFunction(let name, let known):
            "the configuration has no function \(name); it has \(known.isEmpty ? "none" : known.joined(separator: ", "))"
        case .badPath(let path, let reason):
            "\(path): \(reason)"
        case .badMethod(let method):
            "\(method.debugDescription) is no method"
        case .badField(let line):
            "\(line.debugDescription) is no field: a name has letters, digits and some marks, and a value is one line"
        case .badTenant(let tenant):
            "\(tenant.debugDescription) is no tenant: it has 1 to 256 letters, digits, spaces and \". _ : / = + - @\""
        case .tenantNeeded(let name):
            "\(name) takes its tenant from requests (tenant_id), and here is no route to take it from: say --tenant VALUE"
        case .noTenantNeeded(let name):
            "\(name) takes no tenant from requests: --tenant is for functions whose tenant_id is no fixed one"
        }
    }
}

/// A client that tells what it is sent.
private final class TellingClient: ClientStream {
    private let loop: Loop
    private let startedAt: MonotonicTime
    private let told: (Duration, Invoker.Event) -> Void
    private(set) var isOver = false
    private(set) var isWell = false

    init(loop: Loop, told: @escaping (Duration, Invoker.Event) -> Void) {
        self.loop = loop
        self.startedAt = loop.now
        self.told = told
    }

    func sendHead(_ head: borrowing ResponseHead, hasBody: Bool) {
        var fields: [(name: String, value: String)] = []
        for index in head.fields.indices {
            fields.append((head.fields.name(at: index).string(), head.fields.value(at: index).string()))
        }
        self.tell(.head(status: head.status, fields: fields))
        if !hasBody { self.sendEnd() }
    }

    func sendBody(_ bytes: Span<UInt8>) {
        self.tell(.chunk(bytes.array()))
    }

    func sendEnd() {
        self.isWell = true
        self.isOver = true
        self.tell(.end)
    }

    func truncate() {
        self.isOver = true
        self.tell(.truncated)
    }

    func abandon() {
        self.truncate()
    }

    func noteLimit(_ name: String) {}

    // It takes everything at once.
    var acknowledgedCount: Int { 0 }

    // The request is there as a whole.
    func pauseRequest() {}
    func resumeRequest() {}

    func respond(_ answer: OwnAnswer) {
        self.isOver = true
        self.tell(.refused(status: answer.head.status, body: answer.body))
    }

    private func tell(_ event: Invoker.Event) {
        self.told(self.loop.now - self.startedAt, event)
    }
}
