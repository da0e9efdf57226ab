internal import AWS
internal import Processes
internal import Reactor

/// A program that is run for what it prints: `credential_process`.
///
/// The timer keeps it alive until it is over. `done` is called once, never within `init`.
final class ControlProgram {
    private let loop: Loop
    private var process: ChildProcess?
    private var done: ((CredentialFetch.Event) -> Void)?
    private var watches: [(watch: DescriptorWatch, event: ChildProcess.Event)] = []
    private var output: [UInt8] = []
    private var errors: [UInt8] = []
    private var scratch = [UInt8](repeating: 0, count: 16 * 1024)
    private lazy var timer = LoopTimer(handler: self)

    /// How long a program may run: it may ask others over the network.
    private static let limit = Duration.seconds(60)
    /// Bytes of what it prints that are kept; keys are small.
    private static let mostOutput = 64 * 1024
    /// How often a pipe is read in a row: 1 MiB, far more than one holds when the program has ended.
    private static let readsInARow = 64

    init(_ words: [String], on loop: Loop, done: @escaping (CredentialFetch.Event) -> Void) {
        self.loop = loop
        self.done = done
        loop.set(self.timer, after: Self.limit)
        do {
            try self.start(words)
        } catch {
            let box = LoopBound(self)
            let reason = "\(error)"
            loop.mailbox.post { loop in box.value(on: loop).finish(.programFailed(reason)) }
        }
    }

    private func start(_ words: [String]) throws {
        var environment = ProcessEnvironment.current
        for name in Handover.variablesOfGateway { environment[name] = nil }
        guard let program = words.first,
            let path = ExecutableSearch(besides: nil, path: environment["PATH"]).locate(program)
        else { throw SpawnError.noSuchExecutable(words.first ?? "") }
        let process = try ChildProcess.spawn(
            ProcessDescription(executable: path, arguments: Array(words.dropFirst()), environment: environment))
        self.process = process
        for event in [ChildProcess.Event.output, .error, .exit] {
            let watch = try DescriptorWatch(try process.duplicateDescriptor(event), on: self.loop, handler: self)
            self.watches.append((watch, event))
        }
    }

    /// Gives up; nobody is told.
    func cancel() {
        self.done = nil
        self.release()
    }

    private func finish(_ event: CredentialFetch.Event) {
        let done = self.done
        self.done = nil
        self.release()
        done?(event)
    }

    private func release() {
        for (watch, _) in self.watches { watch.close() }
        self.watches = []
        self.process?.killAndWait()
        self.process = nil
        self.loop.cancel(self.timer)
    }

    /// Reads what lies in a pipe; answers whether it has an end still to come. One who prints faster than we read is
    /// heard again in the next round, when others have had their turn.
    private func drain(_ stream: ChildProcess.Stream) -> Bool {
        guard let process = self.process else { return false }
        for _ in 0..<Self.readsInARow {
            switch process.read(stream, into: &self.scratch) {
            case .bytes(let count): self.keep(self.scratch[..<count], of: stream)
            case .wouldBlock: return true
            case .ended: return false
            }
        }
        return true
    }

    /// What is too much is read and thrown away, so that the program can go on. Of too much output nothing is used; of
    /// the complaints the last line is, which stays.
    private func keep(_ bytes: ArraySlice<UInt8>, of stream: ChildProcess.Stream) {
        switch stream {
        case .output:
            self.output += bytes.prefix(Self.mostOutput + 1 - self.output.count)
        case .error:
            self.errors += bytes
            if self.errors.count > Self.mostOutput { self.errors.removeFirst(self.errors.count - Self.mostOutput) }
        }
    }

    private func ended(_ outcome: ProcessOutcome) {
        _ = self.drain(.output)
        _ = self.drain(.error)
        guard outcome.isSuccess else {
            // The last line says most; it is the program's, for the log alone.
            let line = String(decoding: self.errors, as: UTF8.self).split(whereSeparator: \.isNewline).last
            self.finish(.programFailed("\(outcome)\(line.map { ": \($0.prefix(400))" } ?? "")"))
            return
        }
        guard self.output.count <= Self.mostOutput else {
            self.finish(.programFailed("it printed more than \(Self.mostOutput) bytes"))
            return
        }
        self.finish(.printed(self.output))
    }
}

extension ControlProgram: DescriptorWatchHandler {
    func readable(_ watch: DescriptorWatch) {
        guard let event = self.watches.first(where: { $0.watch === watch })?.event else { return }
        switch event {
        case .output, .error:
            // The end of a pipe would be reported for ever.
            if !self.drain(event == .output ? .output : .error) {
                watch.close()
                self.watches.removeAll { $0.watch === watch }
            }
        case .exit:
            if let outcome = self.process?.reap() { self.ended(outcome) }
        }
    }
}

extension ControlProgram: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.finish(.programFailed("it had not ended after \(Self.limit)"))
    }
}

@available(*, unavailable)
extension ControlProgram: Sendable {}
