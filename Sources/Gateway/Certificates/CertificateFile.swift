package import Configuration
internal import Reactor
internal import TLS
internal import Time

/// Reads the files that a configuration names for TLS, and says what is wrong with them where the configuration names
/// them.
package enum CertificateFile {
    /// What is wrong with a file.
    struct Fault: Sendable, Equatable {
        let file: FileReference
        let message: String
        /// Whether the file could not be read at all, which may be over in a moment, with the file as it is.
        var mayPass = false
    }

    /// Everything that is wrong with the files of a listener.
    struct Faults: Error, Sendable, Equatable {
        let faults: [Fault]
    }

    /// Everything that is wrong, or will soon be, with the files that listeners name, for `sluice check`. `file` names
    /// the configuration.
    package static func faults(of listeners: [ListenerConfiguration], in file: String) -> [ConfigurationFault] {
        let now = LoopClock.system.wall()
        var found: [ConfigurationFault] = []
        for listener in listeners {
            guard let tls = listener.tls else { continue }
            do throws(Faults) {
                let context = try Self.context(for: tls, ticketKeys: TicketKeys(at: LoopClock.system.monotonic()))
                for (certificate, summary) in zip(tls.certificates, context.certificates) {
                    for warning in summary.texts(at: now) {
                        found.append(
                            ConfigurationFault(
                                file: file, position: certificate.certificate.position,
                                severity: .warning, message: "\(certificate.certificate.path): \(warning)"))
                    }
                }
            } catch {
                found += Self.located(error, in: file)
            }
        }
        return found
    }

    /// The TLS of each listener, in their order; `nil` for those without.
    static func listeners(
        of configuration: GatewayConfiguration, ticketKeys: TicketKeys
    ) throws(ConfigurationFaults) -> [ListenerTLS?] {
        var found: [ConfigurationFault] = []
        var listeners: [ListenerTLS?] = []
        for listener in configuration.listeners {
            guard let tls = listener.tls else {
                listeners.append(nil)
                continue
            }
            do throws(Faults) {
                listeners.append(
                    try ListenerTLS(name: listener.address.description, tls, ticketKeys: ticketKeys))
            } catch {
                found += Self.located(error, in: configuration.file)
            }
        }
        guard found.isEmpty else { throw ConfigurationFaults(faults: found) }
        return listeners
    }

    private static func located(_ faults: Faults, in file: String) -> [ConfigurationFault] {
        faults.faults.map {
            ConfigurationFault(
                file: file, position: $0.file.position, severity: .error, message: $0.message)
        }
    }

    /// Makes a context of the files as they are now.
    static func context(
        for configuration: TLSConfiguration, ticketKeys: TicketKeys
    ) throws(Faults) -> TLSServerContext {
        var faults: [Fault] = []
        func bytes(of file: FileReference) -> [UInt8] {
            do throws(TextFileError) {
                return try TextFile.bytes(file.path)
            } catch {
                let mayPass = if case .unreadable = error { true } else { false }
                faults.append(Fault(file: file, message: error.description, mayPass: mayPass))
                return []
            }
        }
        let sources = configuration.certificates.map { certificate in
            CertificateSource(
                certificate: bytes(of: certificate.certificate), key: bytes(of: certificate.key),
                passphrase: certificate.passphrase.map { bytes(of: $0) },
                certificateFile: certificate.certificate.path, keyFile: certificate.key.path)
        }
        let policy = configuration.clientAuthorities.map { file in
            ClientCertificatePolicy(
                authorities: bytes(of: file), authoritiesFile: file.path,
                isRequired: configuration.requiresClientCertificate)
        }
        guard faults.isEmpty else { throw Faults(faults: faults) }
        do throws(TLSLoadFaults) {
            return try TLSServerContext(
                TLSServerSettings(
                    certificates: sources,
                    profile: configuration.profile == .modern ? .modern : .intermediate,
                    minimumVersion: configuration.minimumVersion == .tls13 ? .tls13 : .tls12,
                    unknownServerName: configuration.rejectsUnknownServerNames ? .reject : .fallback,
                    clientCertificates: policy, applicationProtocols: Self.applicationProtocols),
                ticketKeys: ticketKeys)
        } catch {
            throw Faults(
                faults: error.faults.map { fault in
                    let file = configuration.files.first { $0.path == fault.file } ?? configuration.files[0]
                    return Fault(file: file, message: fault.description)
                })
        }
    }

    /// What clients can agree on by ALPN.
    private static var applicationProtocols: [ApplicationProtocol] { [.http2, .http1] }
}

extension CertificateSummary {
    /// How long before its end a certificate is warned of.
    private static let warningTime = Duration.seconds(21 * 86_400)

    /// What is wrong at a moment, or soon will be, in words.
    func texts(at now: WallTime) -> [String] {
        var texts = self.warnings(at: now).map { warning in
            switch warning {
            case .expired(let end): "the certificate expired on \(end.calendar.dateText)"
            case .notYetValid(let begin): "the certificate is not valid before \(begin.calendar.dateText)"
            case .chainExpired(let end): "a certificate of its chain expired on \(end.calendar.dateText)"
            case .noNames: "the certificate has no name of a host in it: clients get it only as the first one"
            case .chainOutOfOrder: "the certificates behind it are not in order, each signed by the next"
            }
        }
        if now < self.chainNotAfter, self.chainNotAfter < now + Self.warningTime {
            let days = (self.chainNotAfter - now).wholeMilliseconds / 86_400_000
            texts.append("the certificate expires in \(days) days, on \(self.chainNotAfter.calendar.dateText)")
        }
        return texts
    }
}

extension CalendarTime {
    /// `2026-11-23`.
    fileprivate var dateText: String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(self.year)-\(padded(self.month))-\(padded(self.day))"
    }
}
