import Bytes
import Foundation
import JSON

/// The cases of a file under `Tests/Vectors/aws`; `make_vectors.py` there says where they come from.
func vectors(_ name: String) throws -> [JSONValue] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/aws/\(name)")
    let bytes = [UInt8](try Data(contentsOf: file))
    return try JSONValue(parsing: bytes.span).array ?? []
}
