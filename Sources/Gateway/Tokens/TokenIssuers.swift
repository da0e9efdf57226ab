package import Configuration
internal import Tokens

/// An issuer of tokens as routes hold it.
final class TokenIssuerRuntime: Sendable {
    let name: String
    let rules: TokenRules
    let store: KeySetStore

    init(name: String, rules: TokenRules, store: KeySetStore) {
        self.name = name
        self.rules = rules
        self.store = store
    }
}

/// The issuers of a configuration. A reload keeps the keys that were fetched from the same place for the same issuer,
/// and reads files again.
package enum TokenIssuers {
    static func runtimes(
        of configuration: GatewayConfiguration, after previous: [TokenIssuerRuntime]
    ) throws(ConfigurationFaults) -> [TokenIssuerRuntime] {
        var faults: [ConfigurationFault] = []
        let runtimes = configuration.tokenIssuers.compactMap { issuer -> TokenIssuerRuntime? in
            do throws(ConfigurationFault) {
                let store = try Self.store(of: issuer, in: configuration.file, after: previous)
                return TokenIssuerRuntime(name: issuer.name, rules: issuer.rules, store: store)
            } catch {
                faults.append(error)
                return nil
            }
        }
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        return runtimes
    }

    /// Everything that is wrong with the files of a configuration, for `sluice check`.
    package static func faults(of configuration: GatewayConfiguration) -> [ConfigurationFault] {
        do throws(ConfigurationFaults) {
            _ = try Self.runtimes(of: configuration, after: [])
            return []
        } catch {
            return error.faults
        }
    }

    private static func store(
        of issuer: TokenIssuerConfiguration, in file: String, after previous: [TokenIssuerRuntime]
    ) throws(ConfigurationFault) -> KeySetStore {
        switch issuer.source {
        case .file(let reference):
            func fault(_ message: String) -> ConfigurationFault {
                ConfigurationFault(
                    file: file, position: reference.position, severity: .error,
                    message: "\(reference.path): \(message)")
            }
            let bytes: [UInt8]
            do throws(TextFileError) {
                bytes = try TextFile.bytes(reference.path)
            } catch {
                throw fault(error.reason)
            }
            do throws(KeySetError) {
                return KeySetStore(issuer.source, try KeySet(parsing: bytes.span))
            } catch {
                throw fault("\(error)")
            }
        case .url, .discovery:
            let before = previous.first { before in
                before.store.source == issuer.source && before.rules.issuer == issuer.rules.issuer
            }
            return before?.store ?? KeySetStore(issuer.source)
        }
    }
}
