import Tokens

/// Makes issuers of tokens of what was read.
struct TokenIssuerCheck {
    let reading: Reading
    let file: FileDraft

    /// An issuer that the file names; without value where it is faulty.
    struct Named {
        let name: String
        let value: TokenIssuerConfiguration?
    }

    /// All issuers, in the order of the file.
    func issuers() -> [Named] {
        let used = Set(self.file.routes.compactMap { $0.value.authorization?.value.token?.value })
        return self.file.tokenIssuers.map { name, draft in
            let issuer = self.issuer(name.value, draft)
            if issuer != nil, !used.contains(name.value) {
                self.reading.warn(name.position, "no route takes the tokens of \"\(name.value)\"")
            }
            return Named(name: name.value, value: issuer)
        }
    }

    private func issuer(_ name: String, _ draft: Located<TokenIssuerDraft>) -> TokenIssuerConfiguration? {
        let written = draft.value.writtenKeys
        if written["issuer"] == nil {
            self.reading.report(draft.position, "\"\(name)\" needs an \"issuer\": what tokens have as \"iss\"")
        }
        if written["audiences"] == nil {
            self.reading.report(
                draft.position,
                "\"\(name)\" needs \"audiences\": without them tokens that were made for others would be taken too")
        }
        guard let issuer = draft.value.issuer, !draft.value.audiences.isEmpty else { return nil }
        let source: KeySetSource
        if let written = draft.value.keys {
            source = written
        } else if written["jwks"] != nil {
            return nil
        } else {
            do throws(KeySetLocationError) {
                // OpenID Connect Discovery 1.0 §4: a slash at the issuer's end goes.
                let base = issuer.value.hasSuffix("/") ? String(issuer.value.dropLast()) : issuer.value
                guard !base.contains("?") else { throw .query(base) }
                source = .discovery(try KeySetLocation(parsing: base + DiscoveryDocument.path))
            } catch {
                self.reading.report(
                    issuer.position, "\"jwks\" is missing, and the issuer does not say where its keys are: \(error)")
                return nil
            }
        }
        return TokenIssuerConfiguration(
            name: name,
            rules: TokenRules(
                issuer: issuer.value, audiences: draft.value.audiences,
                algorithms: draft.value.algorithms.isEmpty ? TokenAlgorithm.allCases : draft.value.algorithms,
                clockSkew: draft.value.clockSkew),
            source: source)
    }
}
