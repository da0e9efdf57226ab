import Foundation
import Processes
import Testing

@Suite struct ExecutableSearchTests {
    @Test func `a bare command is looked for beside our own program first`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let search = ExecutableSearch(besides: directory, path: "/nowhere:/bin")
        #expect(search.locate("sh") == "/bin/sh")
        _ = FileManager.default.createFile(atPath: directory + "/sh", contents: Data(), attributes: nil)
        // A file that cannot be executed is passed over.
        #expect(search.locate("sh") == "/bin/sh")
        chmod(directory + "/sh", 0o755)
        #expect(search.locate("sh") == directory + "/sh")
    }

    @Test func `a command with a slash is a path`() {
        let search = ExecutableSearch(besides: nil, path: "/bin")
        #expect(search.locate("/bin/sh") == "/bin/sh")
        #expect(search.locate("./sh", from: "/bin") == "./sh")
        #expect(search.locate("./sh", from: "/etc") == nil)
    }

    @Test func `nothing is found where nothing is`() {
        let search = ExecutableSearch(besides: nil, path: "/bin")
        #expect(search.locate("") == nil)
        #expect(search.locate("no-such-program") == nil)
        // A directory is no program.
        #expect(ExecutableSearch(besides: nil, path: "/usr").locate("bin") == nil)
    }

    @Test func `empty elements of PATH are left out`() {
        #expect(ExecutableSearch(besides: "/own", path: ":/a::/b:").directories == ["/own", "/a", "/b"])
        #expect(ExecutableSearch(besides: nil, path: nil).directories == ["/usr/local/bin", "/usr/bin", "/bin"])
    }

    @Test func `our own directory is known`() throws {
        let directory = try #require(ExecutableSearch.ownDirectory)
        #expect(FileManager.default.fileExists(atPath: directory))
    }
}
