internal import Bytes
internal import CLinux

/// Runs of a loop's receive buffer that a connection will send between the bytes of its output.
///
/// A connection holds some only while the handler runs that lent them.
@safe
struct LentRuns: ~Copyable {
    /// Runs that are held before further ones are copied.
    // PERF: the vectors of 30 runs and what lies between them fit in 1 KiB, up to which temporary storage is on the
    // stack.
    private static let limit = 30

    @unsafe
    struct Run {
        // SAFETY: points into the loop's receive buffer, which is not touched while runs are held.
        fileprivate var bytes: UnsafeRawBufferPointer
        /// How many bytes of the output come before it.
        fileprivate var position: Int
    }

    /// Has storage only while runs are held.
    private var runs: [Run] = unsafe []
    private(set) var byteCount = 0

    var isEmpty: Bool { self.byteCount == 0 }
    var isFull: Bool { unsafe self.runs.count >= Self.limit }

    /// Notes a run that goes out behind the first `position` bytes of the output.
    mutating func append(_ bytes: UnsafeRawBufferPointer, after position: Int, storageFrom pool: BufferPool) {
        if self.isEmpty { unsafe self.runs = pool.takeRuns(capacity: Self.limit) }
        unsafe self.runs.append(Run(bytes: bytes, position: position))
        self.byteCount += bytes.count
    }

    /// Forgets the runs.
    mutating func removeAll(storageTo pool: BufferPool) {
        guard !self.isEmpty else { return }
        unsafe self.runs.removeAll(keepingCapacity: true)
        unsafe pool.reclaim(&self.runs)
        self.byteCount = 0
    }

    /// Lends the output and the runs in their order, as vectors of at most `size` bytes in all.
    func withVectors<Result>(
        interleavedWith output: UnsafeRawBufferPointer, upTo size: Int,
        _ body: (UnsafeMutableBufferPointer<iovec>) -> Result
    ) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2 * Self.limit + 3) { vectors in
            var count = 0
            var left = size
            var position = 0
            func add(_ start: UnsafeRawPointer?, _ length: Int) {
                let taken = min(length, left)
                guard taken > 0 else { return }
                unsafe vectors[count] = iovec(iov_base: UnsafeMutableRawPointer(mutating: start), iov_len: taken)
                count += 1
                left -= taken
            }
            for index in unsafe self.runs.indices {
                let run = unsafe self.runs[index]
                if unsafe run.position > position {
                    unsafe add(output.baseAddress.unsafelyUnwrapped + position, run.position - position)
                    unsafe position = run.position
                }
                unsafe add(run.bytes.baseAddress, run.bytes.count)
            }
            if output.count > position {
                unsafe add(output.baseAddress.unsafelyUnwrapped + position, output.count - position)
            }
            return unsafe body(UnsafeMutableBufferPointer(rebasing: vectors[..<count]))
        }
    }

    /// Lends the output and the runs in their order, piece by piece.
    func forEach(interleavedWith output: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
        unsafe output.withUnsafeBytes { bytes in
            unsafe self.withVectors(interleavedWith: bytes, upTo: .max) { vectors in
                for index in 0..<vectors.count {
                    let vector = unsafe vectors[index]
                    // SAFETY: a vector points at initialised bytes of `output` or of the receive buffer.
                    let piece = unsafe UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
                    body(unsafe Span<UInt8>(_unsafeBytes: piece))
                }
            }
        }
    }

    /// Copies the output and the runs in their order, but for the first `skipped` bytes.
    func copy(interleavedWith output: UnsafeRawBufferPointer, from skipped: Int, to target: inout ByteBuffer) {
        unsafe self.withVectors(interleavedWith: output, upTo: .max) { vectors in
            var toSkip = skipped
            for index in 0..<vectors.count {
                let vector = unsafe vectors[index]
                let skip = unsafe min(vector.iov_len, toSkip)
                toSkip -= skip
                // SAFETY: a vector points at initialised bytes of `output` or of the receive buffer.
                let rest = unsafe UnsafeRawBufferPointer(start: vector.iov_base + skip, count: vector.iov_len - skip)
                target.append(unsafe Span<UInt8>(_unsafeBytes: rest))
            }
        }
    }
}
