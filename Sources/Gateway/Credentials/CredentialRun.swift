internal import AWS
internal import Reactor
internal import Time

/// One fetch of credentials: does what a `CredentialFetch` says until it is over. `done` is called once, never within
/// `init`.
final class CredentialRun {
    private let loop: Loop
    private let resources: ControlResources
    private let signOnFile: String?
    private var fetch: CredentialFetch
    /// By how much the clock was off when it began.
    private let knownOffset: Duration
    private var done: ((Result<Credentials, CredentialError>) -> Void)?
    private var call: ControlCall?
    private var program: ControlProgram?
    private lazy var timer = LoopTimer(handler: self)

    init(
        _ plan: CredentialPlan, tokenService: SecurityTokenService, resources: ControlResources, on loop: Loop,
        done: @escaping (Result<Credentials, CredentialError>) -> Void
    ) {
        self.loop = loop
        self.resources = resources
        self.signOnFile = if case .singleSignOn(let signOn) = plan.origin { signOn.cacheFile } else { nil }
        self.knownOffset = resources.clock.offset
        self.fetch = CredentialFetch(
            plan, tokenService: tokenService, clockOffset: self.knownOffset,
            keptToken: self.signOnFile.flatMap(resources.keptSignOnToken))
        self.done = done
        self.later { run in run.perform(run.fetch.begin(at: loop.wallNow)) }
    }

    /// Gives up; nobody is told.
    func cancel() {
        self.done = nil
        self.call?.cancel()
        self.program?.cancel()
        self.loop.cancel(self.timer)
    }

    private func perform(_ step: CredentialFetch.Step) {
        switch step {
        case .send(let request):
            self.call = ControlCall(
                request, tls: self.resources.trust, resolver: self.resources.resolver, on: self.loop,
                done: self.received)
        case .read(let path):
            let event: CredentialFetch.Event
            do throws(TextFileError) {
                event = .read(try TextFile.read(path))
            } catch {
                event = .unreadable(error.reason)
            }
            self.later { run in run.received(event) }
        case .write(let path, let text):
            let event: CredentialFetch.Event
            do throws(TextFileError) {
                try TextFile.replace(path, with: text)
                self.resources.wrote(path)
                event = .written
            } catch {
                self.resources.couldNotWrite(path, error.reason)
                event = .unwritable(error.reason)
            }
            self.later { run in run.received(event) }
        case .run(let words):
            self.program = ControlProgram(words, on: self.loop, done: self.received)
        case .pause(let duration):
            self.loop.set(self.timer, after: duration)
        case .finished(let credentials):
            self.finish(.success(credentials))
        case .failed(let error):
            self.finish(.failure(error))
        }
    }

    private func received(_ event: CredentialFetch.Event) {
        guard self.done != nil else { return }
        self.call = nil
        self.program = nil
        self.perform(self.fetch.received(event, at: self.loop.wallNow))
    }

    private func finish(_ result: Result<Credentials, CredentialError>) {
        // Only what it has learnt: others may have learnt something meanwhile.
        if self.fetch.clockOffset != self.knownOffset { self.resources.clock.offset = self.fetch.clockOffset }
        if let signOnFile = self.signOnFile { self.resources.keep(self.fetch.keptSignOnToken, of: signOnFile) }
        let done = self.done
        self.done = nil
        done?(result)
    }

    private func later(_ work: @escaping (CredentialRun) -> Void) {
        let box = LoopBound((self, work))
        self.loop.mailbox.post { loop in
            let (run, work) = box.value(on: loop)
            if run.done != nil { work(run) }
        }
    }
}

extension CredentialRun: LoopTimerHandler {
    func timerFired(_ timer: LoopTimer) {
        self.received(.paused)
    }
}

@available(*, unavailable)
extension CredentialRun: Sendable {}
