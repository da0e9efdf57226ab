import HTTP
import Lambda
import Routing

/// Makes the route table of what was read, and holds routes against functions and one another.
struct RouteCheck {
    let reading: Reading
    let file: FileDraft
    let functions: [FunctionCheck.Named]
    /// The names of issuers of tokens.
    let issuers: [String]

    /// A route, and where its hosts and paths stand.
    private struct Placed {
        let route: Route
        let position: SourcePosition
        let hosts: [SourcePosition]
        let paths: [SourcePosition]
    }

    /// The table; `nil`, with faults, where there can be none.
    func table() -> RouteTable? {
        let placed = self.file.routes.compactMap(self.route)
        self.warnOfMissingRoutes(beside: placed)
        do throws(RouteTableError) {
            return try RouteTable(routes: placed.map(\.route))
        } catch {
            switch error {
            case .tooManyEntries(let count):
                self.reading.report(
                    self.file.writtenKeys["routes"] ?? .start,
                    "the routes have \(count) pairs of host and path; at most \(RouteTable.maximumEntries) are taken")
            case .conflicts(let conflicts):
                for conflict in conflicts { self.report(conflict, placed) }
            }
            return nil
        }
    }

    private func report(_ conflict: RouteConflict, _ placed: [Placed]) {
        let (first, second) = (placed[conflict.first.route], placed[conflict.second.route])
        if conflict.first.route == conflict.second.route {
            let isHost = conflict.first.host != conflict.second.host
            let position = isHost ? second.hosts[conflict.second.host] : second.paths[conflict.second.path]
            self.reading.report(position, "the route names \"\(conflict.second.name)\" twice")
            return
        }
        let method = conflict.method.map { " with \($0.rawValue)" } ?? ""
        self.reading.report(
            second.paths[conflict.second.path],
            "\"\(conflict.second.name)\" matches the same requests\(method) as the route on line "
                + "\(first.paths[conflict.first.path].line), and neither is more specific")
    }

    /// What routes that are wrong were to call is not known, so they bring no warnings beside their faults.
    private func warnOfMissingRoutes(beside placed: [Placed]) {
        guard placed.count == self.file.routes.count else { return }
        guard placed.isEmpty else { return self.warnOfUnusedFunctions() }
        guard !self.reading.hasErrors else { return }
        self.reading.warn(
            self.file.writtenKeys["routes"] ?? .start,
            "there are no routes, so that every request is answered with 404")
    }

    private func warnOfUnusedFunctions() {
        var used = Set(self.file.routes.compactMap { $0.value.function?.value })
        for route in self.file.routes { used.formUnion(route.value.functions.compactMap { $0.value.name?.value }) }
        used.formUnion(self.file.functions.compactMap { $0.value.value.fallback?.value })
        // One of them may be meant by a name that is misspelt.
        guard used.isSubset(of: self.functions.map(\.name)) else { return }
        for function in self.functions where function.value != nil && !used.contains(function.name) {
            // With an address of its own the local Lambda API is a way to call a function without a route.
            if case .local = function.value?.target, self.file.localLambda.address != nil { continue }
            self.reading.warn(function.position, "no route calls the function \"\(function.name)\"")
        }
    }

    private func route(_ draft: Located<RouteDraft>) -> Placed? {
        let value = draft.value
        self.refuse("hosts", beside: "host", value)
        self.refuse("paths", beside: "path", value)
        let methods = self.unique(value.methods) { $0.rawValue }
        let headers = self.conditions(value.headers)
        let requestEdits = self.edits(value.requestHeaders)
        let responseEdits = self.edits(value.responseHeaders)

        let isHostWritten = value.writtenKeys["host"] != nil || value.writtenKeys["hosts"] != nil
        let isPathWritten = value.writtenKeys["path"] != nil || value.writtenKeys["paths"] != nil
        var hosts = value.hosts ?? []
        if let host = value.host { hosts.append(host) }
        if !isHostWritten { hosts = [Located(value: .any, position: draft.position)] }
        var paths = value.paths ?? []
        if let path = value.path { paths.append(path) }
        if !isPathWritten, let everything = try? PathPattern(parsing: "/*") {
            paths = [Located(value: everything, position: draft.position)]
        }
        let action = self.action(draft, paths)
        self.checkPrefix(value, paths)
        let authorization = value.authorization.flatMap(self.authorization)
        if let action {
            self.checkTenant(action, draft, paths)
            self.checkRequestEdits(action, value.requestHeaders)
        }
        guard let action else { return nil }

        return Placed(
            route: Route(
                hosts: hosts.map(\.value), paths: paths.map(\.value), methods: methods, headers: headers,
                authorization: authorization, action: action, stripPrefix: value.stripPrefix?.value,
                requestHeaderEdits: requestEdits,
                responseHeaderEdits: responseEdits),
            position: draft.position, hosts: hosts.map(\.position), paths: paths.map(\.position))
    }

