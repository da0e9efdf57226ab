/// Why a connection ended without its handler having closed it.
package enum CloseCause: Equatable, Sendable {
    /// The connection was never made; the error says why (`ECONNREFUSED`, `ETIMEDOUT`, ...).
    case connectFailed(SystemError)
    /// Reading or writing failed: mostly a reset by the peer.
    case failed(SystemError)
    /// Our own layer on top of the socket refused to go on, with a reason for the log.
    case refused(String)
}
