internal import Bytes

/// Storage that bytes of bodies leave when they have gone, for those that wait next on any stream of the connection:
/// most streams have nothing that waits at most times, and small chunks go on without an allocation.
@safe
struct SpareStorage: ~Copyable {
    /// Pieces that are kept, and how large each may be.
    private static let limit = (count: 8, size: 1024)

    // PERF: a plain stack, as the loop's pool is: this is each chunk.
    // SAFETY: room for `limit.count` pieces, of which the first `count` are owned by this value alone.
    private let pieces: UnsafeMutablePointer<UnsafeMutableRawBufferPointer>
    private(set) var count = 0

    init() {
        unsafe self.pieces = .allocate(capacity: Self.limit.count)
    }

    deinit {
        for index in 0..<self.count { unsafe self.pieces[index].deallocate() }
        unsafe self.pieces.deallocate()
    }

    /// Gives a buffer without storage some, where there is any.
    mutating func lend(to buffer: inout ByteBuffer) {
        guard buffer.capacity == 0, self.count > 0 else { return }
        self.count -= 1
        unsafe buffer.adopt(self.pieces[self.count])
    }

    /// Takes the storage of an empty buffer; frees what is large, or too much.
    mutating func reclaim(_ buffer: inout ByteBuffer) {
        guard buffer.capacity <= Self.limit.size, self.count < Self.limit.count,
            let piece = unsafe buffer.takeStorage()
        else {
            buffer.releaseStorage()
            return
        }
        unsafe self.pieces[self.count] = piece
        self.count += 1
    }
}
