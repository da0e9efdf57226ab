package import Bytes

/// What lies between a connection's socket and its handler, such as TLS: it makes of what arrives what the handler
/// reads, and of what the handler writes what the socket sends.
///
/// A filter has a handshake of its own: until it says `opened`, nothing of the handler's is sealed or sent. Whatever a
/// call appends to `output` is sent, also where it throws: a peer is told why it is left.
package protocol ConnectionFilter: AnyObject {
    /// Appends what has to be sent before anything arrives.
    func start(output: inout ByteBuffer) throws(FilterFailure)

    /// Takes in bytes that arrived, from `offset` on, and moves `offset` past what was taken. Appends what they mean to
    /// the empty `plain`. Called until it answers `needsMore` or throws.
    func receive(
        _ bytes: Span<UInt8>, at offset: inout Int, plain: inout ByteBuffer, output: inout ByteBuffer
    ) throws(FilterFailure) -> FilterEvent

    /// The socket has no more to bring. Throws where the peer had not said so through the filter: what came may be cut
    /// off.
    func receivedEnd() throws(FilterFailure)

    /// Makes of the handler's bytes what the socket sends.
    func seal(_ plain: Span<UInt8>, output: inout ByteBuffer) throws(FilterFailure)

    /// Appends the word that nothing follows, once.
    func close(output: inout ByteBuffer)
}

/// What bytes that arrived mean to a filter.
package enum FilterEvent: Equatable, Sendable {
    /// The filter's own handshake is over: from now on the handler's bytes pass.
    case opened
    /// There are bytes for the handler.
    case plain
    /// The peer has said, through the filter, that it sends no more.
    case ended
    /// Everything was taken in.
    case needsMore
}

/// Why a filter can not go on. Whoever wants to know more asks the filter.
package struct FilterFailure: Error, Equatable, Sendable {
    /// For the log.
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}

/// A connection's filter, and what waits on its outer side.
final class FilteredSide {
    let filter: any ConnectionFilter
    /// Bytes for the socket.
    var sealed = ByteBuffer()
    /// Bytes of the socket that were not taken in yet, because reading was paused.
    var unopened = ByteBuffer()
    /// Whether the filter may have more to hand out without another byte of the socket.
    var hasMore = false
    /// Whether the handler's bytes pass.
    var isOpen = false

    init(_ filter: any ConnectionFilter) {
        self.filter = filter
    }

    /// Bytes that are sealed together where they lie in several places: as many as a record of TLS holds.
    private static let unit = BufferPool.size
    /// Bytes that are sealed before the socket is offered them.
    private static let portion = 4 * FilteredSide.unit
    /// What a small portion may grow by: fits into storage of the pool all the same.
    private static let margin = 256

    /// Seals a portion of what the handler has written, and takes it out of there; all of it where bytes are lent.
    func seal(_ output: inout ByteBuffer, _ lent: inout LentRuns, storageFrom pool: BufferPool) throws(FilterFailure) {
        guard self.isOpen else { return }
        let count = min(output.count, Self.portion)
        if count + lent.byteCount + Self.margin <= BufferPool.size { pool.lend(to: &self.sealed) }
        if lent.isEmpty {
            try self.filter.seal(output.bytes.extracting(first: count), output: &self.sealed)
            output.consume(count)
            return
        }
        try self.gather(output, lent, storageFrom: pool)
        lent.removeAll(storageTo: pool)
        output.removeAll()
    }

    /// Seals runs that lie in several places in units as large as possible: what fills a unit by itself from where it
    /// lies, the rest out of a copy.
    private func gather(
        _ output: borrowing ByteBuffer, _ lent: borrowing LentRuns, storageFrom pool: BufferPool
    ) throws(FilterFailure) {
        var unit = ByteBuffer()
        pool.lend(to: &unit)
        defer { pool.reclaim(&unit) }
        var failure: FilterFailure?
        lent.forEach(interleavedWith: output.bytes) { run in
            var offset = 0
            while offset < run.count, failure == nil {
                do throws(FilterFailure) {
                    let left = run.count - offset
                    let taken: Int
                    if unit.isEmpty, left >= Self.unit {
                        taken = left / Self.unit * Self.unit
                        try self.filter.seal(run.extracting(offset..<offset + taken), output: &self.sealed)
                    } else {
                        taken = min(left, Self.unit - unit.count)
                        unit.append(run.extracting(offset..<offset + taken))
                        if unit.count == Self.unit {
                            try self.filter.seal(unit.bytes, output: &self.sealed)
                            unit.removeAll()
                        }
                    }
                    offset += taken
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
        if !unit.isEmpty { try self.filter.seal(unit.bytes, output: &self.sealed) }
    }
}

@available(*, unavailable)
extension FilteredSide: Sendable {}
