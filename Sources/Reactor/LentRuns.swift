internal import CLinux

/// Runs of a loop's receive buffer that a connection will send between the bytes of its output.
///
/// A connection holds some only while the handler runs that lent them.
@safe
struct LentRuns: ~Copyable {
    /// Runs that are held before they are written.
    private static let limit = 30

    @unsafe
    private struct Run {
        // SAFETY: points into the loop's receive buffer, which is not touched while runs are held.
        var bytes: UnsafeRawBufferPointer
        /// How many bytes of the output come before it.
        var position: Int
    }

    private var runs: [Run] = unsafe []
    private(set) var byteCount = 0

    var isEmpty: Bool { self.byteCount == 0 }
    var isFull: Bool { unsafe self.runs.count >= Self.limit }

    mutating func append(_ bytes: UnsafeRawBufferPointer, after position: Int) {
        unsafe self.runs.append(Run(bytes: bytes, position: position))
        self.byteCount += bytes.count
    }

    mutating func removeAll() {
        guard self.byteCount > 0 else { return }
        unsafe self.runs.removeAll(keepingCapacity: true)
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
}
