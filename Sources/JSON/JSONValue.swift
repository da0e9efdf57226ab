package import Bytes

/// A JSON document as a value.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The number's text as it stands in the document, so that no digit is lost.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads a whole document.
    package init(parsing bytes: Span<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var reader = JSONReader(bytes, limits: limits)
        self = try reader.readValue()
        try reader.finish()
    }

    /// A number.
    package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }
}

/// Looking into a document.
extension JSONValue {
    /// The value of a key, where this is an object that has it.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// The text, where this is a string.
    package var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The elements, where this is an array.
    package var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The members, where this is an object.
    package var object: JSONObject? {
        guard case .object(let object) = self else { return nil }
        return object
    }

    /// The truth value, where this is one.
    package var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The number, where this is one that is written as an integer and fits.
    package var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }
}

extension JSONReader {
    /// Reads a value of any kind.
    package mutating func readValue() throws(JSONError) -> JSONValue {
        switch try self.peek() {
        case .null:
            try self.readNull()
            return .null
        case .bool:
            return .bool(try self.readBool())
        case .number:
            return .number(self.source(at: try self.readNumber()).string())
        case .string:
            return .string(self.string(of: try self.readString()))
        case .array:
            var elements: [JSONValue] = []
            try self.enterArray()
            while try self.nextElement() { elements.append(try self.readValue()) }
            return .array(elements)
        case .object:
            var object = JSONObject()
            try self.enterObject()
            while let text = try self.nextKey() {
                let key = self.string(of: text)
                if self.limits.refusesRepeatedKeys, object[key] != nil {
                    throw JSONError(.repeatedKey, at: text.range.lowerBound)
                }
                object.set(key, try self.readValue())
            }
            return .object(object)
        }
    }
}

extension ByteBuffer {
    /// Appends a document in its shortest form.
    package mutating func append(json value: JSONValue) {
        switch value {
        case .null: self.append("null")
        case .bool(let value): self.append(value ? "true" as StaticString : "false")
        case .number(let text): self.append(text)
        case .string(let text): self.append(jsonString: text)
        case .array(let elements):
            self.append(ASCII.openBracket)
            for (position, element) in elements.enumerated() {
                if position > 0 { self.append(ASCII.comma) }
                self.append(json: element)
            }
            self.append(ASCII.closeBracket)
        case .object(let object):
            self.append(ASCII.openBrace)
            for (position, member) in object.members.enumerated() {
                if position > 0 { self.append(ASCII.comma) }
                self.append(jsonString: member.key)
                self.append(ASCII.colon)
                self.append(json: member.value)
            }
            self.append(ASCII.closeBrace)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .number(String(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(nilLiteral: ()) { self = .null }

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object.set(key, value) }
        self = .object(object)
    }
}

extension JSONValue: CustomStringConvertible {
    /// The document in its shortest form.
    package var description: String {
        var buffer = ByteBuffer()
        buffer.append(json: self)
        return buffer.string()
    }
}
