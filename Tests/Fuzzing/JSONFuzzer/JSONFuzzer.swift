import Bytes
import FuzzingSupport
import JSON

/// Documents: what was read can be written, and reads as the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    var text = ByteBuffer()
    text.append(jsonString: input.bytes.span)
    guard let string = try? JSONValue(parsing: text.bytes) else { fatalError("a string of ours is not JSON") }
    if let valid = String(validating: input.bytes, as: UTF8.self) {
        expectEqual(string, .string(valid), "a string changed")
    }

    guard let value = try? JSONValue(parsing: input.bytes.span) else { return 0 }
    var written = ByteBuffer()
    written.append(json: value)
    expectEqual(try? JSONValue(parsing: written.bytes), value, "written and read again")
    var compacted = ByteBuffer()
    compacted.append(compacting: input.bytes.span)
    expectEqual(try? JSONValue(parsing: compacted.bytes), value, "compacted and read again")
    return 0
}
