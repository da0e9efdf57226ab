package import Bytes

/// Storage for what waits to be sent, kept by a loop so that a steady flow allocates nothing.
///
/// All storage is of one size. A buffer that grew beyond it is freed when it is empty.
@safe
package final class BufferPool {
    /// Bytes of one piece of storage.
    package static let size = 16 * 1024
    /// Pieces kept at most: 1 MiB for a loop.
    private static let kept = 64

    // PERF: a plain stack. As an array it took 100 instructions more to lend a piece and take it back, once a chunk.
    // SAFETY: room for `kept` pointers, of which the first `spareCount` each own `size` bytes that nobody else points
    // to.
    private let free: UnsafeMutablePointer<UnsafeMutableRawPointer>
    /// Pieces that nobody uses.
    private(set) var spareCount = 0
    /// As few as there were of them at any time since `freeUnused`.
    private var fewestSpare = 0

    // SAFETY: all empty; kept for their storage.
    private var runs: [[LentRuns.Run]] = unsafe []

    init() {
        unsafe self.free = .allocate(capacity: Self.kept)
    }

    deinit {
        for index in 0..<self.spareCount { unsafe self.free[index].deallocate() }
        unsafe self.free.deallocate()
    }

    /// Gives a buffer without storage some, so that appending to it does not allocate.
    package func lend(to buffer: inout ByteBuffer) {
        guard buffer.capacity == 0 else { return }
        guard self.spareCount > 0 else {
            unsafe buffer.adopt(.allocate(byteCount: Self.size, alignment: 1))
            return
        }
        self.spareCount -= 1
        if self.spareCount < self.fewestSpare { self.fewestSpare = self.spareCount }
        let piece = unsafe self.free[self.spareCount]
        unsafe buffer.adopt(UnsafeMutableRawBufferPointer(start: piece, count: Self.size))
    }

    /// Takes the storage of a buffer back, bytes and all.
    package func reclaim(_ buffer: inout ByteBuffer) {
        guard buffer.capacity > 0 else { return }
        guard buffer.capacity == Self.size, self.spareCount < Self.kept,
            let piece = unsafe buffer.takeStorage()?.baseAddress
        else {
            buffer.releaseStorage()
            return
        }
        unsafe self.free[self.spareCount] = piece
        self.spareCount += 1
    }

    /// Frees the pieces that nobody has needed since it was last called, and so keeps as many as a steady flow takes.
    func freeUnused() {
        for _ in 0..<self.fewestSpare {
            self.spareCount -= 1
            unsafe self.free[self.spareCount].deallocate()
        }
        self.fewestSpare = self.spareCount
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
