package import Bytes

/// A moment on the wall clock, in UTC: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
package struct WallTime: Sendable, Hashable, Comparable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package init(seconds: Int64) {
        self.milliseconds = seconds * 1000
    }

    /// Whole seconds since the epoch, rounded down.
    package var seconds: Int64 { self.milliseconds >= 0 ? self.milliseconds / 1000 : (self.milliseconds - 999) / 1000 }

    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The moment `duration` later.
    package static func + (moment: WallTime, duration: Duration) -> WallTime {
        WallTime(milliseconds: moment.milliseconds + duration.wholeMilliseconds)
    }

    /// The time from one moment to another; negative where `end` comes first.
    package static func - (end: WallTime, start: WallTime) -> Duration {
        .milliseconds(end.milliseconds - start.milliseconds)
    }

    /// The moment as year, month and so on.
    package var calendar: CalendarTime { CalendarTime(secondsSinceEpoch: self.seconds) }
}

/// A moment in the proleptic Gregorian calendar, UTC.
package struct CalendarTime: Sendable, Equatable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    /// 0 is Sunday.
    package var weekday: Int

    package init(secondsSinceEpoch: Int64) {
        var days = secondsSinceEpoch / 86_400
        var rest = secondsSinceEpoch % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        self.hour = Int(rest / 3600)
        self.minute = Int(rest % 3600 / 60)
        self.second = Int(rest % 60)
        self.weekday = Int(((days + 4) % 7 + 7) % 7)
        // Days to civil date by eras of 400 years that begin on 1 March.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        self.day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        self.month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        self.year = Int(yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0))
    }
}

extension CalendarTime {
    /// Seconds since 1970-01-01T00:00:00Z of a date and time, or `nil` where a part is out of its range.
    package static func secondsSinceEpoch(
        year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int
    ) -> Int64? {
        guard (0...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else { return nil }
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }
}

/// The forms in which protocols write a date.
extension ByteBuffer {
    /// `20260102T030405Z`, as Signature Version 4 has it.
    package mutating func append(basicISO8601 time: CalendarTime) {
        self.append(basicDate: time)
        self.append(UInt8(ascii: "T"))
        self.append(twoDigits: time.hour)
        self.append(twoDigits: time.minute)
        self.append(twoDigits: time.second)
        self.append(UInt8(ascii: "Z"))
    }

    /// `20260102`, the date of a credential scope.
    package mutating func append(basicDate time: CalendarTime) {
        self.append(twoDigits: time.year / 100)
        self.append(twoDigits: time.year % 100)
        self.append(twoDigits: time.month)
        self.append(twoDigits: time.day)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the IMF-fixdate of RFC 9110 §5.6.7.
    package mutating func append(imfFixdate time: CalendarTime) {
        self.append(time.weekday, of: "SunMonTueWedThuFriSat")
        self.append(", ")
        self.append(twoDigits: time.day)
        self.append(ASCII.space)
        self.append(time.month - 1, of: "JanFebMarAprMayJunJulAugSepOctNovDec")
        self.append(ASCII.space)
        self.append(twoDigits: time.year / 100)
        self.append(twoDigits: time.year % 100)
        self.append(ASCII.space)
        self.append(clock: time)
        self.append(" GMT")
    }

    /// `Wed Sep 13 18:22:23 UTC 2017`, as the claims of REST APIs have it.
    package mutating func append(claimTime time: CalendarTime) {
        self.append(time.weekday, of: "SunMonTueWedThuFriSat")
        self.append(ASCII.space)
        self.append(time.month - 1, of: "JanFebMarAprMayJunJulAugSepOctNovDec")
        self.append(ASCII.space)
        self.append(twoDigits: time.day)
        self.append(ASCII.space)
        self.append(clock: time)
        self.append(" UTC ")
        self.append(twoDigits: time.year / 100)
        self.append(twoDigits: time.year % 100)
    }

    /// `10/Jul/2026:19:19:06 +0000`, as the events of API Gateway and function URLs have it.
    package mutating func append(commonLogTime time: CalendarTime) {
        // PERF: 26 bytes at fixed places; piece by piece they took 400 instructions, and each event has them.
        let pattern: StaticString = "00/Mon/0000:00:00:00 +0000"
        let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        unsafe self.appendUnsafely(reserving: 26) { room in
            // SAFETY: all of it lies below 26, and the table holds three letters for each month.
            let target = unsafe room.baseAddress.unsafelyUnwrapped
            unsafe target.copyMemory(from: pattern.utf8Start, byteCount: 26)
            unsafe (target + 3).copyMemory(from: months.utf8Start + (time.month - 1) * 3, byteCount: 3)
            unsafe target.store(twoDigits: time.day, at: 0)
            unsafe target.store(twoDigits: time.year / 100, at: 7)
            unsafe target.store(twoDigits: time.year % 100, at: 9)
            unsafe target.store(twoDigits: time.hour, at: 12)
            unsafe target.store(twoDigits: time.minute, at: 15)
            unsafe target.store(twoDigits: time.second, at: 18)
            return 26
        }
    }

    /// `2026-07-10T19:19:06.671Z`, RFC 3339 with milliseconds.
    package mutating func append(rfc3339 moment: WallTime) {
        let time = moment.calendar
        self.append(twoDigits: time.year / 100)
        self.append(twoDigits: time.year % 100)
        self.append(ASCII.minus)
        self.append(twoDigits: time.month)
        self.append(ASCII.minus)
        self.append(twoDigits: time.day)
        self.append(UInt8(ascii: "T"))
        self.append(clock: time)
        self.append(ASCII.dot)
        let milliseconds = Int(moment.milliseconds - moment.seconds * 1000)
        self.append(ASCII.zero + UInt8(milliseconds / 100))
        self.append(twoDigits: milliseconds % 100)
        self.append(UInt8(ascii: "Z"))
    }

    private mutating func append(clock time: CalendarTime) {
        self.append(twoDigits: time.hour)
        self.append(ASCII.colon)
        self.append(twoDigits: time.minute)
        self.append(ASCII.colon)
        self.append(twoDigits: time.second)
    }

    private mutating func append(twoDigits value: Int) {
        // SAFETY: two bytes are reserved and written.
        unsafe self.appendUnsafely(reserving: 2) { target in
            unsafe target.baseAddress.unsafelyUnwrapped.store(twoDigits: value, at: 0)
            return 2
        }
    }

    private mutating func append(_ index: Int, of threeLetters: StaticString) {
        // SAFETY: the tables above hold three letters for each index that a calendar time can have.
        self.append(unsafe Span<UInt8>(_unsafeStart: threeLetters.utf8Start + index * 3, count: 3))
    }
}

extension UnsafeMutableRawPointer {
    /// Writes the last two decimal digits of a number.
    @inline(__always)
    fileprivate func store(twoDigits value: Int, at offset: Int) {
        let digits = UInt32(truncatingIfNeeded: value)
        let tens = digits / 10
        let pair = UInt16(truncatingIfNeeded: (tens % 10) | (digits &- tens &* 10) << 8 | 0x3030)
        unsafe self.storeBytes(of: pair.littleEndian, toByteOffset: offset, as: UInt16.self)
    }
}
