internal import JSON

/// What an issuer says of itself (OpenID Connect Discovery 1.0 §3).
package enum DiscoveryDocument {
    /// Where the document of an issuer is (§4): what is appended to its URL.
    package static var path: String { "/.well-known/openid-configuration" }

    /// The URL of the issuer's keys, as the document has it.
    package static func keySetURL(in bytes: Span<UInt8>, of issuer: String) throws(KeySetError) -> String {
        let document = try JSONValue.ofIssuer(bytes)
        // §4.3: "The issuer value returned MUST be identical to the Issuer URL".
        guard document["issuer"]?.string == issuer else { throw .otherIssuer(document["issuer"]?.string) }
        guard let url = document["jwks_uri"]?.string else { throw .noLocation }
        return url
    }
}
