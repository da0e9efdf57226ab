import AWS
import FuzzingSupport
import HTTP
import Lambda
import Routing

/// The shared files of the SDKs and the small texts of configurations: names of functions, endpoints, patterns of hosts
/// and paths, ranges of addresses. A value or a fault of one line; a value says the same when it is written and read
/// again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    let text = String(decoding: input.bytes, as: UTF8.self)
    readFiles(text, input.choice)
    readValues(text)
    return 0
}

private func readFiles(_ text: String, _ choice: UInt8) {
    let halves = text.split(separator: "\u{0}", maxSplits: 1).map(String.init)
    let profiles: Profiles
    do throws(SharedFileError) {
        profiles = try Profiles(
            config: halves.first, credentials: halves.count > 1 ? halves[1] : nil)
    } catch {
        expectOneLine(error.description)
        return
    }
    let environment = choice & 1 == 0 ? ["HOME": "/h"] : ["HOME": "/h", "AWS_CONTAINER_CREDENTIALS_FULL_URI": text]
    for name in profiles.names.prefix(8) {
        do throws(SharedSettingsError) {
            let settings = try SharedSettings(environment: environment, profiles: profiles, profile: name)
            let region = try settings.region() ?? "eu-west-1"
            _ = try settings.endpoint(of: .lambda, region: region)
            _ = try settings.tokenService(region: region)
            expectOneLine(try settings.credentialPlan().description)
        } catch {
            expectOneLine(error.description)
        }
    }
}

private func readValues(_ text: String) {
    do throws(EndpointError) {
        let endpoint = try ServiceEndpoint(parsing: text)
        expectEqual(try ServiceEndpoint(parsing: endpoint.description), endpoint, "an endpoint changed")
    } catch {
        expectOneLine(error.description)
    }
    do throws(FunctionReferenceError) {
        let reference = try FunctionReference(parsing: text)
        expectEqual(try FunctionReference(parsing: reference.text), reference, "a function changed")
        precondition(
            reference.streamingPath.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a path that is none: \(text)")
    } catch {
        expectOneLine("\(error)")
    }
    if let role = try? RoleAssumption(arn: text) { expectEqual(role.arn, text, "a role changed") }
    _ = try? IPRange(parsing: text)
    if let pattern = try? HostPattern(parsing: text) {
        expectEqual(try? HostPattern(parsing: pattern.description), pattern, "a host changed")
    }
    // The canonical form is longer where bytes have to be encoded, and there is a limit.
    if let pattern = try? PathPattern(parsing: text), pattern.description.utf8.count <= PathPattern.maximumLength {
        expectEqual(try? PathPattern(parsing: pattern.description), pattern, "a path changed")
    }
}

private func expectOneLine(_ text: String) {
    precondition(!text.contains("\n") && !text.contains("\r"), "more than one line: \(text)")
}