    private func refuse(_ list: String, beside single: String, _ draft: RouteDraft) {
        if draft.writtenKeys[single] != nil, let position = draft.writtenKeys[list] {
            self.reading.report(position, "a route has \"\(single)\" or \"\(list)\", not both")
        }
    }

    private func unique<Value>(_ items: [Located<Value>], _ text: (Value) -> String) -> [Value] {
        var seen: Set<String> = []
        return items.compactMap { item in
            if seen.insert(text(item.value)).inserted { return item.value }
            self.reading.report(item.position, "\"\(text(item.value))\" stands in this list twice")
            return nil
        }
    }
}

/// What a route does.
extension RouteCheck {
    private func action(_ draft: Located<RouteDraft>, _ paths: [Located<PathPattern>]) -> Route.Action? {
        let value = draft.value
        let written = ["function", "functions", "redirect", "respond"].filter { value.writtenKeys[$0] != nil }
        if written.isEmpty {
            self.reading.report(
                draft.position,
                "the route does nothing: it needs \"function\", \"functions\", \"redirect\" or \"respond\"")
        }
        for extra in written.dropFirst() {
            self.reading.report(
                value.writtenKeys[extra] ?? draft.position,
                "the route has \"\(written[0])\" already; a route does one thing")
        }
        if written.first == "redirect" || written.first == "respond" {
            for key in ["strip_prefix", "request_headers"] {
                guard let position = value.writtenKeys[key] else { continue }
                self.reading.report(position, "\"\(key)\" changes what a function sees, and the route calls none")
            }
        }
        if let position = value.writtenKeys["sticky"], value.writtenKeys["functions"] == nil {
            self.reading.report(position, "\"sticky\" chooses among several \"functions\", and the route has none")
        }
        if let function = value.function { return Route.Action.function(self.position(of: function) ?? -1) }
        if let position = value.writtenKeys["functions"] { return self.weighted(value, at: position) }
        if let redirect = value.redirect { return self.redirect(redirect, paths) }
        if let respond = value.respond { return self.response(respond) }
        return nil
    }

    /// The position of a function; a fault, and `nil`, where there is none. The route still takes part in the search
    /// for conflicts; the file is refused in any case.
    private func position(of name: Located<String>) -> Int? {
        let names = self.functions.map(\.name)
        if let position = names.firstIndex(of: name.value) { return position }
        let suggestion = Nearest.suggestion(for: name.value, among: names)
        self.reading.report(name.position, "there is no function \"\(name.value)\"\(suggestion)")
        return nil
    }

    private func weighted(_ draft: RouteDraft, at position: SourcePosition) -> Route.Action? {
        var choices: [WeightedFunctions.Choice] = []
        for item in draft.functions {
            guard let name = item.value.name else {
                if item.value.writtenKeys["name"] == nil {
                    self.reading.report(item.position, "a \"name\" is missing here")
                }
                continue
            }
            guard let function = self.position(of: name) else { continue }
            if choices.contains(where: { $0.function == function }) {
                self.reading.report(name.position, "\"\(name.value)\" stands in this list twice")
                continue
            }
            choices.append(
                WeightedFunctions.Choice(function: function, name: name.value, weight: item.value.weight))
        }
        let stickiness = self.stickiness(draft.sticky)
        if let weighted = WeightedFunctions(choices, stickiness: stickiness) { return .functions(weighted) }
        if !choices.isEmpty, choices.count == draft.functions.count {
            self.reading.report(position, "all weights are 0, so that no function gets anything")
        }
        return .function(-1)
    }

