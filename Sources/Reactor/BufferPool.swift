package import Bytes

/// Storage for what waits to be sent, kept by a loop so that a steady flow allocates nothing.
///
/// All storage is of one size. A buffer that grew beyond it is freed when it is empty.
@safe
package final class BufferPool {
    /// Bytes of one piece of storage.
    package static let size = 16 * 1024
    /// Pieces kept at most: 2 MiB for a loop.
    private static let kept = 128

    // SAFETY: each element owns `size` bytes that nobody else points to.
    private var free: [UnsafeMutableRawBufferPointer] = unsafe []

    // SAFETY: all empty; kept for their storage.
    private var runs: [[LentRuns.Run]] = unsafe []

    init() {
        unsafe self.free.reserveCapacity(Self.kept)
    }

    deinit {
        while let storage = unsafe self.free.popLast() { unsafe storage.deallocate() }
    }

    /// Pieces that nobody uses.
    var spareCount: Int { unsafe self.free.count }

    /// Gives a buffer without storage some, so that appending to it does not allocate.
    package func lend(to buffer: inout ByteBuffer) {
        guard buffer.capacity == 0 else { return }
        if let storage = unsafe self.free.popLast() {
            unsafe buffer.adopt(storage)
        } else {
            unsafe buffer.adopt(.allocate(byteCount: Self.size, alignment: 16))
        }
    }

    /// Takes the storage of a buffer back, bytes and all.
    package func reclaim(_ buffer: inout ByteBuffer) {
        guard buffer.capacity > 0 else { return }
        if buffer.capacity == Self.size, unsafe self.free.count < Self.kept {
            if let storage = unsafe buffer.takeStorage() { unsafe self.free.append(storage) }
        } else {
            buffer.releaseStorage()
        }
    }

    /// Empty storage for lent runs.
    func takeRuns(capacity: Int) -> [LentRuns.Run] {
        if let runs = unsafe self.runs.popLast() { return unsafe runs }
        var runs: [LentRuns.Run] = unsafe []
        unsafe runs.reserveCapacity(capacity)
        return unsafe runs
    }

    /// Takes the storage of lent runs back, which leaves an array without any.
    func reclaim(_ runs: inout [LentRuns.Run]) {
        if unsafe self.runs.count < Self.kept { unsafe self.runs.append(runs) }
        unsafe runs = unsafe []
    }
}

@available(*, unavailable)
extension BufferPool: Sendable {}
