/// A part of AWS with its own domain names.
package struct Partition: Sendable, Equatable {
    /// As ARNs have it: `aws`, `aws-cn` and so on.
    package let name: String
    /// What the host names of services end with.
    package let suffix: String
    /// The same for hosts that have IPv4 and IPv6 addresses.
    package let dualStackSuffix: String
    /// What its regions begin with, up to and including a hyphen.
    private let prefixes: [String]

    private init(_ name: String, _ prefixes: [String], _ suffix: String, _ dualStackSuffix: String) {
        self.name = name
        self.prefixes = prefixes
        self.suffix = suffix
        self.dualStackSuffix = dualStackSuffix
    }

    package static let aws = Partition(
        "aws", ["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"], "amazonaws.com", "api.aws")

    /// All partitions, those first whose regions begin with more.
    package static let all = [
        Partition("aws-us-gov", ["us-gov-"], "amazonaws.com", "api.aws"),
        Partition("aws-iso", ["us-iso-"], "c2s.ic.gov", "api.aws.ic.gov"),
        Partition("aws-iso-b", ["us-isob-"], "sc2s.sgov.gov", "api.aws.scloud"),
        Partition("aws-iso-e", ["eu-isoe-"], "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        Partition("aws-iso-f", ["us-isof-"], "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        Partition("aws-cn", ["cn-"], "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        Partition("aws-eusc", ["eusc-de-"], "amazonaws.eu", "api.amazonwebservices.eu"),
        .aws,
    ]

    /// The partition of a region; `aws` for one that no partition knows.
    package static func containing(region: String) -> Partition {
        self.all.first { partition in
            partition.prefixes.contains { prefix in
                // A region is its prefix, one word and a number: `us-gov-west-1`.
                guard region.hasPrefix(prefix) else { return false }
                let rest = region.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
                return rest.count == 2 && !rest[0].isEmpty && Int(rest[1]) != nil
            }
        } ?? .aws
    }
}
