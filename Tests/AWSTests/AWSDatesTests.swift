import AWS
import Testing
import Time

@Suite struct AWSDatesTests {
    @Test(
        arguments: [
            ("20260102T030405Z", 1_767_323_045), ("19700101T000000Z", 0), ("20240229T235959Z", 1_709_251_199),
            ("20260102T030405", nil), ("20260102T030405Z ", nil), ("20261302T030405Z", nil), ("20260102 030405Z", nil),
            ("2026010AT030405Z", nil), ("20260102T240000Z", nil), ("", nil),
        ] as [(String, Int64?)])
    func `the basic form is read`(text: String, seconds: Int64?) {
        #expect(WallTime(basicISO8601: text.utf8.span)?.seconds == seconds)
    }

    @Test(
        arguments: [
            ("2026-01-02T03:04:05Z", 1_767_323_045_000), ("2026-01-02t03:04:05z", 1_767_323_045_000),
            ("2026-01-02T03:04:05.6Z", 1_767_323_045_600), ("2026-01-02T03:04:05.678901Z", 1_767_323_045_678),
            ("2026-01-02T04:04:05+01:00", 1_767_323_045_000), ("2026-01-01T22:34:05-04:30", 1_767_323_045_000),
            ("2026-01-02T03:04:05", nil), ("2026-01-02T03:04:05.Z", nil), ("2026-01-02T03:04:05+0100", nil),
            ("2026-01-02T03:04:05+24:00", nil), ("2026-1-2T03:04:05Z", nil), ("2026-01-02", nil), ("", nil),
            ("2026-01-02T03:04:05.1234567890Z", nil),
        ] as [(String, Int64?)])
    func `the form of RFC 3339 is read`(text: String, milliseconds: Int64?) {
        #expect(WallTime(rfc3339: text.utf8.span)?.milliseconds == milliseconds)
    }

    // RFC 9110 §5.6.7.
    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Fri, 02 Jan 2026 03:04:05 GMT", 1_767_323_045),
            ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun Nov  6 08:49:37 1994", nil),
            ("Sun, 06 Nov 1994 08:49:37 UTC", nil), ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
            ("Sun, 6 Nov 1994 08:49:37 GMT", nil), ("", nil),
        ] as [(String, Int64?)])
    func `the form of HTTP is read`(text: String, seconds: Int64?) {
        #expect(WallTime(imfFixdate: text.utf8.span)?.seconds == seconds)
    }
}
