import Bytes
import FuzzingSupport
import HTTP

/// Headers of the PROXY protocol and what proxies write into fields: a value or a fault, and the same one however much
/// of the connection has come.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    let bytes = input.bytes
    if let (header, length) = (try? ProxyHeader.parse(bytes.span)) ?? nil {
        precondition(length <= bytes.count && length <= ProxyHeader.longest, "more was read than there is")
        guard let (again, _) = (try? ProxyHeader.parse(Array(bytes[..<length]).span)) ?? nil else {
            fatalError("a whole header was not taken for one")
        }
        precondition(again == header, "what follows a header changed it")
        let shorter = (try? ProxyHeader.parse(Array(bytes[..<(length - 1)]).span)) ?? nil
        precondition(shorter == nil, "a header was whole before its last byte")
    }
    if let address = IPAddress(parsing: bytes.span) {
        precondition(IPAddress(parsing: Array(address.description.utf8).span) == address, "an address changed")
    }
    var fields = Fields()
    fields.append("forwarded", String(decoding: bytes, as: UTF8.self))
    _ = fields.forwardedClient(peer: IPAddress(v4: 1)) { $0.low & 1 == 0 }
    fields.append("x-forwarded-for", String(decoding: bytes, as: UTF8.self))
    _ = fields.forwardedClient(peer: IPAddress(v4: 1)) { $0.low & 1 == 0 }
    return 0
}
