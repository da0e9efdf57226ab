/// Server-sent events, token by token, as a language model answers.
enum Chat {
    static let text = """
        A language model does not know its whole answer when it begins. It finds one token, then the next, and each one \
        is worth showing at once. So the function writes a token, Lambda passes it on as a chunk, and the gateway hands \
        that chunk to you in the same moment, without waiting for the one that follows. What you see here arrives as \
        server-sent events, one for each token, over one plain HTTP answer.
        """

    /// The text cut as a tokeniser might: a word with the space before it, long words in two.
    static var tokens: [Substring] {
        var tokens: [Substring] = []
        var rest = self.text[...]
        while !rest.isEmpty {
            let word = rest.prefix { $0 == " " } + rest.drop { $0 == " " }.prefix { $0 != " " }
            let length = word.count > 8 ? word.count / 2 : word.count
            tokens.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return tokens
    }

    /// Sends an event for each token and a last one named `done`.
    static func stream(to invocation: Invocation, over connection: inout RuntimeConnection) throws(RuntimeFailure) {
        connection.beginStream(
            to: invocation,
            prelude: """
                {"statusCode":200,"headers":{"content-type":"text/event-stream","cache-control":"no-store"}}
                """)
        var pace = Pace(milliseconds: 45)
        for (index, token) in self.tokens.enumerated() {
            pace.waitForNext()
            try connection.send("id: \(index)\ndata: {\"token\":\"\(token)\"}\n\n".utf8.span)
        }
        try connection.send("event: done\ndata: {}\n\n".utf8.span)
        try connection.endStream()
    }
}
