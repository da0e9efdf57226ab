import Digest
import JSON
import Testing
import Time

@testable import Tokens

/// Documents with keys, useful or not.
@Suite struct KeySetTests {
    private static func error(_ text: String) -> KeySetError? {
        do throws(KeySetError) {
            _ = try KeySet(parsing: text.utf8.span)
            return nil
        } catch {
            return error
        }
    }

    // RFC 7517 A.1: the first key is for encryption.
    @Test func `the example of RFC 7517 has one key for signatures`() throws {
        let text = #"""
            {"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
            {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}
            """#
        let keys = try KeySet(parsing: text.utf8.span)
        #expect(keys.count == 1)
        #expect(keys.candidates(for: .rs256, id: "2011-04-29").count == 1)
        #expect(keys.candidates(for: .rs512, id: "2011-04-29").isEmpty)
        #expect(keys.candidates(for: .es256, id: nil).isEmpty)
    }

    @Test func `what is no set of keys is refused`() throws {
        #expect(Self.error("") != nil)
        #expect(Self.error("{}") == .noKeySet)
        #expect(Self.error("[]") == .noKeySet)
        #expect(Self.error(#"{"keys":{}}"#) == .noKeySet)
        #expect(Self.error(#"{"keys":[]}"#) == .noUsableKey(of: 0))
        #expect(Self.error(#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#) == .noUsableKey(of: 1))
        #expect(Self.error(#"{"keys":[7,null,"x",[]]}"#) == .noUsableKey(of: 4))
        #expect(
            Self.error("{\"keys\":[\(Array(repeating: "0", count: 257).joined(separator: ","))]}") == .tooManyKeys(257))
        #expect(Self.error(String(repeating: " ", count: 256 * 1024 + 1)) == .tooLong(256 * 1024 + 1))
        guard case .notJSON(let error)? = Self.error(#"{"keys":[],"keys":[]}"#) else {
            Issue.record("a repeated key was taken")
            return
        }
        #expect(error.reason == .repeatedKey)
    }

    @Test(arguments: [
        // Not on the curve; too short; a missing half; another curve's name.
        #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aA"}"#,
        #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvR","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#,
        #"{"kty":"EC","crv":"secp256k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        // RSA of 1024 bits, with an exponent of 1, with an even one, without numbers.
        #"{"kty":"RSA","e":"AQAB","n":"qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_qrvM3e7_"}"#,
        #"{"kty":"RSA","e":"AQ","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
        #"{"kty":"RSA","e":"AQAA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
        #"{"kty":"RSA"}"#, #"{"kty":"RSA","n":"","e":""}"#, #"{"kty":"RSA","n":"!!!!","e":"AQAB"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ"}"#,
        #"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        // Not for signatures.
        #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"enc"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["sign"]}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"RS256"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"HS256"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":7}"#,
    ])
    func `a key that is of no use is left out`(key: String) {
        #expect(Self.error("{\"keys\":[\(key)]}") == .noUsableKey(of: 1))
    }

    @Test func `a token tries a few keys and not all`() throws {
        let key = #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
        let text = "{\"keys\":[\(Array(repeating: key, count: 50).joined(separator: ","))]}"
        let keys = try KeySet(parsing: text.utf8.span)
        #expect(keys.count == 50)
        #expect(keys.candidates(for: .edDSA, id: nil).count == 8)
        #expect(keys.candidates(for: .edDSA, id: "x").isEmpty)
    }

    @Test func `an issuer says where its keys are`() throws {
        func url(_ text: String) -> Result<String, KeySetError> {
            Result { () throws(KeySetError) in try DiscoveryDocument.keySetURL(in: text.utf8.span, of: "https://i") }
        }
        #expect(url(#"{"issuer":"https://i","jwks_uri":"https://i/keys"}"#) == .success("https://i/keys"))
        #expect(url(#"{"issuer":"https://j","jwks_uri":"https://i/keys"}"#) == .failure(.otherIssuer("https://j")))
        #expect(url(#"{"jwks_uri":"https://i/keys"}"#) == .failure(.otherIssuer(nil)))
        #expect(url(#"{"issuer":"https://i"}"#) == .failure(.noLocation))
        #expect(throws: KeySetError.self) { try url("no").get() }
    }
}

/// When keys are fetched.
@Suite struct KeySetScheduleTests {
    private func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    @Test func `keys are fetched at once, and again after a while`() {
        var schedule = KeySetSchedule()
        #expect(schedule.deadlinePassed(at: self.at(100)) == .fetch)
        #expect(schedule.deadline == .never)
        #expect(schedule.deadlinePassed(at: self.at(101)) == .wait)
        schedule.fetched(at: self.at(102))
        #expect(schedule.deadline == self.at(402))
        #expect(schedule.deadlinePassed(at: self.at(401)) == .wait)
        #expect(schedule.deadlinePassed(at: self.at(402)) == .fetch)
    }

    @Test func `an unknown key brings the next fetch forward, but not always`() {
        var schedule = KeySetSchedule()
        #expect(schedule.wanted(at: self.at(1)) == .wait)
        _ = schedule.deadlinePassed(at: self.at(1))
        #expect(schedule.wanted(at: self.at(1)) == .wait)
        schedule.fetched(at: self.at(2))
        #expect(schedule.wanted(at: self.at(11)) == .wait)
        #expect(schedule.wanted(at: self.at(12)) == .fetch)
        #expect(schedule.wanted(at: self.at(12)) == .wait)
        schedule.fetched(at: self.at(13))
        #expect(schedule.wanted(at: self.at(22)) == .wait)
    }

    @Test func `failures are followed by longer and longer pauses`() {
        var schedule = KeySetSchedule()
        var now: Int64 = 0
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] as [Int64] {
            #expect(schedule.deadlinePassed(at: self.at(now)) == .fetch)
            schedule.failed(at: self.at(now), spread: 0)
            #expect(schedule.deadline == self.at(now + expected))
            #expect(schedule.wanted(at: self.at(now)) == .wait)
            now += expected
        }
        _ = schedule.deadlinePassed(at: self.at(now))
        schedule.failed(at: self.at(now), spread: 1)
        #expect(schedule.deadline == self.at(now + 90))
        _ = schedule.deadlinePassed(at: self.at(now + 90))
        schedule.fetched(at: self.at(now + 91))
        _ = schedule.deadlinePassed(at: self.at(now + 391))
        schedule.failed(at: self.at(now + 391), spread: 0)
        #expect(schedule.deadline == self.at(now + 392))
    }
}
