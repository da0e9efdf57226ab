import AWS
import Lambda

/// Makes functions of what was read, and holds their keys against one another.
struct FunctionCheck {
    let reading: Reading
    let file: FileDraft

    /// Lambda takes no event larger than this, so no body can be.
    static let maximumRequestBody = ByteCount(EventFormat.sizeLimit)

    /// A function that the file names; without value where it is faulty.
    struct Named {
        let name: String
        let position: SourcePosition
        let value: FunctionConfiguration?
    }

    /// All functions, in the order of the file.
    func functions() -> [Named] {
        self.file.functions.map { name, draft in
            Named(name: name.value, position: name.position, value: self.function(name, draft))
        }
    }

    private func function(_ name: Located<String>, _ draft: Located<FunctionDraft>) -> FunctionConfiguration? {
        let written = draft.value.writtenKeys
        let sources = ["function", "url", "local"].filter { written[$0] != nil }
        if sources.isEmpty {
            self.reading.report(
                name.position,
                "\"\(name.value)\" says nowhere what it calls: it needs \"function\", \"url\" or \"local\"")
        }
        for extra in sources.dropFirst() {
            self.reading.report(
                written[extra] ?? name.position,
                "\"\(name.value)\" has \"\(sources[0])\" already; a function has one of \"function\", \"url\" and \"local\""
            )
        }
        if let qualifier = draft.value.qualifier, written["function"] == nil, !sources.isEmpty {
            self.reading.report(qualifier.position, "a \"qualifier\" needs \"function\" beside it")
        }
        if let role = draft.value.role, written["function"] == nil, !draft.value.sign, !sources.isEmpty {
            self.reading.report(role.position, "a \"role\" needs \"function\" beside it, or a \"url\" that is signed")
        }
        let role = draft.value.role.flatMap(self.role)
        let timeouts = self.timeouts(draft.value.timeouts)
        let isStreamed = written["url"] != nil && !draft.value.sign
        self.checkRequestBody(name.value, draft.value)
        self.checkForwarding(draft)
        if let position = written["upstream"], written["local"] != nil, draft.value.upstream == .http2 {
            self.reading.report(position, "local functions are called over HTTP/1.1; \"upstream\" can not be http2")
        }
        if let position = written["queue"], written["max_concurrency"] == nil {
            self.reading.report(position, "a \"queue\" needs \"max_concurrency\" beside it; without it nothing waits")
        }
        guard let target = self.target(draft.value) else { return nil }
        return FunctionConfiguration(
            name: name.value, target: target, role: role, tenant: self.tenant(draft.value.tenant),
            event: self.event(draft.value), response: draft.value.response, invoke: draft.value.invoke,
            logTail: draft.value.logTail,
            timeouts: timeouts, retries: draft.value.retries,
            maxRequestBody: draft.value.maxRequestBody?.value ?? self.defaultRequestBody(isStreamed: isStreamed),
            maxConcurrency: draft.value.maxConcurrency, upstream: draft.value.upstream,
            warmConnections: draft.value.warmConnections, queue: draft.value.queue,
            circuitBreaker: draft.value.circuitBreaker, fallback: self.fallback(of: name.value, draft.value.fallback))
    }

    private func event(_ draft: FunctionDraft) -> EventSettings {
        let hasStage = draft.event == .httpAPI || draft.event == .v1
        for key in ["stage", "stage_variables"] where !hasStage {
            guard let position = draft.writtenKeys[key] else { continue }
            self.reading.report(
                position, "events of the kind \(draft.event.rawValue) have no stage; http_api and v1 do")
        }
        if let stage = draft.stage, stage.value == "$default", draft.event == .v1 {
            self.reading.report(stage.position, "a REST API has no stage $default")
        }
        for key in ["text_types", "binary_types"] where draft.event == .raw {
            guard let position = draft.writtenKeys[key] else { continue }
            self.reading.report(position, "an event of the kind raw is the body itself, which is JSON")
        }
        return EventSettings(
            kind: draft.event, stage: draft.stage?.value,
            stageVariables: draft.stageVariables.map { EventPair(name: $0.name.value, value: $0.value) },
            bodyTypes: BodyTypes(text: draft.textTypes, binary: draft.binaryTypes))
    }

