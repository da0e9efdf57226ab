private import COpenSSL
private import Glibc

/// The authorities that the system trusts: where the library's own settings, `SSL_CERT_FILE` and `SSL_CERT_DIR` say.
package enum SystemAuthorities {
    /// The file and the directory that hold them, as far as they are there. Who adds or withdraws one changes both.
    package static var paths: [String] {
        [
            unsafe Self.path(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
            unsafe Self.path(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()),
        ].compactMap(\.self)
    }

    /// Makes a context trust them.
    static func trust(by context: LibraryObject) throws(TLSLoadFault.Reason) {
        let succeeded =
            unsafe Self.directorySuffices
            ? SSL_CTX_set_default_verify_dir(context.pointer) : SSL_CTX_set_default_verify_paths(context.pointer)
        guard succeeded == 1 else { throw .refused(detail: LibraryErrors.drain().text) }
    }

    /// Whether the directory has everything that the file has: it is the collection that `update-ca-certificates`
    /// makes, with a link for each certificate of the file beside it.
    ///
    /// PERF: reading the file takes 10 to 20 ms and 1.5 MiB for each context, at the start, when it matters. Out of a
    /// directory with hashed names the library takes what a certificate asks for.
    private static let directorySuffices: Bool = {
        guard
            let file = unsafe Self.path(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
            let directory = unsafe Self.path(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()),
            file == directory + "/ca-certificates.crt"
        else { return false }
        let needed = Self.certificates(inFile: file)
        return needed > 0 && Self.certificates(inDirectory: directory) >= needed
    }()

    /// The path that a variable names, or else the default, without symbolic links; `nil` where there is nothing.
    private static func path(_ variable: UnsafePointer<CChar>?, _ standard: UnsafePointer<CChar>?) -> String? {
        guard let variable = unsafe variable, let standard = unsafe standard else { return nil }
        guard let resolved = unsafe realpath(getenv(variable) ?? UnsafeMutablePointer(mutating: standard), nil) else {
            return nil
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func certificates(inFile path: String) -> Int {
        guard let file = unsafe fopen(path, "re") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        var count = 0
        while unsafe fgets(&line, CInt(line.count), file) != nil {
            if unsafe strncmp(line, "-----BEGIN", 10) == 0 { count += 1 }
        }
        return count
    }

    private static func certificates(inDirectory path: String) -> Int {
        guard let directory = unsafe opendir(path) else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while let entry = unsafe readdir(directory) {
            // Eight digits of the hash, a dot, and a number for each certificate of that hash.
            let isHashed = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
                unsafe name[..<8].allSatisfy { isxdigit(CInt($0)) != 0 } && name[8] == UInt8(ascii: ".")
                    && isdigit(CInt(name[9])) != 0
            }
            if isHashed { count += 1 }
        }
        return count
    }
}
