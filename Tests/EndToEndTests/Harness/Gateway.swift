import Foundation
import Glibc
import Testing

/// The real gateway as a process, with a configuration of its own.
final class Gateway: Sendable {
    let child: Child
    let folder: TestFolder
    /// Of the first listener; 0 where it has none.
    let port: Int
    private let listenerCount: Int

    /// Starts a gateway, has the test done with it, and ends it: everything must drain, and its exit status must be 0.
    static func run<Result>(
        _ setup: Setup, drains: Bool = true, _ body: (Gateway) async throws -> Result
    ) async throws -> Result {
        await Slots.shared.enter()
        do {
            let gateway = try await Gateway(setup)
            let result: Result
            do {
                result = try await body(gateway)
            } catch {
                throw HarnessError("\(error)\n--- standard error of the gateway\n\(gateway.log.suffix(4000))")
            }
            if gateway.child.end == nil, drains { try await gateway.stop() }
            await Slots.shared.leave()
            return result
        } catch {
            await Slots.shared.leave()
            throw error
        }
    }

    /// Starts with a text, and waits until all listeners are open.
    init(_ setup: Setup) async throws {
        self.folder = setup.folder
        self.listenerCount = setup.listeners.count
        let file = try setup.folder.write("sluice.yaml", setup.text)
        let (program, arguments) = setup.launcher ?? (Support.binary, [])
        let child = try Child(
            program, arguments + ["run", "--config", file] + setup.arguments,
            environment: setup.environment, folder: setup.folder, name: "sluice")
        self.child = child
        let count = setup.listeners.count
        let addresses = try await eventually("the gateway listens") {
            let addresses = Self.addresses(in: child.errorText)
            if addresses.count >= count { return addresses }
            if let end = child.end { throw HarnessError("the gateway did not start: \(end)\n\(child.errorText)") }
            return nil
        }
        self.port = addresses.compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }.first ?? 0
    }

    /// The addresses in lines such as `... notice sluice: address=127.0.0.1:41234 [Gateway] listening`.
    private static func addresses(in log: String) -> [String] {
        log.split(separator: "\n").filter { $0.hasSuffix("listening") }.compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("address=") }.map { String($0.dropFirst(8)) }
        }
    }

    /// What it wrote to standard error.
    var log: String { self.child.errorText }

    /// The lines of its access log.
    var accessLog: [JSONDocument] {
        self.child.outputText.split(separator: "\n").compactMap { try? JSONDocument(parsing: String($0)) }
    }

    /// Waits for access-log lines.
    func accessLog(lines count: Int) async throws -> [JSONDocument] {
        try await eventually("\(count) lines in the access log") {
            let lines = self.accessLog
            return lines.count >= count ? lines : nil
        }
    }

    /// How many sockets the kernel has on the listener's port besides the listener, whoever holds them.
    var acceptedSockets: Int {
        let port = String(self.port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: 4 - port.count) + port
        let table = (try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)) ?? ""
        return table.split(separator: "\n").dropFirst().count { line in
            // `sl local_address rem_address st …`; 0A is a listener, 06 one that only waits for its number to be free.
            let columns = line.split(separator: " ")
            return columns.count > 3 && columns[1].hasSuffix(suffix) && columns[3] != "0A" && columns[3] != "06"
        }
    }

    func connect(receiveBuffer: Int32? = nil, segment: Int32? = nil) async throws -> RawClient {
        try await RawClient(port: self.port, receiveBuffer: receiveBuffer, segment: segment)
    }

    /// A client of its own whose answer has come as far as `piece`, and not to its end.
    func begun(_ request: String = Gateway.request(), until piece: String) async throws -> RawClient {
        let client = try await self.connect()
        try await client.send(request)
        _ = try await client.body(holding: piece)
        return client
    }

    /// One request on a connection of its own.
    func get(_ path: String = "/", _ fields: [String] = [], method: String = "GET", body: String? = nil) async throws
        -> Answer
    {
        let client = try await self.connect()
        defer { client.close() }
        try await client.send(Self.request(path, fields, method: method, body: body))
        return try await client.answer(to: method)
    }

    /// The bytes of a request.
    static func request(_ path: String = "/", _ fields: [String] = [], method: String = "GET", body: String? = nil)
        -> String
    {
        var lines = ["\(method) \(path) HTTP/1.1"]
        if !fields.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: example.com") }
        lines += fields
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(self.port)\(path)" }

    /// Writes another file and sends HUP; waits until the gateway has said what it makes of it, and answers whether it
    /// was taken.
    @discardableResult
    func reload(_ setup: Setup) async throws -> Bool {
        try self.folder.write("sluice.yaml", setup.text)
        return try await self.reload()
    }

    /// Sends HUP and waits for what comes of it.
    @discardableResult
    func reload() async throws -> Bool {
        let before = self.reloads
        self.child.signal(SIGHUP)
        return try await eventually("the gateway reloads") {
            let now = self.reloads
            if now.taken > before.taken { return true }
            return now.refused > before.refused ? false : nil
        }
    }

    /// How many reloads were taken and refused, by its log.
    private var reloads: (taken: Int, refused: Int) {
        let lines = self.log.split(separator: "\n")
        return (
            lines.count { $0.contains("the configuration was taken") },
            lines.count { $0.contains("the configuration was refused") }
        )
    }

    /// TERM, and what has to follow.
    func stop() async throws {
        self.child.signal(SIGTERM)
        let end = try await self.child.ended()
        #expect(end == .exited(0), "\(self.log.suffix(4000))")
        #expect(
            !self.log.contains("what still runs is cut"), "something was still running: \(self.log.suffix(2000))"
        )
    }
}

/// How many gateways run at once: the machine may be small and busy.
actor Slots {
    static let shared = Slots(6)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) {
        self.free = count
    }

    func enter() async {
        if self.free > 0 {
            self.free -= 1
        } else {
            await withCheckedContinuation { self.waiting.append($0) }
        }
    }

    func leave() {
        if self.waiting.isEmpty { self.free += 1 } else { self.waiting.removeFirst().resume() }
    }
}
