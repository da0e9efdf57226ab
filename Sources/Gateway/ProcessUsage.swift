private import Glibc

/// What the process uses of the system.
enum ProcessUsage {
    /// Time of processors, in and out of the kernel.
    static var processorTime: Duration {
        var usage = rusage()
        // SAFETY: getrusage fills the structure; with these arguments it can not fail.
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + .microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    /// Descriptors that are open; `nil` where the system does not tell.
    static var openDescriptors: Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        // Itself, `.` and `..` do not count.
        var count = -3
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }

    /// Descriptors that may be open; `nil` where the system does not tell.
    static var descriptorLimit: Int? {
        var limit = rlimit()
        // SAFETY: getrlimit fills the structure or fails.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_cur)
    }
}
