import Bytes
import Testing
import Time

@Suite struct WallTimeTests {
    // 784111777 is the example date of RFC 9110 §5.6.7.
    @Test func `dates are written in each protocol's form`() {
        let moment = WallTime(milliseconds: 784_111_777_042)
        var buffer = ByteBuffer()
        buffer.append(imfFixdate: moment.calendar)
        #expect(buffer.string() == "Sun, 06 Nov 1994 08:49:37 GMT")
        buffer.removeAll()
        buffer.append(basicISO8601: moment.calendar)
        #expect(buffer.string() == "19941106T084937Z")
        buffer.removeAll()
        buffer.append(commonLogTime: moment.calendar)
        #expect(buffer.string() == "06/Nov/1994:08:49:37 +0000")
        buffer.removeAll()
        buffer.append(rfc3339: moment)
        #expect(buffer.string() == "1994-11-06T08:49:37.042Z")
    }

    @Test func `every day of 400 years comes back from its calendar form`() throws {
        for day in stride(from: Int64(-30_000), to: 120_000, by: 1) {
            let seconds = day * 86_400 + (day & 0xffff)
            let time = CalendarTime(secondsSinceEpoch: seconds)
            let back = CalendarTime.secondsSinceEpoch(
                year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute,
                second: time.second)
            #expect(back == seconds)
        }
    }

    @Test func `a deadline too far away is never`() {
        #expect(MonotonicTime(nanoseconds: .max - 5) + .seconds(1) == .never)
        #expect(MonotonicTime(nanoseconds: 0) + .seconds(Int64.max) == .never)
    }
}
