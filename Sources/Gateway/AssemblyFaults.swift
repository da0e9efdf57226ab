internal import Configuration

/// Everything that keeps a configuration that is right in itself from running here.
package struct AssemblyFaults: Error, CustomStringConvertible {
    /// One line for each.
    package private(set) var lines: [String] = []

    init() {}

    /// Runs something; where it fails, notes why and answers `nil`.
    mutating func gather<Value>(_ work: () throws -> Value) -> Value? {
        do {
            return try work()
        } catch let faults as AssemblyFaults {
            self.lines += faults.lines
        } catch let faults as ConfigurationFaults {
            self.lines += faults.faults.map(\.description)
        } catch {
            self.lines.append("\(error)")
        }
        return nil
    }

    func throwIfAny() throws(AssemblyFaults) {
        if !self.lines.isEmpty { throw self }
    }

    package var description: String { self.lines.joined(separator: "\n") }
}

/// Why a configuration that is right in itself can not be run here.
enum AssemblyError: Error, CustomStringConvertible {
    case noRegion(function: String)
    /// What the configuration names, and why there is no socket for it.
    case noSocket(for: String, String)
    case noInheritedSocket(String, known: [String])
    case noAccessLog(String)
    case openAdminListener(String, bound: String)
    case loopsDoNotAccept

    var description: String {
        switch self {
        case .noRegion(let function):
            "function \(function): no region is known; set aws.region or AWS_REGION, or name the function by its ARN"
        case .noSocket(let name, let reason):
            "\(name): \(reason)"
        case .noInheritedSocket(let name, let known):
            "\(name): the service manager handed over no socket of this name; it handed over "
                + (known.isEmpty ? "none" : known.joined(separator: ", "))
        case .noAccessLog(let reason):
            "access_log.output: \(reason)"
        case .openAdminListener(let address, let bound):
            "admin.address \(address): \(bound) can be reached from other machines: give admin.token, "
                + "or a socket on 127.0.0.1 or a unix socket"
        case .loopsDoNotAccept:
            "not all loops accept from the listeners"
        }
    }
}
