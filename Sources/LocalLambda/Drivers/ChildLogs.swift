import Bytes
import Logging
import Processes
import Reactor

/// What a child prints, line by line into the log. Bound to the loop.
final class ChildLogs {
    private let process: ChildProcess
    private let log: Logger
    private let loop: Loop
    /// The invocation that the child works on, for which it prints.
    weak var invocation: Invocation?
    private var output = Pipe()
    private var error = Pipe()
    private var scratch = [UInt8](repeating: 0, count: 16 * 1024)

    private struct Pipe: ~Copyable {
        var watch: DescriptorWatch?
        var lines = LogLines()
    }

    init(_ process: ChildProcess, of host: FunctionHost) {
        self.process = process
        self.log = host.log
        self.loop = host.loop
    }

    /// Begins to read.
    func watch() throws(StartError) {
        let output = try StartError.spawning { () throws(SpawnError) in try self.process.duplicateDescriptor(.output) }
        self.output.watch = try StartError.calling { () throws(SystemError) in
            try DescriptorWatch(output, on: self.loop, handler: self)
        }
        let error = try StartError.spawning { () throws(SpawnError) in try self.process.duplicateDescriptor(.error) }
        self.error.watch = try StartError.calling { () throws(SystemError) in
            try DescriptorWatch(error, on: self.loop, handler: self)
        }
    }

    /// Reads what lies in the pipes now, up to 1 MiB of each.
    func drain() {
        for stream in [ChildProcess.Stream.output, .error] {
            for _ in 0..<64 { if !self.readOnce(stream) { break } }
        }
    }

    /// The child has gone: reads the rest and stops.
    func close() {
        self.drain()
        self.output.lines.ended { self.write($0, from: .output) }
        self.error.lines.ended { self.write($0, from: .error) }
        self.output.watch?.close()
        self.error.watch?.close()
        self.output.watch = nil
        self.error.watch = nil
    }

    /// Whether there may be more to read.
    private func readOnce(_ stream: ChildProcess.Stream) -> Bool {
        switch self.process.read(stream, into: &self.scratch) {
        case .bytes(let count):
            let scratch = self.scratch
            switch stream {
            case .output:
                self.output.lines.received(scratch.span.extracting(first: count)) { self.write($0, from: .output) }
            case .error:
                self.error.lines.received(scratch.span.extracting(first: count)) { self.write($0, from: .error) }
            }
            return true
        case .wouldBlock:
            return false
        case .ended:
            switch stream {
            case .output: self.output.watch?.close()
            case .error: self.error.watch?.close()
            }
            return false
        }
    }

    private func write(_ line: String, from stream: ChildProcess.Stream) {
        var metadata: Logger.Metadata = ["stream": stream == .output ? "stdout" : "stderr"]
        if let invocation = self.invocation { metadata["request_id"] = "\(invocation.id.rawValue)" }
        self.log.info("\(line)", metadata: metadata)
        self.invocation?.logTail?.append(line)
    }
}

extension ChildLogs: DescriptorWatchHandler {
    func readable(_ watch: DescriptorWatch) {
        // One read for each round, so that a child that prints without end holds up nobody.
        _ = self.readOnce(watch === self.output.watch ? .output : .error)
    }
}

@available(*, unavailable)
extension ChildLogs: Sendable {}
