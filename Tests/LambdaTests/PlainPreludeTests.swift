import Lambda
import Testing

/// The short way to read a head answers what the long way answers, or nothing.
struct PlainPreludeTests {
    @Test(arguments: [
        #"{"statusCode":200,"headers":{"content-type":"text/plain"}}"#,
        #"{"statusCode":599,"headers":{"Content-Length":"5","x-a":"","x-a":" b "}}"#,
        #"{"statusCode":204,"headers":{"connection":"x-b","x-b":"1","proxy-c":"2"}}"#,
    ])
    func `a head of the usual shape is read the same both ways`(text: String) throws {
        #expect(try PreludeHead(plain: text.utf8.span) == PreludeHead(parsing: text.utf8.span))
    }

    @Test(arguments: [
        "", "{}", #"{"statusCode":200,"headers":{}}"#, #"{"statusCode":200,"headers":{"a":"b"}} "#,
        #"{"statusCode":200,"headers":{"a":"b",}}"#, #"{"statusCode":200,"headers":{"a":"b"}"#,
        #"{"statusCode":200,"headers":{"a":"b"},"cookies":[]}"#, #"{"statusCode":200,"headers":{"a":1}}"#,
        #"{"statusCode":200,"headers":{"a":"\u0062"}}"#, #"{"statusCode":200,"headers":{"a":"é"}}"#,
        #"{"statusCode":199,"headers":{"a":"b"}}"#, #"{"statusCode":2e2,"headers":{"a":"b"}}"#,
        #"{"statusCode":200,"headers":{"a" :"b"}}"#, #"{"statusCode":200,"headers":{"aaaaaa":"b"#,
        #"{"statusCode":200,"headers":{"aaaaaaaa""#,
    ])
    func `any other head is left to the long way`(text: String) {
        #expect(PreludeHead(plain: text.utf8.span) == nil)
    }
}