    private func target(_ draft: FunctionDraft) -> FunctionConfiguration.Target? {
        if let local = draft.local { return self.local(local).map { .local($0) } }
        if let url = draft.url { return .url(HTTPUpstream(endpoint: url.value, isSigned: draft.sign)) }
        guard let function = draft.function else { return nil }
        do {
            let reference = try FunctionReference(parsing: function.value)
            if let own = reference.region, let region = self.file.aws.region, own != region {
                self.reading.warn(
                    function.position, "the function is in \(own), not in aws.region (\(region)); it is called there")
            }
        } catch {
            self.reading.report(function.position, "\(error)")
            return nil
        }
        guard let qualifier = draft.qualifier else { return Self.reference(function.value, nil) }
        do {
            return .lambda(try FunctionReference(parsing: function.value, qualifier: qualifier.value))
        } catch {
            self.reading.report(qualifier.position, "\(error)")
            return nil
        }
    }

    private func role(_ draft: Located<RoleDraft>) -> RoleAssumption? {
        guard let arn = draft.value.arn else {
            self.reading.report(draft.position, "a \"role\" needs an \"arn\"")
            return nil
        }
        do throws(RoleError) {
            return try RoleAssumption(
                arn: arn.value, externalID: draft.value.externalID?.value, sessionName: draft.value.sessionName?.value,
                durationSeconds: draft.value.duration.map { Int($0.value.components.seconds) })
        } catch {
            let position =
                switch error {
                case .arn: arn.position
                case .externalID: draft.value.externalID?.position
                case .sessionName: draft.value.sessionName?.position
                case .duration: draft.value.duration?.position
                }
            self.reading.report(position ?? draft.position, "\(error)")
            return nil
        }
    }

    private static func reference(_ text: String, _ qualifier: String?) -> FunctionConfiguration.Target? {
        // The caller parsed the same text before and told what was wrong with it.
        (try? FunctionReference(parsing: text, qualifier: qualifier)).map { .lambda($0) }
    }

    private func tenant(_ draft: Located<TenantDraft>?) -> TenantSource? {
        guard let draft else { return nil }
        if let fixed = draft.value.fixed { return .fixed(fixed) }
        var sources: [TenantSource] = []
        if draft.value.isFromHost { sources.append(.host) }
        if let parameter = draft.value.pathParameter { sources.append(.pathParameter(parameter.value)) }
        if let name = draft.value.clientCertificate { sources.append(.clientCertificate(name)) }
        if let claim = draft.value.claim { sources.append(.claim(claim.value)) }
        if sources.count > 1, let position = draft.value.writtenKeys.values.max() {
            self.reading.report(
                position,
                "a tenant comes from the host, a \"path_parameter\", the \"client_certificate\" or a \"claim\": from one of "
                    + "them")
            return nil
        }
        if sources.isEmpty, draft.value.writtenKeys.isEmpty {
            self.reading.report(
                draft.position,
                "a tenant is a text, { from: host }, { path_parameter: NAME }, { client_certificate: common_name }, or "
                    + "{ claim: NAME }")
        }
        if let position = draft.value.writtenKeys["client_certificate"],
            !self.file.listeners.contains(where: { $0.value.tls?.value.clientAuthorities != nil })
        {
            self.reading.warn(
                position, "no listener asks clients for certificates (\"client_ca\"), so no request will have a tenant")
        }
        return sources.first
    }

    /// The position of the function that stands in. Whoever follows the names must come to an end.
    private func fallback(of name: String, _ fallback: Located<String>?) -> Int? {
        guard let fallback else { return nil }
        let names = self.file.functions.map(\.name.value)
        guard let position = names.firstIndex(of: fallback.value) else {
            let suggestion = Nearest.suggestion(for: fallback.value, among: names)
            self.reading.report(fallback.position, "there is no function \"\(fallback.value)\"\(suggestion)")
            return nil
        }
        var seen: Set<String> = [name]
        var next: String? = fallback.value
        while let current = next {
            guard seen.insert(current).inserted else {
                self.reading.report(fallback.position, "fallbacks go round in a circle, back to \"\(current)\"")
                return nil
            }
            next = self.file.functions.first { $0.name.value == current }?.value.value.fallback?.value
        }
        return position
    }

