import Foundation
import Testing

/// `make install`, and what systemd says of the units.
@Suite struct InstallTests {
    private static func has(_ program: String) -> Bool {
        ["/usr/bin", "/bin"].contains { (folder: String) in access("\(folder)/\(program)", X_OK) == 0 }
    }

    /// Installs into a folder; `prefix` is where the binary is in it.
    private func install(into folder: TestFolder, _ settings: String...) async throws {
        let binaries = URL(fileURLWithPath: Support.binary).deletingLastPathComponent().path
        let tool = try await Tool.run(
            "make", ["-C", Support.repository, "install", "BINARIES=\(binaries)"] + settings, folder: folder)
        try #require(tool.status == 0, "\(tool.errors)")
    }

    @Test func `everything is put where it belongs, and the configuration is right`() async throws {
        let folder = try TestFolder()
        let root = folder.path("root")
        try await self.install(into: folder, "DESTDIR=\(root)", "PREFIX=/usr")
        for path in [
            "/usr/bin/sluice", "/etc/sluice/sluice.yaml", "/lib/systemd/system/sluice.service",
            "/lib/systemd/system/sluice.socket", "/lib/systemd/system/sluice-https.socket",
            "/usr/lib/sysusers.d/sluice.conf", "/usr/lib/tmpfiles.d/sluice.conf",
            "/usr/share/sluice/systemd/local-functions.conf", "/usr/share/doc/sluice/operations.md",
        ] {
            #expect(access(root + path, R_OK) == 0, "\(path)")
        }
        let unit = try String(contentsOfFile: "\(root)/lib/systemd/system/sluice.service", encoding: .utf8)
        #expect(unit.contains("ExecStart=/usr/bin/sluice run --config /etc/sluice/sluice.yaml\n"))
        let check = try await Tool.run(
            "\(root)/usr/bin/sluice", ["check", "--config", "\(root)/etc/sluice/sluice.yaml"])
        #expect(check.status == 0, "\(check.errors)")
        // What an administrator has written stays.
        try "changed".write(toFile: "\(root)/etc/sluice/sluice.yaml", atomically: true, encoding: .utf8)
        try await self.install(into: folder, "DESTDIR=\(root)", "PREFIX=/usr")
        #expect(try String(contentsOfFile: "\(root)/etc/sluice/sluice.yaml", encoding: .utf8) == "changed")
    }

    /// Installs so that the unit names a binary that is there, and answers the folder of the units.
    private func units(in folder: TestFolder) async throws -> String {
        try await self.install(
            into: folder, "PREFIX=\(folder.path)", "SYSCONFDIR=\(folder.path("etc"))",
            "UNITDIR=\(folder.path("units"))", "SYSUSERSDIR=\(folder.path("sysusers"))",
            "TMPFILESDIR=\(folder.path("tmpfiles"))")
        return folder.path("units")
    }

    @Test(.enabled(if: Self.has("systemd-analyze")))
    func `systemd finds nothing wrong with the units`() async throws {
        let folder = try TestFolder()
        let units = try await self.units(in: folder)
        let tool = try await Tool.run(
            "systemd-analyze",
            ["verify", "--man=no", "\(units)/sluice.service", "\(units)/sluice.socket", "\(units)/sluice-https.socket"])
        #expect(tool.status == 0)
        // A key that it does not know is a warning alone.
        let complaints = tool.errors.split(separator: "\n").filter { $0.contains("sluice") }
        #expect(complaints.isEmpty, "\(tool.errors)")
    }

    @Test(.enabled(if: Self.has("systemd-analyze")))
    func `the service is exposed to 1.5 of 10 at most`() async throws {
        let folder = try TestFolder()
        let units = try await self.units(in: folder)
        let tool = try await Tool.run(
            "systemd-analyze",
            ["security", "--offline=true", "--no-pager", "--threshold=15", "\(units)/sluice.service"])
        #expect(tool.status == 0, "\(tool.output.suffix(200)) \(tool.errors)")
    }

    @Test func `another place for configurations is named wherever it stands`() async throws {
        let folder = try TestFolder()
        _ = try await self.units(in: folder)
        let service = try String(contentsOfFile: folder.path("units/sluice.service"), encoding: .utf8)
        #expect(service.contains("--config \(folder.path("etc"))/sluice/sluice.yaml"))
        // systemd's own is always below /etc.
        #expect(!service.contains("\nConfigurationDirectory="))
        let temporary = try String(contentsOfFile: folder.path("tmpfiles/sluice.conf"), encoding: .utf8)
        #expect(temporary.contains("d \(folder.path("etc"))/sluice/tls "))
    }

    @Test(.enabled(if: Self.has("systemd-sysusers")))
    func `the user and the folders can be made`() async throws {
        let folder = try TestFolder()
        let root = folder.path("root")
        try await self.install(into: folder, "DESTDIR=\(root)", "PREFIX=/usr")
        let users = try await Tool.run("systemd-sysusers", ["--root=\(root)", "sluice.conf"])
        #expect(users.status == 0, "\(users.errors)")
        #expect(try String(contentsOfFile: "\(root)/etc/passwd", encoding: .utf8).contains("sluice:"))
        let folders = try await Tool.run("systemd-tmpfiles", ["--root=\(root)", "--create", "sluice.conf"])
        #expect(folders.status == 0 || getuid() != 0, "\(folders.errors)")
    }
}
