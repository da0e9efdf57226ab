internal import JSON

/// What an issuer says of itself (OpenID Connect Discovery 1.0 §3).
package enum DiscoveryDocument {
    /// Where the document of an issuer is (§4): what is appended to its URL.
    package static var path: String { "/.well-known/openid-configuration" }

    /// The URL of the issuer's keys, as the document has it.
    package static func keySetURL(in bytes: Span<UInt8>, of issuer: String) throws(KeySetError) -> String {
        guard bytes.count <= KeySet.longestDocument else { throw .tooLong(bytes.count) }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(
                parsing: bytes, limits: JSONLimits(depth: 16, values: 20_000, refusesRepeatedKeys: true))
        } catch {
            throw .notJSON(error)
        }
        // §4.3: "The issuer value returned MUST be identical to the Issuer URL".
        guard document["issuer"]?.string == issuer else { throw .otherIssuer(document["issuer"]?.string) }
        guard let url = document["jwks_uri"]?.string else { throw .noLocation }
        return url
    }
}