    /// What belongs to calls of the Lambda API means nothing for a URL, and the other way round.
    private func checkForwarding(_ draft: Located<FunctionDraft>) {
        let written = draft.value.writtenKeys
        guard written["url"] != nil else {
            if let position = written["sign"] {
                self.reading.report(position, "\"sign\" is about a \"url\"; calls of the Lambda API are always signed")
            }
            return
        }
        for key in ["event", "response", "invoke", "log_tail", "tenant_id", "text_types", "binary_types"] {
            guard let position = written[key] else { continue }
            self.reading.report(
                position, "\"\(key)\" is about calls of the Lambda API; a \"url\" is sent the request as it is")
        }
    }

    /// What holds all bodies that are gathered bounds each.
    private func defaultRequestBody(isStreamed: Bool) -> ByteCount {
        isStreamed ? Self.maximumRequestBody : min(Self.maximumRequestBody, self.file.limits.settings.requestBodies)
    }

    private func checkRequestBody(_ name: String, _ draft: FunctionDraft) {
        let isStreamed = draft.writtenKeys["url"] != nil && !draft.sign
        // What might be sent again, to another function, has to be kept.
        if isStreamed, draft.fallback == nil { return }
        let size = draft.maxRequestBody
        if let size, size.value > Self.maximumRequestBody {
            if !isStreamed {
                self.reading.report(size.position, "\(size.value) is too large; the most is \(Self.maximumRequestBody)")
                return
            }
            if let standIn = self.standIns(of: draft).first(where: { !$0.takesLargeBodies }) {
                self.reading.report(
                    size.position,
                    "\(size.value) is too large: the fallback \"\(standIn.name)\" takes no body above "
                        + "\(Self.maximumRequestBody)")
                return
            }
        }
        let total = self.file.limits.settings.requestBodies
        guard let size, size.value > total else { return }
        self.reading.report(
            size.position,
            "max_request_body (\(size.value)) is larger than limits.request_bodies (\(total)), which holds all bodies")
    }

    /// The functions that stand in, one for another, and whether they are sent bodies as they come.
    private func standIns(of draft: FunctionDraft) -> [(name: String, takesLargeBodies: Bool)] {
        var found: [(name: String, takesLargeBodies: Bool)] = []
        var next = draft.fallback?.value
        while let name = next, !found.contains(where: { $0.name == name }),
            let function = self.file.functions.first(where: { $0.name.value == name })?.value.value
        {
            found.append((name, function.writtenKeys["url"] != nil && !function.sign))
            next = function.fallback?.value
        }
        return found
    }

    /// Those that were not written give way to a shorter `total`.
    private func timeouts(_ draft: TimeoutsDraft) -> Timeouts {
        let defaults = Timeouts()
        let total = draft.total?.value ?? defaults.total
        func checked(_ name: String, _ written: Located<Duration>?, _ fallback: Duration) -> Duration {
            guard let written else { return min(fallback, total) }
            if written.value > total {
                let origin = draft.total == nil ? " (the default)" : ""
                self.reading.report(
                    written.position,
                    "\(name) (\(DurationText.text(written.value))) is longer than total "
                        + "(\(DurationText.text(total)))\(origin)")
            }
            return written.value
        }
        return Timeouts(
            connect: checked("connect", draft.connect, defaults.connect),
            firstByte: checked("first_byte", draft.firstByte, defaults.firstByte),
            idle: checked("idle", draft.idle, defaults.idle), total: total)
    }

    private func local(_ draft: Located<LocalFunctionDraft>) -> LocalFunctionConfiguration? {
        let written = draft.value.writtenKeys
        if written["command"] == nil, written["handler"] == nil {
            self.reading.report(
                draft.position, "a local function needs a \"command\" or a \"handler\"")
        }
        if written["command"] != nil, let handler = written["handler"] {
            self.reading.report(handler, "a local function has a \"command\" or a \"handler\", not both")
        }
        if let runtime = draft.value.runtime, written["handler"] == nil {
            self.reading.report(runtime.position, "a \"runtime\" needs a \"handler\" beside it")
        }
        let program: LocalFunctionConfiguration.Program
        if let command = draft.value.command {
            program = .command(command.value)
        } else if let handler = draft.value.handler {
            program = .nodeHandler(handler.value)
        } else {
            return nil
        }
        let folder = self.reading.directory.isEmpty ? "." : self.reading.directory
        return LocalFunctionConfiguration(
            program: program, directory: draft.value.directory.map(self.reading.path) ?? folder,
            concurrency: draft.value.concurrency, memory: draft.value.memory,
            environment: Dictionary(
                draft.value.environment.map { ($0.name.value, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }
}
