/// The page of the demo, itself sent in pieces.
///
/// A browser shows each piece as it comes, and each notes when that was, so that the page proves on itself what it is
/// about. Everything is inside: no other file, font or host is asked for.
enum Page {
    /// The pieces, in order. Each but the first waits a moment, as if a database had been asked.
    static let pieces: [String] = [opening, comparison, chat, download, closing]

    /// Sends the pieces, a quarter of a second apart.
    static func stream(to invocation: Invocation, over connection: inout RuntimeConnection) throws(RuntimeFailure) {
        connection.beginStream(
            to: invocation,
            prelude: """
                {"statusCode":200,"headers":{"content-type":"text/html; charset=utf-8","cache-control":"no-store",\
                "x-content-type-options":"nosniff","referrer-policy":"no-referrer",\
                "content-security-policy":"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}}
                """)
        var pace = Pace(milliseconds: 250)
        for (index, piece) in self.pieces.enumerated() {
            if index > 0 { pace.waitForNext() }
            try connection.send(piece.utf8.span)
        }
        try connection.endStream()
    }
}
