import Processes
import Reactor

/// Why a child could not be started.
enum StartError: Error, CustomStringConvertible {
    case spawn(SpawnError)
    case system(SystemError)

    var description: String {
        switch self {
        case .spawn(let error): error.description
        case .system(let error): error.description
        }
    }

    /// Runs what may fail to spawn.
    static func spawning<Result: ~Copyable>(
        _ body: () throws(SpawnError) -> Result
    ) throws(StartError) -> Result {
        do throws(SpawnError) { return try body() } catch { throw .spawn(error) }
    }

    /// Runs what may fail in the system.
    static func calling<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(StartError) -> Result {
        do throws(SystemError) { return try body() } catch { throw .system(error) }
    }
}
