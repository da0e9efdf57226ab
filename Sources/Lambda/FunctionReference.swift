private import AWS
internal import Bytes

/// The name of a Lambda function as the Invoke APIs take it: a bare name, an account and a name, or an ARN, each with
/// or without a version, alias, `$LATEST` or `$LATEST.PUBLISHED`.
///
/// The form that was given is the form that is sent: IAM policies, tests and logs speak of the function in the
/// operator's own words.
package struct FunctionReference: Sendable, Hashable {
    /// The reference as it was given.
    package let text: String
    /// The function's own name.
    package let name: String
    /// Version or alias, from the reference or from beside it.
    package let qualifier: String?
    /// `aws`, `aws-cn` and so on, where the reference says it.
    package let partition: String?
    /// The region in which the function lives, where the reference says it.
    package let region: String?
    /// The account to which the function belongs, where the reference says it.
    package let account: String?

    /// The path of InvokeWithResponseStream, as it goes onto the wire.
    package let streamingPath: String
    /// The path of the buffered Invoke, as it goes onto the wire.
    package let bufferedPath: String
    /// The query of both, without `?`; empty where the reference itself holds the qualifier or there is none.
    package let query: String

    /// Reads a reference and a qualifier given beside it. Where both name a qualifier it must be the same one.
    package init(parsing text: String, qualifier: String? = nil) throws(FunctionReferenceError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= 256 else { throw .tooLong(text.utf8.count, limit: 256) }
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)[...]

        // [arn:partition:lambda:] [region:] [account:] [function:] name [:qualifier]
        var partition: String?
        if parts.first == "arn" {
            guard parts.count >= 7 else { throw .incompleteARN }
            partition = parts[1]
            guard Self.isPartition(parts[1]) else { throw .badPartition(parts[1]) }
            guard parts[2] == "lambda" else { throw .notLambda(service: parts[2]) }
            guard Self.isRegion(parts[3]) else { throw .badRegion(parts[3]) }
            guard Self.isAccount(parts[4]) else { throw .badAccount(parts[4]) }
            guard parts[5] == "function" else { throw .notFunction(resource: parts[5]) }
            parts = parts.dropFirst(3)
        }
        var region: String?
        if let first = parts.first, parts.count >= 3, Self.isRegion(first) {
            region = first
            parts = parts.dropFirst()
        }
        var account: String?
        if let first = parts.first, parts.count >= 2, Self.isAccount(first) {
            account = first
            parts = parts.dropFirst()
        }
        if parts.first == "function", parts.count >= 2 {
            parts = parts.dropFirst()
        } else if account != nil || region != nil {
            throw .missingFunctionKeyword
        }
        guard let name = parts.popFirst(), Self.isName(name) else { throw .badName(text) }
        guard name.utf8.count <= 64 else { throw .nameTooLong(name.utf8.count, limit: 64) }
        let ownQualifier = parts.popFirst()
        if let extra = parts.first { throw .unexpectedPart(extra) }
        if let ownQualifier, !Self.isQualifier(ownQualifier) { throw .badQualifier(ownQualifier) }
        if let qualifier, !Self.isQualifier(qualifier) { throw .badQualifier(qualifier) }
        if let ownQualifier, let qualifier, ownQualifier != qualifier {
            throw .differentQualifiers(ownQualifier, qualifier)
        }

        self.text = text
        self.name = name
        self.qualifier = ownQualifier ?? qualifier
        self.partition = partition
        self.region = region
        self.account = account
        let segment = text.percentEncoded
        self.streamingPath = "/2021-11-15/functions/\(segment)/response-streaming-invocations"
        self.bufferedPath = "/2015-03-31/functions/\(segment)/invocations"
        self.query = ownQualifier == nil ? qualifier.map { "Qualifier=\($0.percentEncoded)" } ?? "" : ""
    }
}

extension FunctionReference: CustomStringConvertible {
    /// The reference with its qualifier.
    package var description: String {
        guard let qualifier = self.qualifier, !self.query.isEmpty else { return self.text }
        return "\(self.text):\(qualifier)"
    }
}

/// The pieces of the pattern that the Lambda API states for function names.
extension FunctionReference {
    private static func isPartition(_ text: String) -> Bool {
        text.hasPrefix("aws") && text.utf8.dropFirst(3).allSatisfy { ASCII.isLetter($0) || $0 == ASCII.minus }
    }

    /// `eu-west-1`, `us-gov-east-1`, `us-isob-east-1`, `eusc-de-east-1`.
    private static func isRegion(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: ASCII.minus, omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, let last = parts.last else { return false }
        return (1...2).contains(last.count) && last.allSatisfy(ASCII.isDigit)
            && parts.dropLast().allSatisfy { part in
                !part.isEmpty && part.allSatisfy { ASCII.isLetter($0) && $0 >= 0x60 }
            }
    }

    private static func isAccount(_ text: String) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy(ASCII.isDigit)
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore
                    || $0 == ASCII.dot
            }
    }

    private static func isQualifier(_ text: String) -> Bool {
        if text == "$LATEST" || text == "$LATEST.PUBLISHED" { return true }
        return (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == ASCII.minus || $0 == ASCII.underscore
            }
    }
}

/// Why a text names no function.
package enum FunctionReferenceError: Error, Equatable, Sendable {
    case empty
    case tooLong(Int, limit: Int)
    /// An ARN of a function has at least seven parts.
    case incompleteARN
    case badPartition(String)
    /// An ARN of another service.
    case notLambda(service: String)
    case badRegion(String)
    case badAccount(String)
    /// An ARN of something in Lambda that cannot be invoked, such as a layer.
    case notFunction(resource: String)
    /// An account or region is followed by something else than `function:`.
    case missingFunctionKeyword
    case badName(String)
    case nameTooLong(Int, limit: Int)
    case badQualifier(String)
    /// The reference names one qualifier, and another one stands beside it.
    case differentQualifiers(String, String)
    /// Something follows the qualifier.
    case unexpectedPart(String)
}

extension FunctionReferenceError: CustomStringConvertible {
    /// What is wrong, in one line, whatever stands in the reference.
    package var description: String { self.text.onOneLine }

    private var text: String {
        switch self {
        case .empty: "the function has no name"
        case .tooLong(let count, let limit): "a function reference has at most \(limit) characters, this one \(count)"
        case .incompleteARN: "the ARN is incomplete: arn:aws:lambda:REGION:ACCOUNT:function:NAME"
        case .badPartition(let text): "'\(text)' is no AWS partition"
        case .notLambda(let service): "this is an ARN of '\(service)', not of lambda"
        case .badRegion(let text): "'\(text)' is no AWS region"
        case .badAccount(let text): "'\(text)' is no account number of twelve digits"
        case .notFunction(let resource): "this is an ARN of a '\(resource)', not of a function"
        case .missingFunctionKeyword: "after the account comes 'function:', as in ACCOUNT:function:NAME"
        case .badName(let text): "'\(text)' is no function name: letters, digits, '-', '_' and '.'"
        case .nameTooLong(let count, let limit): "a function name has at most \(limit) characters, this one \(count)"
        case .badQualifier(let text): "'\(text)' is no version, alias or $LATEST"
        case .differentQualifiers(let one, let other): "the reference says '\(one)', the qualifier '\(other)'"
        case .unexpectedPart(let text): "'\(text)' after the qualifier belongs to nothing"
        }
    }
}
