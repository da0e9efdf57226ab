internal import AWS
package import Configuration
private import Glibc
internal import Lambda
internal import Processes
internal import Reactor

/// Holds a configuration that is right in itself against the machine it is to run on, for `sluice check`: what `sluice
/// run` would stumble over, or only the first request.
package struct PlaceCheck {
    /// What keeps the gateway from starting here, a line each.
    package private(set) var errors: [String] = []
    /// What lets it start and then fails calls.
    package private(set) var warnings: [String] = []

    /// Looks at what the configuration names. Asks nobody over the network.
    package init(_ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?) {
        self.checkSockets(configuration)
        self.checkAccessLog(configuration)
        do {
            _ = try UpstreamTrust(caFile: configuration.aws.caFile, after: nil)
        } catch {
            self.errors.append("\(configuration.file): error: aws.ca_file: \(error)")
        }
        self.checkRegion(configuration, environment: environment, readFile: readFile)
        for function in configuration.functions {
            guard case .local(let local) = function.target else { continue }
            for text in Self.faults(of: local, environment: environment) {
                self.warnings.append("\(configuration.file): warning: functions.\(function.name).local: \(text)")
            }
        }
    }

    private mutating func checkAccessLog(_ configuration: GatewayConfiguration) {
        guard case .file(let path) = configuration.accessLog.output, configuration.accessLog.format != .none else {
            return
        }
        let folder = Self.folder(of: path)
        let fault: String? =
            if !Self.isFile(folder, of: S_IFDIR) {
                "there is no folder \(folder)"
            } else if Self.isFile(path, of: S_IFDIR) {
                "\(path) is a folder"
            } else {
                nil
            }
        if let fault {
            self.errors.append("\(configuration.file): error: access_log.output: \(fault)")
        } else if !Self.isWritable(unsafe access(path, F_OK) == 0 ? path : folder) {
            // The gateway may run as somebody else.
            self.warnings.append(
                "\(configuration.file): warning: access_log.output: this user may not write \(path)")
        }
    }

    /// Whether sockets can be made where the configuration wants them in the file system. Addresses are not tried: they
    /// may be those of a gateway that runs.
    private mutating func checkSockets(_ configuration: GatewayConfiguration) {
        let named =
            configuration.listeners.map { ("listener", $0.address) }
            + [configuration.admin?.address].compactMap(\.self).map { ("admin.address", $0) }
        for (name, address) in named {
            guard case .unix(let path) = address else { continue }
            let folder = Self.folder(of: path)
            let fault: String? =
                if !Self.isFile(folder, of: S_IFDIR) {
                    "there is no folder \(folder)"
                } else if unsafe access(path, F_OK) == 0, !Self.isFile(path, of: S_IFSOCK) {
                    "\(path) is there, and no socket"
                } else {
                    nil
                }
            if let fault {
                self.errors.append("\(configuration.file): error: \(name) \(address): \(fault)")
            } else if !Self.isWritable(folder) {
                self.warnings.append(
                    "\(configuration.file): warning: \(name) \(address): this user may not write \(folder)")
            }
        }
    }

    /// The folder that a file is to be in.
    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func isWritable(_ path: String) -> Bool {
        unsafe access(path, W_OK) == 0
    }

    private mutating func checkRegion(
        _ configuration: GatewayConfiguration, environment: [String: String], readFile: (String) -> String?
    ) {
        do {
            let identity = try AWSIdentity(
                configuration, environment: environment, resolver: Resolver(), readFile: readFile)
            self.checkCredentials(configuration, identity)
            guard try identity.region(asksMachine: false) == nil else { return }
            let mayAskMachine = try identity.mayAskMachine
            for function in configuration.functions {
                guard case .lambda(let reference) = function.target, reference.region == nil else { continue }
                let fault = AssemblyError.noRegion(function: function.name)
                if mayAskMachine {
                    self.warnings.append(
                        "\(configuration.file): warning: \(fault); "
                            + "only the metadata service of a machine of AWS could tell it")
                } else {
                    self.errors.append("\(configuration.file): error: \(fault)")
                }
            }
        } catch {
            self.errors.append("\(configuration.file): error: \(error)")
        }
    }

    /// Where keys come from, if from anywhere. Nobody is asked for them.
    private mutating func checkCredentials(_ configuration: GatewayConfiguration, _ identity: AWSIdentity) {
        guard case .failure(let error) = identity.plan else { return }
        let names = configuration.functions.filter { function in
            switch function.target {
            case .lambda: true
            case .url(let upstream): upstream.isSigned
            case .local: false
            }
        }.map(\.name)
        guard !names.isEmpty else { return }
        self.warnings.append(
            "\(configuration.file): warning: there are no credentials to call functions with "
                + "(\(names.joined(separator: ", "))): \(error)")
    }

    private static func faults(of local: LocalFunctionConfiguration, environment: [String: String]) -> [String] {
        guard Self.isFile(local.directory, of: S_IFDIR) else { return ["there is no directory \(local.directory)"] }
        let search = ExecutableSearch(path: local.environment["PATH"] ?? environment["PATH"])
        switch local.program {
        case .command(let words):
            let isThere = words.first.flatMap { search.locate($0, from: local.directory) } != nil
            return isThere ? [] : ["there is no program \(words.first ?? "") that could be started"]
        case .nodeHandler(let handler):
            let stem = NodeHandler.stem(of: handler)
            let isThere = NodeHandler.endings.contains { Self.isFile("\(local.directory)/\(stem)\($0)", of: S_IFREG) }
            var faults = isThere ? [] : ["there is no \(stem).mjs, .js or .cjs in \(local.directory)"]
            if search.locate("node") == nil {
                faults.append("there is no program node that could be started")
            }
            return faults
        }
    }

    private static func isFile(_ path: String, of kind: mode_t) -> Bool {
        var status = stat()
        // SAFETY: the call reads the NUL-terminated copy that Swift makes for its time, and fills the status.
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == kind
    }
}

/// Where the file of a Node.js handler, `folder/module.function`, is looked for.
private enum NodeHandler {
    /// In the order in which the runtime tries them.
    static let endings = ["", ".js", ".mjs", ".cjs"]

    static func stem(of handler: String) -> String {
        let nameStart = handler.lastIndex(of: "/").map(handler.index(after:)) ?? handler.startIndex
        let dot = handler[nameStart...].firstIndex(of: ".") ?? handler.endIndex
        return String(handler[..<dot])
    }
}
