internal import HTTP
internal import Logging
internal import Reactor
internal import Time

/// What is done where a client meets a limit: it is counted each time, and logged once for the connection; where many
/// connections meet it, each once, for the first of them until there was none for a while.
extension LoopContext {
    private static let ofCrowds: Set = ["connections", "connections_per_address", "tls_handshake", "tls_handshakes"]

    /// A client has hit the limit that has this key in the configuration.
    func noteLimit(_ name: String, of client: ClientConnection) {
        self.metrics.countLimit(name)
        guard Self.ofCrowds.contains(name) ? self.beginsCrowd(name) : client.isFirstHit(of: name) else { return }
        // Every connection ends one day, and no operator has to hear of it.
        let isOrdinary = ["idle_http1", "idle_http2", "requests_per_connection"].contains(name)
        var metadata: Logger.Metadata = [
            "limit": "\(name)", "client": "\(client.address)", "listener": "\(client.listener.name)",
        ]
        if let name = client.protocolName { metadata["protocol"] = "\(name)" }
        self.logger.log(level: isOrdinary ? .debug : .warning, "limit hit", metadata: metadata)
    }

    /// Accepting rests, for want of descriptors or memory. It is counted each time; answers whether it is to be logged.
    func noteExhaustion() -> Bool {
        self.metrics.countLimit("descriptors")
        return self.beginsCrowd("descriptors")
    }

    /// A client has said nothing at all for as long as a request's head may take, and its connection is closed.
    /// Browsers connect ahead of requests that may not come, and load balancers to see whether somebody is there: no
    /// limit is hit.
    func noteSilence(of client: ClientConnection) {
        self.logger.debug(
            "connection without a request closed",
            metadata: ["client": "\(client.address)", "listener": "\(client.listener.name)"])
    }

    /// Whether nobody has met this limit for a while.
    private func beginsCrowd(_ name: String) -> Bool {
        self.crowds[name, default: NewsGate()].happened(at: self.loop.now)
    }
}

extension RequestFault {
    /// The key of the limit that the request is beyond; `nil` where it is wrong in another way.
    var limitName: String? {
        switch self.reason {
        case .requestLineTooLong: "request_line"
        case .message(.tooManyFields): "header_count"
        case .message(.fieldsTooLong): "header_bytes"
        case .headTimedOut: "request_head"
        case .bodyTimedOut: "request_body_stall"
        case .bodyTooSlow: "request_body_rate"
        case .bodyTooLong: "max_request_body"
        default: nil
        }
    }
}
