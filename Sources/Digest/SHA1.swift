private import Bytes
private import COpenSSL

/// SHA-1, for names that others have made with it. It proves nothing about what it was made of.
package enum SHA1 {
    /// The digest of a message in lower-case hexadecimal.
    package static func hexadecimal(of message: Span<UInt8>) -> String {
        var digest = InlineArray<20, UInt8>(repeating: 0)
        var bytes = digest.mutableSpan
        let succeeded = unsafe message.withUnsafeBytes { message in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                // SAFETY: the library reads the message within this call, and writes 20 bytes, which the array holds.
                unsafe EVP_Digest(message.baseAddress, message.count, bytes.baseAddress, nil, EVP_sha1(), nil)
            }
        }
        precondition(succeeded == 1, "SHA-1 failed")
        var text = ByteBuffer()
        text.append(hexadecimalOf: digest.span)
        return text.string()
    }
}
