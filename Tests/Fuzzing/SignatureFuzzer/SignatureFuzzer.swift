import AWS
import Bytes
import Digest
import FuzzingSupport
import HTTP
import Time

/// Signatures that strangers show to the Lambda on this machine: accepted only where they are ours, whatever else they say.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    guard var head = request(in: input.bytes) else { return 0 }
    let verifier = SigV4Verifier(credentials: [credentials], service: "lambda")
    let hash = SigV4Signer().payloadHash(of: Span())
    do throws(SigV4Refusal) {
        let accepted = try verifier.verify(head, bodyHash: hash, at: now)
        fatalError("accepted for \(accepted.scope.region)")
    } catch {
        precondition(!"\(error)".isEmpty, "refused without a reason")
    }
    // The same with a field of which the beginning is right.
    head.fields.remove("authorization")
    head.fields.append("authorization", "AWS4-HMAC-SHA256 " + String(decoding: input.bytes, as: UTF8.self))
    head.fields.append("x-amz-date", "20260102T030405Z")
    if (try? verifier.verify(head, bodyHash: hash, at: now)) != nil { fatalError("accepted") }
    return 0
}

private let now = WallTime(seconds: 1_767_323_045)
private let credentials = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "a secret that is not in any seed")

private func request(in bytes: [UInt8]) -> RequestHead? {
    var parser = HTTP1RequestParser()
    var offset = 0
    guard case .head(let head)? = try? parser.next(bytes.span, at: &offset) else { return nil }
    return head
}
