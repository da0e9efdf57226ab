import Foundation
import TLS

/// Certificates and keys that the `openssl` command makes once for each run of the tests.
enum Certificates {
    private static let directory: URL = {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("sluice-tls-tests-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-euc", Self.script]
            process.currentDirectoryURL = directory
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardInput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { fatalError("the openssl command failed") }
        } catch {
            fatalError("no certificates: \(error)")
        }
        atexit { try? FileManager.default.removeItem(at: Certificates.directory) }
        return directory
    }()

    /// Where the files are, for commands.
    static func path(_ file: String) -> String { self.directory.appendingPathComponent(file).path }

    /// The bytes of a file.
    static func bytes(_ file: String) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: self.path(file)) else { fatalError("no \(file)") }
        return Array(data)
    }

    /// Certificate and key of one name.
    static func source(_ name: String, key: String? = nil, passphrase: String? = nil) -> CertificateSource {
        CertificateSource(
            certificate: self.bytes("\(name).pem"), key: self.bytes("\(key ?? name).key"),
            passphrase: passphrase.map { Array($0.utf8) }, certificateFile: "\(name).pem",
            keyFile: "\(key ?? name).key")
    }

    /// `ec`, `rsa` and `weak` make keys; `root` an authority; `leaf NAME ISSUER DAYS SUBJECT EXTENSIONS` a certificate.
    private static let script = #"""
        ec() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
        root() { ec "$1"; openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days 30 -out "$1.pem"; }
        leaf() {
            openssl req -new -utf8 -key "$1.key" -subj "$4" -out "$1.csr"
            printf "basicConstraints=critical,%s\n%s\n" "${6:-CA:FALSE}" "$5" > "$1.ext"
            openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days "$3" ${7:+-set_serial "$7"} \
                -extfile "$1.ext" -out "$1.pem"
        }
        openssl genrsa -out a-rsa.key 2048 &
        openssl genrsa -out weak.key 1024 &
        root ca "Test Authority"
        root other "Other Authority"
        root clients "Client Authority"
        ec a; leaf a ca 20 /CN=a "subjectAltName=DNS:a.example,DNS:WWW.a.example"
        ec b; leaf b ca 20 /CN=b "subjectAltName=DNS:*.b.example,DNS:b.example"
        ec exact; leaf exact ca 20 /CN=exact "subjectAltName=DNS:exact.b.example"
        ec middle; leaf middle ca 20 "/CN=Middle Authority" "" CA:TRUE
        ec chain; leaf chain middle 20 /CN=chain "subjectAltName=DNS:chain.example"
        cat chain.pem middle.pem > full.pem; cp chain.key full.key
        cat chain.pem ca.pem middle.pem > mixed.pem; cp chain.key mixed.key
        cat chain.key middle.pem chain.pem > combined.pem
        ec expired; leaf expired ca -1 /CN=expired "subjectAltName=DNS:expired.example"
        ec self; openssl req -x509 -new -key self.key -subj /CN=self -days 9 -addext subjectAltName=DNS:self.example \
            -out self.pem
        ec address; leaf address ca 20 /CN=address "subjectAltName=IP:127.0.0.1,IP:::1,DNS:local.example"
        ec common; leaf common ca 20 /CN=common.example ""
        ec nameless; leaf nameless ca 20 "/CN=no host name" ""
        ec foreign; leaf foreign other 20 /CN=foreign "subjectAltName=DNS:a.example"
        ec client; leaf client clients 20 "/C=GB/O=Ex\, Ample/CN=Jörg" "" "" 0xa10b22
        ec gone; leaf gone clients -1 /CN=gone ""
        ec stranger; leaf stranger other 20 /CN=stranger ""
        openssl ec -in a.key -aes256 -passout pass:secret -out sealed.key; cp a.pem sealed.pem
        openssl pkcs8 -topk8 -in a.key -passout pass:secret -out sealed8.key; cp a.pem sealed8.pem
        wait
        leaf a-rsa ca 20 /CN=a-rsa "subjectAltName=DNS:a.example,DNS:www.a.example"
        leaf weak ca 20 /CN=weak "subjectAltName=DNS:weak.example"
        """#
}
