package import Bytes

/// The canonical form of a request's parts, as Signature Version 4 wants them ("Create a canonical request" in the AWS
/// General Reference).
extension ByteBuffer {
    /// Appends the canonical URI: dot segments and repeated slashes removed, then the path as it goes over the wire
    /// encoded once more, but for its slashes. (S3 alone does not encode twice.)
    package mutating func append(canonicalURI path: Span<UInt8>) {
        guard !path.isEmpty else {
            self.append(ASCII.slash)
            return
        }
        if path.isNormalPath {
            self.append(percentEncoding: path, keepingSlashes: true)
        } else {
            self.append(percentEncoding: path.normalizedPath().span, keepingSlashes: true)
        }
    }

    /// Appends the canonical query: each name and value decoded and encoded again, sorted by name and then by value.
    package mutating func append(canonicalQuery query: Span<UInt8>) {
        if query.isEmpty { return }
        var parameters: [(name: [UInt8], value: [UInt8])] = []
        var start = 0
        while start <= query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let equals = query.extracting(start..<end).firstIndex(of: ASCII.equals).map { start + $0 } ?? end
            let name = query.extracting(start..<equals)
            let value = query.extracting(min(equals + 1, end)..<end)
            if end > start { parameters.append((name.reencoded(), value.reencoded())) }
            start = end + 1
        }
        parameters.sort { left, right in
            left.name == right.name
                ? left.value.lexicographicallyPrecedes(right.value) : left.name.lexicographicallyPrecedes(right.name)
        }
        for (index, parameter) in parameters.enumerated() {
            if index > 0 { self.append(UInt8(ascii: "&")) }
            self.append(parameter.name)
            self.append(ASCII.equals)
            self.append(parameter.value)
        }
    }

    /// Appends a field's value without white space at its ends, and with each run inside made one space.
    package mutating func append(canonicalValue value: Span<UInt8>) {
        let value = value.trimmed
        var isAfterSpace = false
        for index in value.indices {
            let byte = value[index]
            let isSpace = byte == ASCII.space || byte == ASCII.tab
            if !isSpace {
                self.append(byte)
            } else if !isAfterSpace {
                self.append(ASCII.space)
            }
            isAfterSpace = isSpace
        }
    }
}

extension Span<UInt8> {
    /// Whether the path begins with a slash and has no dot segment and no two slashes in a row. A name that begins with
    /// a dot is taken for a dot segment: it only takes the longer way.
    fileprivate var isNormalPath: Bool {
        guard self[0] == ASCII.slash else { return false }
        for index in 1..<self.count where self[index - 1] == ASCII.slash {
            if self[index] == ASCII.slash || self[index] == ASCII.dot { return false }
        }
        return true
    }

    /// The path without empty and dot segments.
    fileprivate func normalizedPath() -> [UInt8] {
        var segments: [Range<Int>] = []
        var start = 0
        while start <= self.count {
            let end = self.firstIndex(of: ASCII.slash, from: start) ?? self.count
            let segment = self.extracting(start..<end)
            if segment.equals("..") {
                _ = segments.popLast()
            } else if !segment.isEmpty && !segment.equals(".") {
                segments.append(start..<end)
            }
            start = end + 1
        }
        var path: [UInt8] = []
        for segment in segments {
            path.append(ASCII.slash)
            path += self.extracting(segment).array()
        }
        if path.isEmpty || self[self.count - 1] == ASCII.slash { path.append(ASCII.slash) }
        return path
    }

    /// The bytes percent-decoded, and encoded again. A percent sign without two digits stands for itself.
    fileprivate func reencoded() -> [UInt8] {
        var decoded = ByteBuffer()
        var index = 0
        while index < self.count {
            if self[index] == ASCII.percent, index + 2 < self.count, let high = ASCII.hexValue(self[index + 1]),
                let low = ASCII.hexValue(self[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(self[index])
                index += 1
            }
        }
        var encoded = ByteBuffer()
        encoded.append(percentEncoding: decoded.bytes)
        return encoded.array()
    }
}
