internal import Bytes
private import COpenSSL

/// The wire as one call into the library sees it: bytes that arrived, and the buffer that takes what is to be sent.
///
/// The library reads and writes through a BIO of ours, straight from the caller's span and straight into the caller's
/// buffer. Between calls the BIO points nowhere.
@safe struct Wire {
    // SAFETY: all pointers are lent by `Wire.with` for the time of its closure.
    fileprivate var input: UnsafeRawPointer?
    fileprivate var available: Int
    fileprivate var taken = 0
    fileprivate var output: UnsafeMutablePointer<ByteBuffer>

    /// Whether everything that arrived has been read.
    var isDrained: Bool { self.taken == self.available }
}

extension Wire {
    /// Lends input and output to the BIO for the time of a closure; moves `offset` past what was read.
    @inline(__always)
    static func with<Result>(
        _ bio: OpaquePointer, input: Span<UInt8>, at offset: inout Int, output: inout ByteBuffer,
        _ body: (UnsafeMutablePointer<Wire>) -> Result
    ) -> Result {
        let start = offset
        let (result, taken) = unsafe input.withUnsafeBytes { bytes in
            unsafe withUnsafeMutablePointer(to: &output) { output in
                var wire = unsafe Wire(
                    input: bytes.baseAddress.map { unsafe $0 + start }, available: bytes.count - start, output: output)
                let result = unsafe withUnsafeMutablePointer(to: &wire) { wire in
                    unsafe BIO_set_data(bio, wire)
                    let result = unsafe body(wire)
                    unsafe BIO_set_data(bio, nil)
                    return result
                }
                return (result, wire.taken)
            }
        }
        offset = start + taken
        return result
    }

    /// A BIO over the wire, with the one reference to it.
    static func makeBIO() -> OpaquePointer? {
        guard let method = Self.method else { return nil }
        guard let bio = unsafe BIO_new(method.pointer) else { return nil }
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    private static let method: LibraryObject? = {
        let type = BIO_get_new_index()
        guard type != -1, let method = unsafe BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "wire") else { return nil }
        unsafe BIO_meth_set_read_ex(method, readWire)
        unsafe BIO_meth_set_write_ex(method, writeWire)
        unsafe BIO_meth_set_ctrl(method, controlWire)
        return unsafe LibraryObject(method, .method)
    }()
}

/// The library wants bytes that arrived.
private func readWire(
    _ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int,
    _ count: UnsafeMutablePointer<Int>?
) -> CInt {
    unsafe sluice_BIO_clear_retry_flags(bio)
    guard let target = unsafe target, let data = unsafe BIO_get_data(bio) else { return -1 }
    // SAFETY: `Wire.with` set the data to its own wire, and takes it back before that one dies.
    let wire = unsafe data.assumingMemoryBound(to: Wire.self)
    let taken = unsafe wire.pointee.taken
    let amount = unsafe min(capacity, wire.pointee.available - taken)
    guard amount > 0, let input = unsafe wire.pointee.input else {
        unsafe sluice_BIO_set_retry_read(bio)
        return -1
    }
    unsafe UnsafeMutableRawPointer(target).copyMemory(from: input + taken, byteCount: amount)
    unsafe wire.pointee.taken = taken + amount
    unsafe count?.pointee = amount
    return 1
}

/// The library has bytes to send.
private func writeWire(
    _ bio: OpaquePointer?, _ source: UnsafePointer<CChar>?, _ amount: Int, _ count: UnsafeMutablePointer<Int>?
) -> CInt {
    unsafe sluice_BIO_clear_retry_flags(bio)
    guard let source = unsafe source, let data = unsafe BIO_get_data(bio) else { return -1 }
    // SAFETY: as in `readWire`; the bytes are the library's and live for this call.
    let wire = unsafe data.assumingMemoryBound(to: Wire.self)
    let bytes = unsafe UnsafeRawBufferPointer(start: source, count: amount)
    unsafe wire.pointee.output.pointee.append(Span<UInt8>(_unsafeBytes: bytes))
    unsafe count?.pointee = amount
    return 1
}

/// The library asks for other things, of which only the flush has a meaning here.
private func controlWire(
    _ bio: OpaquePointer?, _ command: CInt, _ number: CLong, _ pointer: UnsafeMutableRawPointer?
) -> CLong {
    command == BIO_CTRL_FLUSH ? 1 : 0
}
