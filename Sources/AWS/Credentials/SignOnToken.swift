private import Bytes
private import JSON
internal import Time

/// What the AWS CLI leaves behind when somebody has signed on, and what renews it.
package struct SignOnToken: Sendable, Equatable {
    /// What is shown for a role's keys.
    let text: String
    let expiration: WallTime
    /// The word that gets the next token, where there may be one.
    private let refreshToken: String?
    private let registration: Registration?
    /// Where it was made, kept for others who read the file.
    private let startURL: String?

    /// The program for which somebody has signed on.
    private struct Registration: Sendable, Equatable {
        let clientID: String
        let clientSecret: String
        /// As it stands in the file.
        let expiresAt: String
        let expiration: WallTime

        init?(_ document: JSONValue) {
            guard let clientID = document["clientId"]?.string, let clientSecret = document["clientSecret"]?.string,
                let expiresAt = document["registrationExpiresAt"]?.string,
                let expiration = SignOnToken.time(expiresAt)
            else { return nil }
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.expiresAt = expiresAt
            self.expiration = expiration
        }
    }

    /// Reads the file. One that somebody else writes may be anything; without a token in it the answer is to sign on
    /// again.
    init?(_ document: String) {
        guard let document = try? JSONValue(parsing: document.utf8.span),
            let token = document["accessToken"]?.string, token.isFieldText,
            let expiration = document["expiresAt"]?.string.flatMap(Self.time)
        else { return nil }
        self.text = token
        self.expiration = expiration
        self.refreshToken = document["refreshToken"]?.string
        self.registration = Registration(document)
        self.startURL = document["startUrl"]?.string
    }

    /// The token that an answer of CreateToken gives for this one; `nil` where there is none in it.
    func renewed(by answer: [UInt8], at now: WallTime) -> SignOnToken? {
        guard let document = try? JSONValue(parsing: answer.span), let token = document["accessToken"]?.string,
            token.isFieldText, let life = document["expiresIn"]?.integer, (1...Self.longestLife).contains(life)
        else { return nil }
        return SignOnToken(
            text: token, expiration: now + .seconds(life),
            // As the SDKs do: without a word for the next one this token is the last.
            refreshToken: document["refreshToken"]?.string, registration: self.registration, startURL: self.startURL)
    }

    private init(
        text: String, expiration: WallTime, refreshToken: String?, registration: Registration?, startURL: String?
    ) {
        self.text = text
        self.expiration = expiration
        self.refreshToken = refreshToken
        self.registration = registration
        self.startURL = startURL
    }

    /// Ten years, far beyond what AWS gives.
    private static var longestLife: Int { 10 * 366 * 86_400 }

    /// Old versions write "2020-06-17T10:02:08UTC".
    private static func time(_ text: String) -> WallTime? {
        let text = text.hasSuffix("UTC") ? "\(text.dropLast(3))Z" : text
        return WallTime(rfc3339: text.utf8.span)
    }
}

extension SignOnToken {
    /// What CreateToken is asked for the next token; `nil` where somebody has to sign on again.
    func question(at now: WallTime) -> String? {
        guard let refreshToken = self.refreshToken, let registration = self.registration,
            registration.expiration > now
        else { return nil }
        let question: JSONValue = [
            "grantType": "refresh_token", "clientId": .string(registration.clientID),
            "clientSecret": .string(registration.clientSecret), "refreshToken": .string(refreshToken),
        ]
        return question.description
    }

    /// The file as the CLI and the SDKs write it.
    func document(region: String) -> String {
        var end = ByteBuffer()
        end.append(rfc3339: WallTime(seconds: self.expiration.seconds))
        var members = JSONObject()
        func set(_ name: String, _ value: String?) {
            if let value { members.set(name, .string(value)) }
        }
        set("startUrl", self.startURL)
        set("region", region)
        set("accessToken", self.text)
        // Whole seconds, which is what everybody reads.
        set("expiresAt", "\(end.string().dropLast(5))Z")
        set("clientId", self.registration?.clientID)
        set("clientSecret", self.registration?.clientSecret)
        set("registrationExpiresAt", self.registration?.expiresAt)
        set("refreshToken", self.refreshToken)
        return JSONValue.object(members).description
    }
}

/// Neither printing nor a failed expectation shows a token.
extension SignOnToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// That it is one.
    package var description: String { "the token of a sign-on" }

    /// The same as `description`.
    package var debugDescription: String { self.description }

    /// Shows when it ends.
    package var customMirror: Mirror { Mirror(self, children: ["expiration": self.expiration]) }
}
