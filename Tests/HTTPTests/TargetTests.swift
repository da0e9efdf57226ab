import Bytes
import TestSupport
import Testing

@testable import HTTP

@Suite struct TargetTests {
    private func target(_ text: String, method: Method = .get) throws(RequestFault) -> Target {
        try Target(requestTarget: Array(text.utf8).span, method: method)
    }

    private func reason(_ text: String) -> TargetFault? {
        do {
            _ = try self.target(text)
            return nil
        } catch {
            if case .target(let fault) = error.reason { return fault }
            Issue.record(error)
            return nil
        }
    }

    @Test(arguments: [
        ("/", "/", "/"),
        ("/a/b", "/a/b", "/a/b"),
        ("/a/b/", "/a/b/", "/a/b/"),
        // RFC 3986 §6.2.2.1 and §6.2.2.2: digits of encodings in capitals, unreserved characters decoded.
        ("/%7euser", "/~user", "/~user"),
        ("/%41%2d%2E%5f", "/A-._", "/A-._"),
        ("/a%2fb", "/a%2Fb", "/a%2Fb"),
        ("/%c3%a4", "/%C3%A4", "/%C3%A4"),
        ("/capture/space%20value", "/capture/space%20value", "/capture/space%20value"),
        ("/a%0d%0ab", "/a%0D%0Ab", "/a%0D%0Ab"),
        ("/a%25b", "/a%25b", "/a%25b"),
        ("/100%25", "/100%25", "/100%25"),
        ("/a+b;c=d,e@f:g!$&'()*", "/a+b;c=d,e@f:g!$&'()*", "/a+b;c=d,e@f:g!$&'()*"),
        ("/a|b^{c}\"<>`", "/a|b^{c}\"<>`", "/a|b^{c}\"<>`"),
        ("/a\\b", "/a\\b", "/a\\b"),
        // Slashes are kept for functions and merged for routes.
        ("//", "//", "/"),
        ("//a///b//", "//a///b//", "/a/b/"),
        ("//evil.example/a", "//evil.example/a", "/evil.example/a"),
        // RFC 3986 §5.2.4, also where the dots are encoded.
        ("/a/./b", "/a/b", "/a/b"),
        ("/a/../b", "/b", "/b"),
        ("/a/.", "/a/", "/a/"),
        ("/a/..", "/", "/"),
        ("/..", "/", "/"),
        ("/.", "/", "/"),
        ("/../../a", "/a", "/a"),
        ("/a/b/c/./../../g", "/a/g", "/a/g"),
        ("/a/%2e%2e/b", "/b", "/b"),
        ("/a/.%2E/b", "/b", "/b"),
        ("/a/%2e/b", "/a/b", "/a/b"),
        // A dot segment merges the slashes too, before it is resolved.
        ("/a//../b", "/b", "/b"),
        ("/a//b/./c//d", "/a/b/c/d", "/a/b/c/d"),
        ("//a/..", "/", "/"),
        // No dot segments.
        ("/.well-known/x", "/.well-known/x", "/.well-known/x"),
        ("/...", "/...", "/..."),
        ("/a..b/..c/d..", "/a..b/..c/d..", "/a..b/..c/d.."),
    ])
    func `a path has one form`(sent: String, path: String, routingPath: String) throws {
        let target = try self.target(sent)
        #expect(target.path == path)
        #expect(target.routingPath == routingPath)
        #expect(try self.target(sent + "?q/../%").query == "q/../%")
    }

    @Test(arguments: [
        "/public/%2e%2e%2fprivate", "/public/..%2fprivate", "/public/..%2Fprivate", "/public%2f../private",
        "/public%2f..%2fprivate", "/public/..%5cprivate", "/public/..\\private", "/public\\..\\private",
        "/public/%5c../private", "/public%5c..", "/public/%252e%252e/private", "/public/%252e%252e%252fprivate",
        "/public/..%252fprivate", "/public/%25252e%25252e/x", "/public/%25%32%65%25%32%65/x", "/public/..;/private",
        "/public/..;a=b/private", "/public/%2e%2e;/private", "/public/%c0%ae%c0%ae/private", "/public/..%c0%afprivate",
        "/public/..%c1%9cprivate", "/public/%e0%80%ae%e0%80%ae/private", "/public/%f0%80%80%ae./private",
        "/public/.%252e/private", "/public/x%2f%2e%2e", "/%2f..", "/%5c..",
        "/%\(String(repeating: "25", count: 9))2e",
    ])
    func `a dot segment that hides is refused`(path: String) {
        #expect(self.reason(path) == .hiddenDotSegment)
    }

    @Test(arguments: [
        ("/a%00", TargetFault.encodedNUL), ("/%", .percentEncoding), ("/%4", .percentEncoding),
        ("/%g0", .percentEncoding),
        ("/%%41", .percentEncoding), ("/a#", .fragment), ("/a b", .invalidByte(0x20)), ("/a?b c", .invalidByte(0x20)),
        ("/a\u{7f}", .invalidByte(0x7f)), ("", .form), ("a", .form), ("*", .form), ("?a", .form),
    ])
    func `what is no target`(text: String, fault: TargetFault) {
        #expect(self.reason(text) == fault)
    }

    @Test func `all that an encoded path can hide is resolved, kept encoded or refused`() throws {
        // Every way to write each byte of "/p/../s", over all ways of the others that matter.
        let dots = [".", "%2e", "%2E", "%252e", "%25252e", "%c0%ae"]
        let slashes = ["/", "//", "%2f", "%2F", "\\", "%5c", "%252f", "/./", "/%2e/"]
        for first in dots {
            for second in dots {
                for before in slashes {
                    for after in slashes {
                        let sent = "/p\(before)\(first)\(second)\(after)s"
                        guard let target = try? self.target(sent) else { continue }
                        // Taken only where it was resolved, and so is routed where a function finds it.
                        #expect(target.path == "/s" && target.routingPath == "/s", "\(sent)")
                    }
                }
            }
        }
    }

    @Test(arguments: UInt64(0)..<20)
    func `canonicalising a canonical path changes nothing`(seed: UInt64) throws {
        let pieces = [
            "/", "/", "//", ".", "..", "/.", "/..", "a", "b", "%2e", "%2E", "%2f", "%5C", "%25", "%41", "%c3%a4", "%20",
            "%7E", ";", ":", "@", "\\",
            "%", "%3", "2e", "~", "=", "&",
        ]
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 { try self.checkCanonical(Self.path(of: pieces, &random)) }
    }

    private static func path(of pieces: [String], _ random: inout SeededRandom) -> String {
        let count = Int.random(in: 0...12, using: &random)
        return "/" + (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined()
    }

    private func checkCanonical(_ sent: String) throws {
        let target: Target
        do {
            target = try self.target(sent)
        } catch {
            #expect(error.status == 400)
            return
        }
        #expect(try self.target(target.path) == target, "\(sent)")
        let routing = try self.target(target.routingPath)
        #expect(routing.path == target.routingPath && routing.routingPath == target.routingPath, "\(sent)")
        #expect(!target.routingPath.contains("//"))
        for path in [target.path, target.routingPath] {
            #expect(path.hasPrefix("/"))
            #expect(!path.split(separator: "/").contains { $0 == "." || $0 == ".." }, "\(sent)")
        }
    }
}
