// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of the product is compiled with; `docs/decisions/0004-compiler-settings.md` says why.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Functions of ours that lend a `Span` name what it borrows from.
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release)),
]

/// Tests may use Foundation and unsafe calls freely; they keep the language mode and the features.
let testSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["Bytes", "TestSupport"], exclude: exclude, swiftSettings: testSettings
    )
}

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        .executable(name: "sluice-demo-function", targets: ["DemoFunction"]),
    ],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        // System libraries: module map and shim only.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSpawn"),
        .systemLibrary(name: "CChecksum"),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        // Pure modules: bytes or events in, values or actions out.
        module("Bytes"),
        module("Time", ["Bytes"]),
        module("JSON", ["Bytes"]),
        module("HTTP", ["Bytes", "Time"]),
        module("HTTP2", ["Bytes", "Time", "HTTP", "CNGHTTP2"]),
        module("Digest", ["Bytes", "COpenSSL", "CChecksum"]),
        module("Tokens", ["Bytes", "Time", "JSON", "Digest"]),
        module("AWS", ["Bytes", "Time", "HTTP", "Digest", "JSON"]),
        module("Lambda", ["Bytes", "Time", "HTTP", "Digest", "AWS", "JSON"]),
        module("Routing", ["Bytes", "HTTP"]),
        module("Relay", ["Bytes", "Time", "HTTP", "Lambda", "Routing"]),
        module("Configuration", ["Bytes", "Time", "JSON", "Routing", "HTTP", "Lambda", "AWS", "Tokens", yams]),

        // What touches the world.
        module("Reactor", ["Bytes", "Time", "CLinux"]),
        module("TLS", ["Bytes", "Time", "COpenSSL"]),
        module("Processes", ["CSpawn"]),
        module(
            "LocalLambda", ["Bytes", "Time", "Digest", "Reactor", "HTTP", "JSON", "AWS", "Lambda", "Processes", log]),
        module(
            "Gateway",
            [
                "Bytes", "Time", "TLS", "Reactor", "JSON", "HTTP", "HTTP2", "Digest", "AWS", "Lambda", "Relay",
                "Routing", "Tokens", "Configuration",
                "Processes", "LocalLambda", log,
            ]),
        .executableTarget(
            name: "sluice",
            dependencies: ["Configuration", "Gateway", "LocalLambda", argumentParser, log],
            swiftSettings: settings),
        .executableTarget(name: "DemoFunction", dependencies: ["Bytes"], swiftSettings: settings),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Bytes", "CNGHTTP2", "Digest"], path: "Tests/TestSupport",
            swiftSettings: testSettings),
        tests("BytesTests", []),
        tests("TimeTests", ["Time"]),
        tests("JSONTests", ["JSON"]),
        tests("HTTPTests", ["HTTP", "Time"]),
        tests("HTTP2Tests", ["HTTP2", "HTTP", "Time"]),
        tests("DigestTests", ["Digest"]),
        tests("TokensTests", ["Tokens", "Digest", "JSON", "Time"]),
        tests("AWSTests", ["AWS", "Digest", "HTTP", "JSON", "Time"]),
        tests("LambdaTests", ["Lambda", "AWS", "Digest", "HTTP", "JSON", "Time"]),
        tests("RoutingTests", ["Routing", "HTTP"]),
        tests("RelayTests", ["Relay", "Lambda", "HTTP", "Time"]),
        tests("ConfigurationTests", ["Configuration", "Routing", "HTTP", "Lambda", "AWS", "Time", "Tokens"]),
        tests("ReactorTests", ["Reactor", "Time"]),
        tests("TLSTests", ["TLS", "Time"]),
        tests("ProcessesTests", ["Processes"]),
        tests(
            "LocalLambdaTests",
            ["LocalLambda", "Reactor", "HTTP", "JSON", "AWS", "Lambda", "Digest", "Time", "Processes", log]),
        tests("GatewayTests", ["Gateway", "Configuration", "Reactor", "HTTP", "AWS", "Time", log]),
        tests("ArchitectureTests", []),
        tests("EndToEndTests", ["sluice", "DemoFunction"], exclude: ["Support"]),
    ],
    swiftLanguageModes: [.v6]
)

// The measuring rig of `make bench`, which nobody else has to build.
if Context.environment["SLUICE_BENCH"] != nil {
    package.products.append(.executable(name: "sluice-bench", targets: ["Harness"]))
    package.targets.append(
        .executableTarget(
            name: "Harness", dependencies: ["Bytes", "AWS", "CLinux"], path: "Benchmarks/Harness",
            swiftSettings: testSettings))
}

// The fuzzers of `make fuzz`: executables whose main function is libFuzzer's.
if Context.environment["SLUICE_FUZZ"] != nil {
    func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) {
        package.products.append(.executable(name: name, targets: [name]))
        package.targets.append(
            .executableTarget(
                name: name, dependencies: ["Bytes", "FuzzingSupport"] + dependencies, path: "Tests/Fuzzing/\(name)",
                swiftSettings: testSettings))
    }
    package.targets.append(
        .target(
            name: "FuzzingSupport", dependencies: ["TestSupport"], path: "Tests/Fuzzing/Support",
            swiftSettings: testSettings))
    fuzzer("HTTPRequestFuzzer", ["HTTP"])
    fuzzer("HTTPResponseFuzzer", ["HTTP"])
    fuzzer("HTTP2Fuzzer", ["HTTP", "HTTP2", "TestSupport", "Time"])
    fuzzer("HTTP2ClientFuzzer", ["HTTP", "HTTP2", "TestSupport", "Time"])
    fuzzer("TargetFuzzer", ["HTTP"])
    fuzzer("ProxyHeaderFuzzer", ["HTTP"])
    fuzzer("JSONFuzzer", ["JSON"])
    fuzzer("EventStreamFuzzer", ["AWS", "Digest"])
    fuzzer("InvocationFuzzer", ["AWS", "HTTP", "Lambda"])
    fuzzer("ConfigurationFuzzer", ["Configuration"])
    fuzzer("CredentialFuzzer", ["AWS", "HTTP", "Time"])
    fuzzer("SettingsFuzzer", ["AWS", "HTTP", "Lambda", "Routing"])
    fuzzer("EventFuzzer", ["HTTP", "JSON", "Lambda", "Time"])
    fuzzer("TokenFuzzer", ["Time", "Tokens"])
    fuzzer("SignatureFuzzer", ["AWS", "Digest", "HTTP", "LocalLambda", "Time"])
}
