private import CLinux

/// How many processors this process may use.
package enum UsableProcessors {
    /// Those of the affinity mask, and no more than the quota of the control group allows, rounded up.
    package static var count: Int {
        let allowed = max(1, Int(sluice_usable_cpus()))
        guard let quota = self.quota else { return allowed }
        return max(1, min(allowed, Int(quota.rounded(.up))))
    }

    /// `cpu.max` of the process's own control group, in processors; `nil` without a limit.
    private static var quota: Double? {
        guard let parts = ControlGroup.setting("cpu.max")?.split(separator: " "), parts.count == 2,
            let quota = Double(parts[0]), let period = Double(parts[1]), period > 0
        else { return nil }
        return quota / period
    }
}
