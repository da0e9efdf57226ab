import AWS
import Bytes
import Digest
import Foundation
import HTTP
import LocalLambda
import Logging
import Reactor
import Synchronization
import Testing
import Time

/// A running local Lambda with its functions, a directory for their files, and what it logged.
final class LambdaFixture: Sendable {
    static let credentials = Credentials(accessKeyID: "AKIDLOCAL", secretAccessKey: "a+secret/for=tests")

    let lambda: LocalLambda
    let directory: String
    let address: SocketAddress
    let log: LogRecorder

    /// Starts functions; `files` are written into their directory first.
    init(
        files: [String: String] = [:], environment: [String: String] = [:],
        _ functions: (_ directory: String) -> [LocalFunction]
    ) throws {
        self.directory =
            FileManager.default.temporaryDirectory.appendingPathComponent("local-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        for (name, text) in files {
            let path = "\(self.directory)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o755)
        }
        let log = LogRecorder()
        self.log = log
        let logger = Logger(label: "test") { _ in RecordingHandler(recorder: log) }
        var inherited = ProcessInfo.processInfo.environment
        for (name, value) in environment { inherited[name] = value }
        self.lambda = LocalLambda(
            functions: functions(self.directory), credentials: [Self.credentials], region: "eu-west-1",
            environment: inherited, log: logger)
        self.address = try self.lambda.start()
    }

    deinit {
        // Not on the thread of a test: stopping waits for the children.
        let lambda = self.lambda
        let directory = self.directory
        Thread {
            lambda.stop()
            try? FileManager.default.removeItem(atPath: directory)
        }.start()
    }

    /// One function, `f`: a Python script that may use the Runtime API client of `PythonRuntime`.
    static func python(
        _ body: String, concurrency: Int = 1, timeout: Duration = .seconds(20), queueWait: Duration = .seconds(10),
        memory: Int? = nil, environment: [String: String] = [:]
    ) throws -> LambdaFixture {
        try LambdaFixture(files: ["runtime.py": PythonRuntime.source, "f.py": body]) { directory in
            [
                LocalFunction(
                    name: "f", program: .command(["python3", "-S", "-E", "f.py"]), directory: directory,
                    concurrency: concurrency, memory: memory, environment: environment, timeout: timeout,
                    queueWait: queueWait)
            ]
        }
    }

    /// Calls a function on a connection of its own.
    func call(
        _ function: String = "f", stream: Bool = true, event: String = "{}", query: String = "",
        headers: [(String, String)] = [], credentials: Credentials = LambdaFixture.credentials,
        onChunk: @escaping @Sendable (CallAnswer.Chunk) -> Void = { _ in }
    ) async throws -> CallAnswer {
        let path =
            stream
            ? "/2021-11-15/functions/\(function)/response-streaming-invocations"
            : "/2015-03-31/functions/\(function)/invocations"
        return try await self.send(
            CallClient.request(
                path: path, query: query, headers: headers, body: Array(event.utf8), host: "\(self.address)",
                credentials: credentials), onChunk: onChunk)
    }

    /// Asks the function `f` for a stream on a connection that takes little, and reads nothing. The descriptor is the
    /// caller's.
    func callWithoutReading() throws -> CInt {
        let descriptor = try CallClient.connect(self.address.port, receiveBuffer: 65536)
        try CallClient.send(
            CallClient.request(
                path: "/2021-11-15/functions/f/response-streaming-invocations", body: Array("{}".utf8),
                host: "\(self.address)", credentials: Self.credentials), to: descriptor)
        return descriptor
    }

    /// Makes a file in the functions' directory, for which a function may wait.
    @Sendable func touch(_ name: String) {
        _ = FileManager.default.createFile(atPath: "\(self.directory)/\(name)", contents: Data())
    }

    /// Sends bytes on a connection of their own and reads one answer.
    func send(
        _ request: [UInt8], onChunk: @escaping @Sendable (CallAnswer.Chunk) -> Void = { _ in }
    ) async throws -> CallAnswer {
        let port = self.address.port
        return try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result { try CallClient.exchange(request, port: port, onChunk: onChunk) })
            }.start()
        }
    }

    /// Waits until a line was logged.
    func waitForLog(_ text: String) async throws -> [LogRecorder.Entry] {
        for _ in 0..<2000 {
            let entries = self.log.entries.filter { $0.message.contains(text) }
            if !entries.isEmpty { return entries }
            try await Task.sleep(for: .milliseconds(5))
        }
        return []
    }
}

/// What a log was told.
final class LogRecorder: Sendable {
    struct Entry: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    private let recorded = Mutex<[Entry]>([])

    var entries: [Entry] { self.recorded.withLock { $0 } }
    var messages: [String] { self.entries.map(\.message) }

    func record(_ entry: Entry) {
        self.recorded.withLock { $0.append(entry) }
    }
}

private struct RecordingHandler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    func log(event: LogEvent) {
        let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
        self.recorder.record(
            LogRecorder.Entry(level: event.level, message: "\(event.message)", metadata: metadata))
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }
}
