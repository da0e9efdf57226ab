private import Bytes

extension Target {
    /// The target of a request line, or the `:path` of HTTP/2, in its canonical form (RFC 9112 §3.2).
    ///
    /// - origin-form, `/path?query`: taken.
    /// - absolute-form, `http://host/path?query`: taken; its authority replaces the Host field.
    /// - asterisk-form, `*`: taken with OPTIONS.
    /// - authority-form, `host:port`: refused with 501, as is CONNECT with anything else that could be a target.
    package init(requestTarget bytes: Span<UInt8>, method: Method) throws(RequestFault) {
        self = try Self.parse(bytes, method: method)
    }

    /// The same. PERF: what an initialiser puts together is copied on the way out, with all that is counted in it.
    static func parse(_ bytes: Span<UInt8>, method: Method) throws(RequestFault) -> Target {
        guard bytes.count > 0 else { throw RequestFault(.target(.form)) }
        if method == .connect {
            _ = try Authority(parsing: bytes)
            throw RequestFault(.connectRefused)
        }
        switch bytes[0] {
        case ASCII.slash:
            let parts = try Self.originForm(bytes)
            return Target(
                authority: nil, path: parts.path, routingPath: parts.routingPath, query: parts.query)
        case UInt8(ascii: "*") where bytes.count == 1 && method == .options:
            return Target(authority: nil, path: "*", routingPath: "*", query: "")
        default:
            return try Self.absoluteForm(bytes, method: method)
        }
    }

    // PERF: the parts instead of a target, which was copied with all that is counted in it on the way out.
    private static func originForm(
        _ bytes: Span<UInt8>
    ) throws(RequestFault) -> (path: String, routingPath: String, query: String) {
        do throws(TargetFault) {
            var isPlain = true
            var index = 0
            // SAFETY: every unchecked subscript stands behind a comparison of its index with the count.
            path: while index < bytes.count {
                let byte = unsafe bytes[unchecked: index]
                switch ByteClass.inTarget(byte) {
                case ByteClass.TargetByte.plain:
                    break
                case ByteClass.TargetByte.special:
                    if byte == ASCII.question { break path }
                    if byte != ASCII.slash {
                        isPlain = false
                    } else if index + 1 < bytes.count {
                        let next = unsafe bytes[unchecked: index + 1]
                        if next == ASCII.slash || next == ASCII.dot { isPlain = false }
                    }
                default:
                    throw Self.fault(byte)
                }
                index += 1
            }
            let query = index < bytes.count ? try Self.query(bytes.extracting(index + 1..<bytes.count)) : ""
            if isPlain {
                // SAFETY: every byte was found to be one that a target may hold, which are all ASCII.
                let path = unsafe bytes.extracting(0..<index).uncheckedASCII
                return (path: path, routingPath: path, query: query)
            }
            let path = try CanonicalPath(bytes.extracting(0..<index))
            return (path: path.path, routingPath: path.routingPath, query: query)
        } catch {
            throw RequestFault(.target(error))
        }
    }

    private static func absoluteForm(_ bytes: Span<UInt8>, method: Method) throws(RequestFault) -> Target {
        let start: Int
        if bytes.count > 7, bytes.extracting(0..<7).equalsIgnoringCase("http://") {
            start = 7
        } else if bytes.count > 8, bytes.extracting(0..<8).equalsIgnoringCase("https://") {
            start = 8
        } else {
            throw RequestFault(.target(.form))
        }
        var end = start
        while end < bytes.count, bytes[end] != ASCII.slash, bytes[end] != ASCII.question {
            if bytes[end] == UInt8(ascii: "#") { throw RequestFault(.target(.fragment)) }
            end += 1
        }
        // RFC 9110 §4.2.1: a recipient that processes an http URI with an empty host MUST reject it as invalid.
        let authority = try Authority(parsing: bytes.extracting(start..<end))
        var target: Target
        if end == bytes.count {
            // RFC 9112 §3.2.4: OPTIONS with an empty path and no query is a request for `*`.
            let path = method == .options ? "*" : "/"
            target = Target(authority: nil, path: path, routingPath: path, query: "")
        } else if bytes[end] == ASCII.question {
            do throws(TargetFault) {
                let query = try Self.query(bytes.extracting(end + 1..<bytes.count))
                target = Target(authority: nil, path: "/", routingPath: "/", query: query)
            } catch {
                throw RequestFault(.target(error))
            }
        } else {
            let parts = try Self.originForm(bytes.extracting(end..<bytes.count))
            target = Target(authority: nil, path: parts.path, routingPath: parts.routingPath, query: parts.query)
        }
        target.authority = authority
        return target
    }

    /// The query is kept as it was sent; only bytes that no target may hold are refused.
    private static func query(_ bytes: Span<UInt8>) throws(TargetFault) -> String {
        for index in bytes.indices {
            // SAFETY: the index is one of the span's.
            let byte = unsafe bytes[unchecked: index]
            guard ByteClass.inTarget(byte) != ByteClass.TargetByte.refused else { throw Self.fault(byte) }
        }
        // SAFETY: as above, every byte is ASCII.
        return unsafe bytes.uncheckedASCII
    }

    private static func fault(_ byte: UInt8) -> TargetFault {
        byte == UInt8(ascii: "#") ? .fragment : .invalidByte(byte)
    }
}
