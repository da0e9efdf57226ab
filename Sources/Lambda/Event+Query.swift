internal import Bytes
private import JSON

/// How an event has the values of a query's parameters.
enum QueryStyle {
    /// `"name":"one,two"`.
    case joined
    /// `"name":"two"`: the last one counts.
    case last
    /// `"name":["one","two"]`.
    case lists
}

extension ByteBuffer {
    /// Appends an object of the query's parameters behind `opening`, which ends with its brace; nothing where the query
    /// holds no parameter. Answers whether it did.
    ///
    /// Decoded names and values have `+` for a space.
    @discardableResult
    mutating func append(
        query: Span<UInt8>, as opening: StaticString, _ style: QueryStyle, isDecoded: Bool
    ) -> Bool {
        var capacity = 1
        for index in query.indices where query[index] == UInt8(ascii: "&") { capacity += 1 }
        return unsafe withUnsafeTemporaryAllocation(of: QueryParameter.self, capacity: capacity) { storage in
            // SAFETY: `count` elements are initialised, and no others are read; the type is trivial.
            var count = 0
            var start = 0
            while start < query.count {
                let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
                if end > start {
                    let equals = query.extracting(start..<end).firstIndex(of: ASCII.equals).map { $0 + start }
                    let name = start..<(equals ?? end)
                    let value = (equals.map { $0 + 1 } ?? end)..<end
                    unsafe storage.initializeElement(
                        at: count, to: QueryParameter(name: name, value: value, in: query, isDecoded: isDecoded))
                    count += 1
                }
                start = end + 1
            }
            guard count > 0 else { return false }
            let parameters = unsafe UnsafeMutableBufferPointer(rebasing: storage[..<count])
            unsafe QueryParameter.chain(parameters, in: query, isDecoded: isDecoded)
            self.append(opening)
            var separator: StaticString = ""
            for index in 0..<count where unsafe parameters[index].isFirst {
                self.append(separator)
                separator = ","
                self.append(
                    queryText: query.extracting(unsafe parameters[index].nameRange), isDecoded, before: "\"",
                    after: style == .lists ? "\":[\"" : "\":\"")
                var next = index
                while true {
                    let parameter = unsafe parameters[next]
                    let isLast = parameter.next < 0
                    if style != .last || isLast {
                        self.append(
                            queryText: query.extracting(parameter.valueRange), isDecoded, before: "",
                            after: isLast ? "\"" : style == .lists ? "\",\"" : ",")
                    }
                    if isLast { break }
                    next = Int(parameter.next)
                }
                if style == .lists { self.append(ASCII.closeBracket) }
            }
            self.append(ASCII.closeBrace)
            return true
        }
    }

    /// Appends a part of a query between two pieces of JSON.
    @inline(__always)
    private mutating func append(
        queryText text: Span<UInt8>, _ isDecoded: Bool, before: StaticString, after: StaticString
    ) {
        self.append(before)
        if isDecoded {
            self.append(jsonEscapingDecoded: text, plusIsSpace: true)
        } else {
            self.append(jsonEscaping: text)
        }
        self.append(after)
    }
}

/// Where a parameter lies in the query, and which one of its name comes next.
private struct QueryParameter: BitwiseCopyable {
    private var nameStart: UInt32
    private var nameEnd: UInt32
    private var valueStart: UInt32
    private var valueEnd: UInt32
    /// The position of the next parameter of the same name; -1 for none.
    var next: Int32 = -1
    /// Whether no earlier parameter has the same name.
    var isFirst = true
    private var fingerprint: UInt64

    var nameRange: Range<Int> { Int(self.nameStart)..<Int(self.nameEnd) }
    var valueRange: Range<Int> { Int(self.valueStart)..<Int(self.valueEnd) }

    init(name: Range<Int>, value: Range<Int>, in query: Span<UInt8>, isDecoded: Bool) {
        self.nameStart = UInt32(truncatingIfNeeded: name.lowerBound)
        self.nameEnd = UInt32(truncatingIfNeeded: name.upperBound)
        self.valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
        self.valueEnd = UInt32(truncatingIfNeeded: value.upperBound)
        var decoder = PercentDecoder(query.extracting(name), isDecoded: isDecoded)
        var fingerprint: UInt64 = 0
        while let byte = decoder.next() { fingerprint = (fingerprint ^ UInt64(byte)) &* 0x0100_0000_01b3 &+ 1 }
        self.fingerprint = fingerprint
    }

    /// Links the parameters of each name. Few are compared with each other; many are sorted, so that a client cannot
    /// make this quadratic.
    static func chain(
        _ parameters: UnsafeMutableBufferPointer<QueryParameter>, in query: Span<UInt8>, isDecoded: Bool
    ) {
        let count = parameters.count
        if count <= 16 {
            for later in 1..<max(count, 1) {
                var earlier = later - 1
                while earlier >= 0 {
                    if unsafe Self.order(parameters[earlier], parameters[later], in: query, isDecoded) == 0 {
                        unsafe parameters[earlier].next = Int32(later)
                        unsafe parameters[later].isFirst = false
                        break
                    }
                    earlier -= 1
                }
            }
            return
        }
        var positions = (0..<count).map { Int32($0) }
        positions.sort { left, right in
            let order = unsafe Self.order(parameters[Int(left)], parameters[Int(right)], in: query, isDecoded)
            return order == 0 ? left < right : order < 0
        }
        for index in 1..<count {
            let (earlier, later) = (Int(positions[index - 1]), Int(positions[index]))
            if unsafe Self.order(parameters[earlier], parameters[later], in: query, isDecoded) == 0 {
                unsafe parameters[earlier].next = Int32(later)
                unsafe parameters[later].isFirst = false
            }
        }
    }

    /// Negative, zero or positive as the name of the one sorts before, with or after that of the other.
    private static func order(
        _ left: QueryParameter, _ right: QueryParameter, in query: Span<UInt8>, _ isDecoded: Bool
    ) -> Int {
        if left.fingerprint != right.fingerprint { return left.fingerprint < right.fingerprint ? -1 : 1 }
        var one = PercentDecoder(query.extracting(left.nameRange), isDecoded: isDecoded)
        var other = PercentDecoder(query.extracting(right.nameRange), isDecoded: isDecoded)
        while let byte = one.next() {
            guard let otherByte = other.next() else { return 1 }
            if byte != otherByte { return byte < otherByte ? -1 : 1 }
        }
        return other.next() == nil ? 0 : -1
    }
}
