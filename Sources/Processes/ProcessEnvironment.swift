private import CSpawn

/// The environment of the running program.
package enum ProcessEnvironment {
    /// A copy of all variables. Where a name stands twice the first one counts, as for `getenv`.
    package static var current: [String: String] {
        var variables: [String: String] = [:]
        guard var entry = unsafe sluice_environment() else { return variables }
        // SAFETY: the array ends with NULL and holds NUL-terminated texts; nothing in this program changes it.
        while let text = unsafe entry.pointee {
            let parts = unsafe String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, variables[String(parts[0])] == nil {
                variables[String(parts[0])] = String(parts[1])
            }
            unsafe entry += 1
        }
        return variables
    }
}
