internal import Configuration
internal import Reactor
private import Synchronization
internal import TLS
internal import Time

/// The TLS of one listener: the context that new connections get, made of files that may change.
final class ListenerTLS: Sendable {
    /// As the configuration has the listener.
    let name: String
    private let configuration: TLSConfiguration
    private let ticketKeys: TicketKeys
    private let state: Mutex<State>

    private struct State {
        var context: TLSServerContext
        /// The files as they were when they were looked at last, whatever came of it.
        var known: [FileFingerprint?]
        /// Files that are not as they were known, and may still be being written.
        var unsettled: [FileFingerprint?]?
        /// What was wrong with the files when they were read last.
        var faults: [CertificateFile.Fault] = []
    }

    /// What has become of the files since they were looked at last.
    enum Change {
        case none
        /// They have changed, and are looked at again before they are taken.
        case unsettled
        case reloaded
        /// They can not be used, for another reason than before: what was in force goes on.
        case refused([CertificateFile.Fault])
    }

    /// Reads the files. The ticket keys are kept over reloads, so that clients resume across them.
    init(
        name: String, _ configuration: TLSConfiguration, ticketKeys: TicketKeys
    ) throws(CertificateFile.Faults) {
        self.name = name
        self.configuration = configuration
        self.ticketKeys = ticketKeys
        // Before they are read: what changes meanwhile is seen at the next look.
        let known = configuration.files.map { FileFingerprint(of: $0.path) }
        let context = try CertificateFile.context(for: configuration, ticketKeys: ticketKeys)
        self.state = Mutex(State(context: context, known: known))
    }

    /// What a connection that begins now gets.
    var context: TLSServerContext { self.state.withLock { $0.context } }

    /// Looks whether the files have changed, and takes them when they have been the same at two looks.
    func refresh() -> Change {
        let found = self.configuration.files.map { FileFingerprint(of: $0.path) }
        let (isReady, known) = self.state.withLock { state -> (Bool?, [FileFingerprint?]) in
            let known = state.known
            if found == known {
                state.unsettled = nil
                return (nil, known)
            }
            let isSettled = state.unsettled == found
            state.unsettled = isSettled ? nil : found
            if isSettled { state.known = found }
            return (isSettled, known)
        }
        guard let isReady else { return .none }
        guard isReady else { return .unsettled }
        do throws(CertificateFile.Faults) {
            let context = try CertificateFile.context(for: self.configuration, ticketKeys: self.ticketKeys)
            self.state.withLock { state in
                state.context = context
                state.faults = []
            }
            return .reloaded
        } catch {
            let isNews = self.state.withLock { state in
                // Looked at again even if they do not change: want of descriptors passes, and so do wrong permissions.
                if error.faults.contains(where: \.mayPass) { state.known = known }
                defer { state.faults = error.faults }
                return state.faults != error.faults
            }
            return isNews ? .refused(error.faults) : .none
        }
    }
}

extension TLSConfiguration {
    /// Every file that it names.
    var files: [FileReference] {
        self.certificates.flatMap { [$0.certificate, $0.key] + ($0.passphrase.map { [$0] } ?? []) }
            + (self.clientAuthorities.map { [$0] } ?? [])
    }
}
