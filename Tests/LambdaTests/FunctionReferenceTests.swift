import Lambda
import Testing

@Suite struct FunctionReferenceTests {
    @Test(
        arguments: [
            ("fn", nil, "fn", "", nil, nil, nil), ("fn", "live", "fn", "Qualifier=live", "live", nil, nil),
            ("fn", "$LATEST", "fn", "Qualifier=%24LATEST", "$LATEST", nil, nil),
            ("fn:live", nil, "fn%3Alive", "", "live", nil, nil), ("fn:live", "live", "fn%3Alive", "", "live", nil, nil),
            ("fn:$LATEST.PUBLISHED", nil, "fn%3A%24LATEST.PUBLISHED", "", "$LATEST.PUBLISHED", nil, nil),
            ("a.b-c_D9", nil, "a.b-c_D9", "", nil, nil, nil),
            ("123456789012:function:fn", nil, "123456789012%3Afunction%3Afn", "", nil, nil, "123456789012"),
            ("123456789012:function:fn:7", nil, "123456789012%3Afunction%3Afn%3A7", "", "7", nil, "123456789012"),
            (
                "eu-west-1:123456789012:function:fn", nil, "eu-west-1%3A123456789012%3Afunction%3Afn", "", nil,
                "eu-west-1",
                "123456789012"
            ),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:my-fn", "$LATEST",
                "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Amy-fn", "Qualifier=%24LATEST", "$LATEST",
                "us-east-1", "123456789012"
            ),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:fn:live", nil,
                "arn%3Aaws-us-gov%3Alambda%3Aus-gov-west-1%3A123456789012%3Afunction%3Afn%3Alive", "", "live",
                "us-gov-west-1", "123456789012"
            ),
            (
                "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:fn", nil,
                "arn%3Aaws-eusc%3Alambda%3Aeusc-de-east-1%3A123456789012%3Afunction%3Afn", "", nil, "eusc-de-east-1",
                "123456789012"
            ),
        ] as [(String, String?, String, String, String?, String?, String?)])
    func `every form is sent as it was given`(
        text: String, beside: String?, segment: String, query: String, qualifier: String?, region: String?,
        account: String?
    ) throws {
        let reference = try FunctionReference(parsing: text, qualifier: beside)
        #expect(reference.streamingPath == "/2021-11-15/functions/\(segment)/response-streaming-invocations")
        #expect(reference.bufferedPath == "/2015-03-31/functions/\(segment)/invocations")
        #expect(reference.query == query)
        #expect(reference.qualifier == qualifier)
        #expect(reference.region == region)
        #expect(reference.account == account)
        #expect(reference.description == (query.isEmpty ? text : "\(text):\(qualifier ?? "")"))
    }

    @Test(
        arguments: [
            ("", nil, .empty), (String(repeating: "a", count: 257), nil, .tooLong(257, limit: 256)),
            (String(repeating: "a", count: 65), nil, .nameTooLong(65, limit: 64)), ("a b", nil, .badName("a b")),
            ("a/b", nil, .badName("a/b")), (":a", nil, .badName(":a")), ("é", nil, .badName("é")),
            ("fn:", nil, .badQualifier("")), ("fn:a b", nil, .badQualifier("a b")),
            ("fn:$NEXT", nil, .badQualifier("$NEXT")),
            ("fn", "", .badQualifier("")), ("fn:a", "b", .differentQualifiers("a", "b")),
            ("fn:a:b", nil, .unexpectedPart("b")), ("123456789012:fn", nil, .missingFunctionKeyword),
            ("arn:aws:lambda:us-east-1:123456789012", nil, .incompleteARN),
            ("arn:aws:s3:us-east-1:123456789012:function:x", nil, .notLambda(service: "s3")),
            ("arn:aws:lambda:us-east-1:123456789012:layer:x", nil, .notFunction(resource: "layer")),
            ("arn:aws:lambda:mars:123456789012:function:x", nil, .badRegion("mars")),
            ("arn:aws:lambda:us-east-1:12345:function:x", nil, .badAccount("12345")),
            ("arn:gcp:lambda:us-east-1:123456789012:function:x", nil, .badPartition("gcp")),
            ("fn", String(repeating: "q", count: 129), .badQualifier(String(repeating: "q", count: 129))),
        ] as [(String, String?, FunctionReferenceError)])
    func `what names no function says why`(text: String, beside: String?, error: FunctionReferenceError) {
        #expect(throws: error) { () throws(FunctionReferenceError) in
            try FunctionReference(parsing: text, qualifier: beside)
        }
        #expect(!error.description.isEmpty)
    }

    /// The fuzzer found one: strangers name functions, too, to the Lambda on this machine.
    @Test(arguments: ["a\nb", "arn:a\rb:lambda:x:y:function:z", "fn:\u{2028}"])
    func `why is said on one line`(text: String) throws {
        do throws(FunctionReferenceError) {
            _ = try FunctionReference(parsing: text)
            Issue.record("a function: \(text)")
        } catch {
            let lines = error.description.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            #expect(lines.count == 1)
        }
    }
}
