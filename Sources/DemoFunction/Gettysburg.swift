/// The Gettysburg Address, as slowly as it was spoken: one sentence a second.
enum Gettysburg {
    /// Abraham Lincoln, 19 November 1863, in the text of the Bliss copy, the only one that he signed. Two of the eight
    /// pieces join two short sentences.
    static let sentences: [String] = [
        """
        Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, \
        and dedicated to the proposition that all men are created equal.
        """,
        """
        Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived and so \
        dedicated, can long endure.
        """,
        """
        We are met on a great battle-field of that war. We have come to dedicate a portion of that field, as a final \
        resting place for those who here gave their lives that that nation might live.
        """,
        """
        It is altogether fitting and proper that we should do this. But, in a larger sense, we can not dedicate—we can \
        not consecrate—we can not hallow—this ground.
        """,
        """
        The brave men, living and dead, who struggled here, have consecrated it, far above our poor power to add or \
        detract.
        """,
        """
        The world will little note, nor long remember what we say here, but it can never forget what they did here.
        """,
        """
        It is for us the living, rather, to be dedicated here to the unfinished work which they who fought here have \
        thus far so nobly advanced.
        """,
        """
        It is rather for us to be here dedicated to the great task remaining before us—that from these honored dead we \
        take increased devotion to that cause for which they gave the last full measure of devotion—that we here highly \
        resolve that these dead shall not have died in vain—that this nation, under God, shall have a new birth of \
        freedom—and that government of the people, by the people, for the people, shall not perish from the earth.
        """,
    ]

    /// Sends each sentence when it is due.
    static func stream(to invocation: Invocation, over connection: inout RuntimeConnection) throws(RuntimeFailure) {
        connection.beginStream(
            to: invocation,
            prelude: #"{"statusCode":200,"headers":{"content-type":"text/plain; charset=utf-8"}}"#)
        var pace = Pace(milliseconds: 1000)
        for sentence in self.sentences {
            pace.waitForNext()
            try connection.send("\(sentence)\n".utf8.span)
        }
        try connection.endStream()
    }

    /// Takes the same time, and says everything at its end.
    static func respond(to invocation: Invocation, over connection: inout RuntimeConnection) throws(RuntimeFailure) {
        var pace = Pace(milliseconds: 1000)
        for _ in self.sentences { pace.waitForNext() }
        // The text has no character that JSON would have escaped but the line feeds.
        let body = self.sentences.map { "\($0)\\n" }.joined()
        try connection.respond(
            to: invocation,
            json: """
                {"statusCode":200,"headers":{"content-type":"text/plain; charset=utf-8"},"body":"\(body)"}
                """)
    }
}