    private func stickiness(_ draft: Located<StickyDraft>?) -> WeightedFunctions.Stickiness? {
        guard let draft else { return nil }
        switch (draft.value.cookie, draft.value.header) {
        case (let cookie?, nil): return .cookie(cookie.value)
        case (nil, let header?): return .header(header.value)
        case (.some, let header?):
            self.reading.report(header.position, "\"sticky\" has a \"cookie\" or a \"header\", not both")
        case (nil, nil):
            if draft.value.writtenKeys.isEmpty {
                self.reading.report(draft.position, "\"sticky\" needs a \"cookie\" or a \"header\"")
            }
        }
        return nil
    }

    private func redirect(_ draft: Located<RedirectDraft>, _ paths: [Located<PathPattern>]) -> Route.Action? {
        guard let to = draft.value.to else {
            if draft.value.writtenKeys["to"] == nil {
                self.reading.report(draft.position, "a redirect needs \"to\"")
            }
            return nil
        }
        let redirect: Redirect
        do {
            redirect = try Redirect(to: to.value, status: draft.value.status)
        } catch {
            self.reading.report(to.position, "\(error)")
            return nil
        }
        for path in paths {
            if redirect.usesRest, !path.value.isPrefix {
                self.reading.report(
                    to.position, "\"*\" has nothing to stand for: the path \"\(path.value)\" does not end in \"/*\"")
            }
            let names = path.value.parameterNames
            for name in redirect.parameterNames where !names.contains(name) {
                let suggestion = Nearest.suggestion(for: name, among: names)
                self.reading.report(
                    to.position, "the path \"\(path.value)\" has no parameter {\(name)}\(suggestion)")
            }
        }
        return .redirect(redirect)
    }

    private func response(_ draft: Located<RespondDraft>) -> Route.Action {
        let status = draft.value.status
        let body = Array((draft.value.body?.value ?? "").utf8)
        // RFC 9110 §15.3.5, §15.3.6, §15.4.5: these have no content.
        if let position = draft.value.body?.position, !body.isEmpty, [204, 205, 304].contains(status) {
            self.reading.report(position, "an answer with status \(status) has no body")
        }
        var fields = Fields()
        for line in self.lines(draft.value.headers) { fields.append(line.name, line.value) }
        if !body.isEmpty, !fields.contains("content-type") {
            fields.append("content-type", "text/plain; charset=utf-8")
        }
        return .respond(FixedResponse(head: ResponseHead(status: status, fields: fields), body: body))
    }

    private func authorization(_ draft: Located<AuthorizationDraft>) -> RouteAuthorization? {
        guard let token = draft.value.token else {
            if draft.value.writtenKeys["token"] == nil {
                self.reading.report(draft.position, "\"authorization\" needs a \"token\": one of the token_issuers")
            }
            return nil
        }
        guard let position = self.issuers.firstIndex(of: token.value) else {
            let suggestion = Nearest.suggestion(for: token.value, among: self.issuers)
            self.reading.report(token.position, "there is no token issuer \"\(token.value)\"\(suggestion)")
            return nil
        }
        return RouteAuthorization(issuer: position, scopes: draft.value.scopes)
    }

    /// A function that takes its tenant from a path, or from a token, is called by routes that have it, also where it
    /// stands in.
    private func checkTenant(_ action: Route.Action, _ draft: Located<RouteDraft>, _ paths: [Located<PathPattern>]) {
        for position in self.withStandIns(Self.functions(of: action)) {
            let tenant = self.functions[position].value?.tenant
            if case .claim(let name)? = tenant, draft.value.writtenKeys["authorization"] == nil {
                self.reading.report(
                    draft.position,
                    "the route needs \"authorization\": from the claim \"\(name)\" of a verified token "
                        + "\"\(self.functions[position].name)\" takes its tenant")
            }
            if case .host? = tenant, draft.value.writtenKeys["host"] == nil, draft.value.writtenKeys["hosts"] == nil {
                self.reading.warn(
                    draft.position,
                    "the route takes requests for any host, from which \"\(self.functions[position].name)\" takes its "
                        + "tenant: whoever asks can name any; give the route a \"host\"")
            }
            guard case .pathParameter(let name)? = tenant else { continue }
            for path in paths where !path.value.parameterNames.contains(name) {
                self.reading.report(
                    path.position,
                    "the path \"\(path.value)\" has no parameter {\(name)}, from which \"\(self.functions[position].name)\" "
                        + "takes its tenant")
            }
        }
    }

