package import Processes

/// What a child finds in its environment: the gateway's variables, then those of Lambda, then the function's own.
package struct ChildEnvironment: Sendable {
    /// The gateway's environment.
    private let inherited: [String: String]
    private let region: String

    /// What tells of the gateway itself, and must not be taken for the child's.
    private static let ownPrefixes = ["AWS_LAMBDA_", "LAMBDA_", "LISTEN_", "WATCHDOG_"]
    private static let ownNames: Set<String> = ["NOTIFY_SOCKET", "SLUICE_HANDOVER", "_HANDLER", "_X_AMZN_TRACE_ID"]

    package init(inheriting environment: [String: String], region: String) {
        self.inherited = environment.filter { name, _ in
            !Self.ownNames.contains(name) && !Self.ownPrefixes.contains(where: name.hasPrefix)
        }
        self.region = region
    }

    /// The environment of one child of a function.
    package func variables(for function: LocalFunction, endpoint: String, child: ChildID) -> [String: String] {
        var variables = self.inherited
        variables["AWS_REGION"] = self.region
        variables["AWS_DEFAULT_REGION"] = self.region
        variables["TZ"] = ":UTC"
        variables["AWS_EXECUTION_ENV"] = "AWS_Lambda_local"
        variables["AWS_LAMBDA_FUNCTION_NAME"] = function.name
        variables["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST"
        variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = String(function.memory)
        variables["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/\(function.name)"
        variables["AWS_LAMBDA_LOG_STREAM_NAME"] = "local/[$LATEST]\(child.rawValue)"
        variables["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand"
        variables["LAMBDA_TASK_ROOT"] = function.directory
        variables["LAMBDA_RUNTIME_DIR"] = function.directory
        switch function.program {
        case .command(let words): variables["_HANDLER"] = words.last ?? function.name
        case .node(let handler): variables["_HANDLER"] = handler
        }
        for (name, value) in function.environment { variables[name] = value }
        // Last, because without it the child could not be reached.
        variables["AWS_LAMBDA_RUNTIME_API"] = endpoint
        return variables
    }

    /// What to start for a function, or why it cannot be.
    package func description(
        of function: LocalFunction, endpoint: String, child: ChildID, nodeBootstrap: String?
    ) throws(SpawnError) -> ProcessDescription {
        let variables = self.variables(for: function, endpoint: endpoint, child: child)
        let search = ExecutableSearch(path: variables["PATH"])
        let words: [String] =
            switch function.program {
            case .command(let words): words
            case .node: ["node", nodeBootstrap ?? ""]
            }
        guard let command = words.first, let path = search.locate(command, from: function.directory) else {
            throw .noSuchExecutable(words.first ?? "")
        }
        return ProcessDescription(
            executable: path, arguments: Array(words.dropFirst()), environment: variables,
            directory: function.directory)
    }
}
