import Bytes
import Digest
import TestSupport
import Testing

@Suite struct SHA256Tests {
    // FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `known messages have their known digests`(message: String, expected: String) {
        #expect(SHA256.hash(message.utf8.span).description == expected)
    }

    @Test func `one context serves message after message`() {
        var hash = SHA256()
        for _ in 0..<3 {
            hash.update("a".utf8.span)
            hash.update(Span())
            hash.update("bc".utf8.span)
            let digest = hash.finish()
            #expect(digest == SHA256.hash("abc".utf8.span))
            let nothing = hash.finish()
            #expect(nothing == SHA256.hash(Span()))
        }
    }

    @Test func `digests that differ in one bit are not equal`() {
        #expect(SHA256.hash("abc".utf8.span) != SHA256.hash("abd".utf8.span))
        #expect(Set([SHA256.hash("a".utf8.span), SHA256.hash("a".utf8.span)]).count == 1)
    }

    // RFC 4231 §4.2, §4.3, §4.4, §4.7 and §4.8.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. The key needs to "
                    + "be hashed before being used by the HMAC algorithm.").utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ])
    func `authentication codes are those of RFC 4231`(key: [UInt8], message: [UInt8], expected: String) {
        var hash = SHA256()
        let key = HMACKey(key.span, with: &hash)
        for _ in 0..<2 {
            let code = hash.authenticationCode(for: message.span, key: key)
            #expect(code.description == expected)
        }
        #expect("\(key)" == "HMACKey")
        var shown = ""
        dump(key, to: &shown)
        #expect(!shown.contains("170") && !shown.contains("aa"))
    }
}