    /// Fields that the gateway writes itself, for whatever it calls: from the connection, and from what trusted proxies
    /// say.
    private static let ownFields: Set<String> = [
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id",
    ]
    /// Those that HTTP servers get besides.
    private static let ownFieldsOfForwarding: Set<String> = ["x-forwarded-host", "x-real-ip"]

    /// What is edited and then written anew would have no effect.
    private func checkRequestEdits(_ action: Route.Action, _ draft: FieldEditsDraft) {
        let kinds = self.withStandIns(Self.functions(of: action)).map { position in
            if case .url? = self.functions[position].value?.target { true } else { false }
        }
        let callsLambda = kinds.contains(false)
        let names = draft.remove + draft.set.map(\.name) + draft.add.map(\.name)
        for name in names {
            let isOwn =
                Self.ownFields.contains(name.value) || (!callsLambda && Self.ownFieldsOfForwarding.contains(name.value))
            if isOwn, !kinds.isEmpty {
                self.reading.report(
                    name.position, "\"\(name.value)\" is for Sluice itself to write, from what it knows of the client")
            } else if name.value == "host", callsLambda {
                self.reading.report(
                    name.position,
                    "\"host\" can be set for a \"url\" alone: the event of a function names the host that the client asked"
                )
            } else if name.value == "host", !kinds.isEmpty, !draft.set.contains(where: { $0.name.value == "host" }) {
                self.reading.report(name.position, "\"host\" can be set, and neither added nor removed")
            }
        }
    }

    private static func functions(of action: Route.Action) -> [Int] {
        switch action {
        case .function(let position): [position]
        case .functions(let weighted): weighted.choices.map(\.function)
        case .redirect, .respond: []
        }
    }

    /// These functions and all that may stand in for them, each once.
    private func withStandIns(_ positions: [Int]) -> [Int] {
        var found: [Int] = []
        for position in positions {
            var next: Int? = position
            while let position = next, self.functions.indices.contains(position), !found.contains(position) {
                found.append(position)
                next = self.functions[position].value?.fallback
            }
        }
        return found
    }

    private func checkPrefix(_ draft: RouteDraft, _ paths: [Located<PathPattern>]) {
        guard let prefix = draft.stripPrefix else { return }
        for path in paths where !prefix.value.isPrefix(of: path.value) {
            self.reading.report(
                prefix.position, "the path \"\(path.value)\" does not begin with \"\(prefix.value)\"")
        }
    }
}

/// Header lines of a route.
extension RouteCheck {
    /// Fields that frame messages or belong to one connection (RFC 9110 §7.6.1), and the id that is always Sluice's
    /// own.
    private static let untouchable: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "x-request-id",
    ]

    private func mayTouch(_ name: Located<String>) -> Bool {
        guard Self.untouchable.contains(name.value) else { return true }
        self.reading.report(name.position, "\"\(name.value)\" is for Sluice itself to write")
        return false
    }

    private func line(_ name: String, _ value: Located<String>) -> FieldLine? {
        do {
            return try FieldLine(name: name, value: value.value)
        } catch {
            self.reading.report(value.position, "\(error)")
            return nil
        }
    }

    private func lines(_ items: [(name: Located<String>, value: [Located<String>])]) -> [FieldLine] {
        _ = self.unique(items.map(\.name)) { $0 }
        return items.filter { self.mayTouch($0.name) }.flatMap { name, values in
            values.compactMap { self.line(name.value, $0) }
        }
    }

    private func conditions(_ items: [(name: Located<String>, value: Located<String>)]) -> [HeaderCondition] {
        _ = self.unique(items.map(\.name)) { $0 }
        return items.compactMap { name, value in self.line(name.value, value).map(HeaderCondition.init) }
    }

    private func edits(_ draft: FieldEditsDraft) -> FieldEdits {
        _ = self.unique(draft.set.map(\.name)) { $0 }
        let removed = self.unique(draft.remove) { $0 }
        for name in draft.remove { _ = self.mayTouch(name) }
        let set = draft.set.filter { self.mayTouch($0.name) }.compactMap { name, value -> FieldLine? in
            if removed.contains(name.value) {
                self.reading.report(
                    name.position, "\"\(name.value)\" is both set and removed; \"set\" alone replaces it")
            }
            return self.line(name.value, value)
        }
        return FieldEdits(set: set, add: self.lines(draft.add), remove: removed)
    }
}
