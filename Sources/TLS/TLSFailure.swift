/// Why a session ended before its time. Whatever alert is due lies in the output already when one is thrown.
package enum TLSFailure: Error, Sendable, Equatable {
    /// The peer speaks HTTP without TLS: it deserves an answer in plain text.
    case plainHTTP
    /// The peer gave up, and said why.
    case peerAlert(TLSAlert)
    /// What the peer sent or offered is not acceptable, in the library's words.
    case refused(alert: TLSAlert?, reason: String)
    /// The peer's certificate is not believed.
    case certificateRefused(CertificateFault)
    /// A client certificate is required, and none was shown.
    case certificateMissing
    /// The client asked for a name that no certificate has, and such are refused.
    case unknownServerName(String)
    /// The client offered application protocols, and none that is spoken here.
    case noApplicationProtocol
    /// The peer's bytes ended without a close_notify: what came may be cut off.
    case truncated(duringHandshake: Bool)
    /// The session was asked for something that it can not do in its state.
    case notOpen
    /// The library failed for a reason that no peer can be blamed for.
    case library(reason: String)
}

extension TLSFailure {
    /// Whose fault it is.
    package enum Party: Sendable, Equatable {
        case peer
        case ours
    }

    /// Whose fault it is.
    package var whose: Party {
        switch self {
        case .plainHTTP, .peerAlert, .refused, .certificateRefused, .certificateMissing, .unknownServerName,
            .noApplicationProtocol, .truncated:
            .peer
        case .notOpen, .library: .ours
        }
    }

    /// The alert that was sent, where one was.
    package var alert: TLSAlert? {
        switch self {
        case .plainHTTP, .peerAlert, .truncated, .notOpen: nil
        case .refused(let alert, _): alert
        case .certificateRefused(let fault): fault.alert
        case .certificateMissing: .certificateRequired
        case .unknownServerName: .unrecognizedName
        case .noApplicationProtocol: .noApplicationProtocol
        case .library: .internalError
        }
    }
}

extension CertificateFault {
    /// The alert that says so.
    var alert: TLSAlert {
        switch self {
        case .expired, .notYetValid: .certificateExpired
        case .unknownAuthority, .selfSigned: .unknownAuthority
        case .wrongHost, .wrongPurpose, .tooWeak, .other: .badCertificate
        }
    }
}

extension TLSFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .plainHTTP: "the peer speaks HTTP without TLS"
        case .peerAlert(let alert): "the peer gave up: \(alert)"
        case .refused(let alert, let reason): alert.map { "\(reason) (sent \($0))" } ?? reason
        case .certificateRefused(let fault): "the peer's certificate is refused: \(fault)"
        case .certificateMissing: "the peer showed no certificate"
        case .unknownServerName(let name): "no certificate for the name \(name)"
        case .noApplicationProtocol: "the peer offered neither h2 nor http/1.1"
        case .truncated(let duringHandshake):
            duringHandshake ? "the peer left during the handshake" : "the connection ended without close_notify"
        case .notOpen: "the session is not open"
        case .library(let reason): "the TLS library failed: \(reason)"
        }
    }
}
