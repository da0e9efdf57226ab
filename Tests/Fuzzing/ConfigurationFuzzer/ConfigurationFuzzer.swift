import Configuration
import FuzzingSupport

/// Configuration files: a configuration, or faults that each have a place and something to say.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzedInput(data, count)
    let text = String(decoding: input.bytes, as: UTF8.self)
    let result = ConfigurationLoader.load(
        text: text, file: "fuzzed.yaml", folder: "/", environment: ["NAME": "value"],
        readFile: { _ in "secret" })
    guard case .failure(let faults) = result else { return 0 }
    precondition(!faults.faults.isEmpty, "refused without a reason")
    for fault in faults.faults {
        precondition(!fault.message.isEmpty && fault.description.hasPrefix("fuzzed.yaml:"), "a fault without a place")
    }
    return 0
}
