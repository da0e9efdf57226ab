import HTTP
private import Bytes

/// What a table is compiled to: hash tables for hosts and exact paths, a trie of segments for the other paths.
///
/// The entries (one for each host and path of a route) are sorted by precedence, so that of the entries that match a
/// request the one with the smallest position wins. `RouteIndex+Matching.swift` finds it without allocating.
///
/// PERF: a class, and the conditions of entries as plain numbers beside the entries: as a struct of arrays a match
/// among 6,000 entries took 3,800 instructions, more than half of them retains and releases; so it takes 1,300.
final class RouteIndex: Sendable {
    /// One for each host and path of each route, the most specific first within a host.
    let entries: [RouteEntry]
    /// The same entries as far as matching needs them nearly always.
    let conditions: [EntryConditions]
    /// Exact host names and the names below which wildcards match, to positions in `hosts`.
    let hostNames: ByteKeyTable
    let hosts: [HostNode]
    /// The host node for requests that no name of the table matches; -1 without routes for any host.
    let anyHost: Int32
    let hasWildcards: Bool
    /// Whole paths, with the host node as scope, to positions in `leaves`.
    let exactPaths: ByteKeyTable
    /// Literal segments, with the parent as scope, to positions in `nodes`.
    let segments: ByteKeyTable
    let nodes: [PathNode]
    /// Each a run of entries with the same host and path.
    let leaves: [Range<Int32>]

    static let exactScope: Int32 = 0
    static let wildcardScope: Int32 = 1

    /// A host that routes name, and where to look when none of them takes a request.
    struct HostNode: Sendable {
        /// The trie of its paths.
        var root: Int32
        /// The next less specific host that matches the same names, or -1.
        var fallback: Int32
    }

    /// A position in the trie: what follows some segments.
    struct PathNode: Sendable {
        var parameterChild: Int32 = -1
        /// The leaf of the pattern that ends here.
        var leaf: Int32 = -1
        /// The leaf of the prefix that ends here.
        var prefixLeaf: Int32 = -1
    }

    init(_ builder: consuming RouteIndexBuilder) {
        self.entries = builder.entries
        self.conditions = builder.entries.map(EntryConditions.init)
        self.hostNames = builder.hostNames
        self.hosts = builder.hosts
        self.anyHost = builder.anyHost
        self.hasWildcards = builder.hasWildcards
        self.exactPaths = builder.exactPaths
        self.segments = builder.segments
        self.nodes = builder.nodes
        self.leaves = builder.leaves
    }
}

/// An entry's conditions as numbers.
struct EntryConditions: Sendable {
    /// The registered methods that are taken, a bit each; HEAD among them where GET is. All bits where all are.
    let methods: UInt16
    /// Whether other methods are taken that only the entry knows.
    let hasOtherMethods: Bool
    let hasHeaders: Bool

    init(_ entry: RouteEntry) {
        self.hasHeaders = !entry.headers.isEmpty
        guard !entry.methods.isEmpty else {
            self.methods = .max
            self.hasOtherMethods = false
            return
        }
        var bits: UInt16 = entry.takesHeadForGet ? Self.bit(of: .head) : 0
        for method in entry.methods { bits |= Self.bit(of: method) }
        self.methods = bits & ~Self.other
        self.hasOtherMethods = bits & Self.other != 0
    }

    /// Stands for every method that is not registered in RFC 9110 or RFC 5789.
    static let other: UInt16 = 1 << 15

    /// The bit of a method.
    static func bit(of method: Method) -> UInt16 {
        switch method.rawValue {
        case "GET": 1
        case "POST": 1 << 1
        case "HEAD": 1 << 2
        case "PUT": 1 << 3
        case "PATCH": 1 << 4
        case "DELETE": 1 << 5
        case "OPTIONS": 1 << 6
        case "TRACE": 1 << 7
        case "CONNECT": 1 << 8
        default: Self.other
        }
    }
}
