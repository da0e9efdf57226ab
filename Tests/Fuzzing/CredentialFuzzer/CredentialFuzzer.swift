import AWS
import Bytes
import FuzzingSupport
import HTTP
import Time

/// What sources of credentials answer: XML of STS, JSON of containers, instances, programs and sign-on services, token
/// files. Whatever they say, a fetch goes on or ends, and keys that come of it are ones that fit into a request.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    readText(input.bytes)
    let documents = input.bytes.split(separator: 0, maxSplits: 7, omittingEmptySubsequences: false).map(Array.init)
    for plan in plans { run(plan, documents, status: input.choice & 1 == 0 ? 200 : 403) }
    return 0
}

/// A text in an element comes back as it was; a document that is none has no elements.
private func readText(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let answer = ControlAnswer(head: ResponseHead(status: 403), body: bytes)
    _ = AWSServiceError(queryAnswer: answer)
    _ = AWSServiceError(head: answer.head, body: bytes.span).clockOffset(signedAt: now)
    _ = CallerIdentity(ControlAnswer(head: ResponseHead(status: 200), body: bytes))
    _ = WallTime(rfc3339: bytes.span)
    _ = WallTime(imfFixdate: bytes.span)
    _ = WallTime(basicISO8601: bytes.span)
    let escaped = escape(text)
    let document = "<ErrorResponse><Error><Code>C</Code><Message>\(escaped)</Message></Error></ErrorResponse>"
    let error = AWSServiceError(queryAnswer: ControlAnswer(head: answer.head, body: Array(document.utf8)))
    expectEqual(Array(error.message.utf8), Array(text.utf8), "a text of XML changed")
}

/// Scalar by scalar: a `Character` may be a mark with the combining characters behind it.
private func escape(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped += "&amp;".unicodeScalars
        case "<": escaped += "&lt;".unicodeScalars
        case ">": escaped += "&gt;".unicodeScalars
        default: escaped.append(scalar)
        }
    }
    return String(escaped)
}

private let now = WallTime(seconds: 1_767_323_045)
private let tokenService = SecurityTokenService(
    endpoint: ServiceEndpoint(scheme: .https, host: "sts.eu-west-1.amazonaws.com", port: 443), region: "eu-west-1")

/// One plan for each kind of source.
private let plans: [CredentialPlan] = {
    let signOn = "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
    let session = "[sso-session s]\nsso_start_url = https://x\nsso_region = eu-west-1\n"
    let sources: [([String: String], String?)] = [
        ([:], nil), ([:], "[default]\ncredential_process = /bin/keys\n"), (["HOME": "/h"], signOn + session),
        (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"], nil),
        (["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/a"], nil),
        (["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"], nil),
    ]
    return sources.compactMap { environment, config in
        guard let profiles = try? Profiles(config: config),
            let settings = try? SharedSettings(environment: environment, profiles: profiles),
            let plan = try? settings.credentialPlan(),
            let role = try? RoleAssumption(arn: "arn:aws:iam::123456789012:role/a")
        else { fatalError("a plan of ours is none") }
        return environment["AWS_ACCESS_KEY_ID"] == nil ? plan : CredentialPlan(plan.origin, roles: [role])
    }
}()

private func run(_ plan: CredentialPlan, _ documents: [[UInt8]], status: Int) {
    var fetch = CredentialFetch(plan, tokenService: tokenService)
    var step = fetch.begin(at: now)
    for document in documents {
        switch step {
        case .send:
            step = fetch.received(
                .answered(ControlAnswer(head: ResponseHead(status: status), body: document)), at: now)
        case .read:
            step = fetch.received(.read(String(decoding: document, as: UTF8.self)), at: now)
        case .write(_, let text):
            precondition(!text.contains("\n"), "a file of ours is one line of JSON")
            step = fetch.received(document.isEmpty ? .unwritable("") : .written, at: now)
        case .run:
            step = fetch.received(.printed(document), at: now)
        case .pause:
            step = fetch.received(.paused, at: now)
        case .finished(let credentials):
            let texts = [credentials.accessKeyID, credentials.secretAccessKey, credentials.sessionToken ?? "x"]
            precondition(
                texts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) } },
                "keys that do not fit into a request")
            return
        case .failed(let error):
            precondition(!error.description.contains("\n"), "an error of more than one line")
            return
        }
    }
}
