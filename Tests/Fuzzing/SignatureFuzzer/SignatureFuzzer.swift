import AWS
import Bytes
import Digest
import FuzzingSupport
import HTTP
import LocalLambda
import Time

/// What strangers ask of the Lambda on this machine, and the children of its functions of the Runtime API. Signatures
/// are accepted only where they are ours, and what a call says becomes lines of another head only where it fits into
/// them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    guard var head = request(in: input.bytes) else { return 0 }
    ask(head)
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

private func ask(_ head: RequestHead) {
    _ = RuntimeCall(method: head.method, path: head.target.path)
    _ = RuntimeResponseMode(head.fields)
    guard let path = InvokePath(head.target.path),
        let request = try? InvokeRequest(path: path, query: head.target.query, fields: head.fields)
    else { return }
    for text in [request.clientContext, request.tenantID, request.traceID] {
        precondition(text?.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 } != true, "a line would end")
    }
}

private let now = WallTime(seconds: 1_767_323_045)
private let credentials = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "a secret that is not in any seed")

private func request(in bytes: [UInt8]) -> RequestHead? {
    var parser = HTTP1RequestParser()
    var offset = 0
    guard case .head(let head)? = try? parser.next(bytes.span, at: &offset) else { return nil }
    return head
}
