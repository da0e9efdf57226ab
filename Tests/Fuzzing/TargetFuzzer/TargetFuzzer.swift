import Bytes
import FuzzingSupport
import HTTP

/// Request targets: a canonical path stays as it is, so that a route cannot be dodged by being read twice.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    _ = try? Authority(parsing: input.bytes.span)
    guard let target = try? Target(requestTarget: input.bytes.span, method: .get) else { return 0 }
    precondition(target.path.utf8.first == UInt8(ascii: "/"), "a path without its slash")
    precondition(!target.routingPath.utf8.contains(0) && !target.routingPath.contains("//"), "a path not canonical")
    for segment in target.routingPath.split(separator: "/") {
        precondition(segment != "." && segment != "..", "a dot segment was left")
    }
    guard let again = try? Target(requestTarget: target.path.utf8.span, method: .get) else {
        fatalError("a canonical path was refused: \(target.path)")
    }
    expectEqual(again.path, target.path, "the path changed")
    expectEqual(again.routingPath, target.routingPath, "the path to match changed")
    return 0
}
