import Testing

/// An error of the gateway's own: a problem document, whole, with the request's id in it and beside it.
func expectProblem(_ answer: Answer, _ status: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(answer.status == status, sourceLocation: sourceLocation)
    #expect(answer.end == .whole, sourceLocation: sourceLocation)
    #expect(answer["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
    let problem = try answer.problem
    #expect(problem["status"]?.int == status, sourceLocation: sourceLocation)
    #expect(problem["requestId"]?.string == answer["x-request-id"], sourceLocation: sourceLocation)
    #expect(answer["x-request-id"]?.count == 36, sourceLocation: sourceLocation)
}

/// That the bytes are one answer of this status and nothing else.
func expectOneAnswer(_ bytes: [UInt8], _ statuses: Set<Int>, sourceLocation: SourceLocation = #_sourceLocation) {
    var reader = AnswerReader(method: "GET")
    reader.feed(bytes)
    #expect(statuses.contains(reader.answer.status), "\(reader.answer.summary)", sourceLocation: sourceLocation)
    #expect(reader.answer.end == .whole, sourceLocation: sourceLocation)
    #expect(reader.rest.isEmpty, "\(String(decoding: reader.rest, as: UTF8.self))", sourceLocation: sourceLocation)
    #expect(reader.answer["connection"] == "close", sourceLocation: sourceLocation)
}
