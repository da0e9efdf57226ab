private import Bytes
package import Time

/// Reading the forms of a date that AWS writes.
extension WallTime {
    /// `20260102T030405Z`, as `X-Amz-Date` has it.
    package init?(basicISO8601 text: Span<UInt8>) {
        var reader = DateReader(text)
        guard let year = reader.number(4), let month = reader.number(2), let day = reader.number(2),
            reader.skip(UInt8(ascii: "T")), let hour = reader.number(2), let minute = reader.number(2),
            let second = reader.number(2), reader.skip(UInt8(ascii: "Z")), reader.isAtEnd,
            let seconds = CalendarTime.secondsSinceEpoch(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        self.init(seconds: seconds)
    }

    /// `2026-01-02T03:04:05Z`, with a fraction or another offset where there is one (RFC 3339 §5.6).
    package init?(rfc3339 text: Span<UInt8>) {
        var reader = DateReader(text)
        guard let year = reader.number(4), reader.skip(ASCII.minus), let month = reader.number(2),
            reader.skip(ASCII.minus), let day = reader.number(2),
            reader.skip(UInt8(ascii: "T")) || reader.skip(UInt8(ascii: "t")) || reader.skip(ASCII.space),
            let hour = reader.number(2), reader.skip(ASCII.colon), let minute = reader.number(2),
            reader.skip(ASCII.colon), let second = reader.number(2),
            let seconds = CalendarTime.secondsSinceEpoch(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        let milliseconds = reader.skip(ASCII.dot) ? reader.fraction() : 0
        guard let milliseconds, let zone = reader.zone(), reader.isAtEnd else { return nil }
        self.init(milliseconds: (seconds - zone) * 1000 + milliseconds)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the form of RFC 9110 §5.6.7 that the `Date` of an answer has.
    package init?(imfFixdate text: Span<UInt8>) {
        guard text.count == 29 else { return nil }
        // The name of the weekday says nothing that the date does not.
        var reader = DateReader(text.extracting(3..<29))
        guard reader.skip(ASCII.comma), reader.skip(ASCII.space), let day = reader.number(2), reader.skip(ASCII.space),
            let month = reader.monthName(), reader.skip(ASCII.space), let year = reader.number(4),
            reader.skip(ASCII.space), let hour = reader.number(2), reader.skip(ASCII.colon),
            let minute = reader.number(2), reader.skip(ASCII.colon), let second = reader.number(2),
            reader.rest.equals(" GMT"),
            let seconds = CalendarTime.secondsSinceEpoch(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        self.init(seconds: seconds)
    }
}

extension WallTime {
    /// Days since 1970-01-01, rounded down.
    var day: Int64 {
        let seconds = self.seconds
        return seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    }
}

/// Takes a date apart from left to right.
private struct DateReader: ~Escapable {
    private let text: Span<UInt8>
    private var offset = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
    }

    var isAtEnd: Bool { self.offset == self.text.count }

    var rest: Span<UInt8> {
        @_lifetime(copy self)
        get { self.text.extracting(self.offset...) }
    }

    /// Takes one byte if it is the one.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard self.offset < self.text.count, self.text[self.offset] == byte else { return false }
        self.offset += 1
        return true
    }

    /// Takes exactly `count` digits.
    mutating func number(_ count: Int) -> Int? {
        guard self.text.count - self.offset >= count else { return nil }
        var value = 0
        for _ in 0..<count {
            guard ASCII.isDigit(self.text[self.offset]) else { return nil }
            value = value * 10 + Int(self.text[self.offset] - ASCII.zero)
            self.offset += 1
        }
        return value
    }

    /// Takes one to nine digits behind a point, as milliseconds.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while self.offset < self.text.count, ASCII.isDigit(self.text[self.offset]) {
            if count < 3 { value = value * 10 + Int64(self.text[self.offset] - ASCII.zero) }
            count += 1
            self.offset += 1
        }
        guard (1...9).contains(count) else { return nil }
        return count == 1 ? value * 100 : count == 2 ? value * 10 : value
    }

    /// Takes `Z` or `+01:00`, as seconds east of Greenwich.
    mutating func zone() -> Int64? {
        if self.skip(UInt8(ascii: "Z")) || self.skip(UInt8(ascii: "z")) { return 0 }
        let isEast = self.skip(ASCII.plus)
        guard isEast || self.skip(ASCII.minus), let hours = self.number(2), self.skip(ASCII.colon),
            let minutes = self.number(2), hours < 24, minutes < 60
        else { return nil }
        return Int64(isEast ? 1 : -1) * Int64(hours * 3600 + minutes * 60)
    }

    /// Takes `Jan` to `Dec`, as 1 to 12.
    mutating func monthName() -> Int? {
        guard self.text.count - self.offset >= 3 else { return nil }
        let name = self.text.extracting(self.offset..<self.offset + 3)
        self.offset += 3
        let names: InlineArray<12, StaticString> = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        for index in names.indices where name.equals(names[index]) { return index + 1 }
        return nil
    }
}
