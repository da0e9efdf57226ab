import Foundation

/// One step of what a function of the fake answers; `Support/fake_lambda.py` explains each.
enum Step: Sendable {
    case answer(Int, [String: String] = [:], String = "")
    case plain(Int, [String: String] = [:])
    case head
    case payload([UInt8])
    /// A message with this payload, up to a byte of the payload, or before it.
    case cut([UInt8], at: Int)
    /// What a cut has left over.
    case rest
    case message([String: String], [UInt8] = [])
    case damaged(Damage, [UInt8])
    case raw([UInt8])
    case complete(JSONDocument)
    case end
    case bulk(Int, seed: Int, piece: Int)
    case gate
    case pause(Double)
    case forever
    case close
    /// With HTTP/2 of the stream alone.
    case reset
    /// With HTTP/2: the stream is refused.
    case refuse
    /// With HTTP/2: the request is wanted over HTTP/1.1. With HTTP/1.1: nothing.
    case requireHTTP1
    /// With HTTP/2: the connection takes no more streams; this one is the last, or is left out.
    case goAway(stays: Bool)

    enum Damage: String {
        case message, prelude
    }

    /// A payload of text.
    static func text(_ text: String) -> Step { .payload(Array(text.utf8)) }

    /// A prelude and eight NULs.
    static func prelude(_ json: String) -> Step {
        .payload(Array(json.utf8) + [UInt8](repeating: 0, count: 8))
    }

    /// The clean end of an invocation.
    static var done: Step { .complete([:]) }

    var document: JSONDocument {
        switch self {
        case .answer(let status, let fields, let body):
            ["answer", .number(Double(status)), .object(fields.mapValues { .string($0) }), .string(body)]
        case .plain(let status, let fields):
            ["plain", .number(Double(status)), .object(fields.mapValues { .string($0) })]
        case .head: ["head"]
        case .payload(let bytes): ["payload", Self.base64(bytes)]
        case .cut(let bytes, let count): ["cut", Self.base64(bytes), .number(Double(count))]
        case .rest: ["rest"]
        case .message(let headers, let payload):
            ["message", .object(headers.mapValues { .string($0) }), Self.base64(payload)]
        case .damaged(let damage, let bytes): ["damaged", .string(damage.rawValue), Self.base64(bytes)]
        case .raw(let bytes): ["raw", Self.base64(bytes)]
        case .complete(let document): ["complete", document]
        case .end: ["end"]
        case .bulk(let count, let seed, let piece):
            ["bulk", .number(Double(count)), .number(Double(seed)), .number(Double(piece))]
        case .gate: ["gate"]
        case .pause(let seconds): ["pause", .number(seconds)]
        case .forever: ["forever"]
        case .close: ["close"]
        case .reset: ["reset"]
        case .refuse: ["refuse"]
        case .requireHTTP1: ["require_http1"]
        case .goAway(let stays): ["goaway", .bool(stays)]
        }
    }

    private static func base64(_ bytes: [UInt8]) -> JSONDocument {
        .string(Data(bytes).base64EncodedString())
    }
}
