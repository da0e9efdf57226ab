import Logging
import Reactor

/// One of the two ways to the functions: the gateway's own, or that for others. Bound to the loop.
final class CallerDoor: ListenerHandler {
    private unowned let host: LambdaHost
    private let isForOthers: Bool

    init(of host: LambdaHost, isForOthers: Bool) {
        self.host = host
        self.isForOthers = isForOthers
    }

    func accepted(_ connection: Connection) {
        self.host.accepted(connection, isFromOthers: self.isForOthers)
    }

    func acceptPaused(_ error: SystemError, isNews: Bool) {
        guard isNews else { return }
        self.host.log.error("a call could not be accepted: \(error)")
    }
}

/// Counts one connection of others until its socket is closed, whatever became of its calls before.
final class CallerPlace: ConnectionObserver {
    private weak var host: LambdaHost?

    init(in host: LambdaHost) {
        self.host = host
    }

    func socketClosed() {
        self.host?.placeGivenBack()
    }
}
