import FuzzingSupport
import Time
import Tokens

/// Tokens, sets of keys and issuers' documents. Nobody here can sign, so no token that is made up is taken.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = FuzzedInput(data, count).bytes
    do throws(KeySetError) {
        let keys = try KeySet(parsing: bytes.span)
        precondition((1...KeySet.mostKeys).contains(keys.count), "a set of \(keys.count) keys")
    } catch {
        expectOneLine(error.description)
    }
    do throws(KeySetError) {
        _ = try DiscoveryDocument.keySetURL(in: bytes.span, of: "https://i")
    } catch {
        expectOneLine(error.description)
    }
    verify(bytes.span)
    return 0
}

private func verify(_ token: Span<UInt8>) {
    do throws(TokenFault) {
        _ = try rules.verify(token, with: keys, at: WallTime(seconds: 1000))
        fatalError("a token was made up")
    } catch {
        expectOneLine(error.description)
    }
}

private let rules = TokenRules(issuer: "https://i", audiences: ["a"])

/// The keys of RFC 7515 A.3 and RFC 8037 A.2.
private let keys: KeySet = {
    let text = #"""
        {"keys":[{"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty":"OKP","crv":"Ed25519","kid":"o","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
        """#
    do throws(KeySetError) {
        return try KeySet(parsing: text.utf8.span)
    } catch {
        fatalError("the fuzzer's own keys: \(error)")
    }
}()

private func expectOneLine(_ text: String) {
    precondition(!text.contains("\n") && !text.contains("\r"), "more than one line: \(text)")
}
