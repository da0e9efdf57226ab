internal import AWS

/// What to do where a call would not be taken.
extension OnlineCheck {
    static func advice(for error: AWSServiceError, region: String) -> String {
        switch error.type {
        case "AccessDeniedException", "AccessDenied":
            "; the identity needs lambda:InvokeFunction for this function and qualifier, or the function's own policy has "
                + "to name it: docs/credentials.md has both to paste"
        case "ResourceNotFoundException":
            "; there is no function, version or alias of this name in \(region) of the account: is the region right, and "
                + "does a function of another account have its whole ARN?"
        case "UnrecognizedClientException", "InvalidClientTokenId":
            "; these keys, or their session token, are unknown here: are they deleted, of another partition, or is the "
                + "region one that the account has not switched on?"
        case "ExpiredTokenException": "; the keys are over: get new ones"
        case "InvalidSignatureException", "SignatureDoesNotMatch":
            "; the secret key is not the one that belongs to the key id"
        case "MissingAuthenticationTokenException", "IncompleteSignatureException":
            "; something between here and AWS changes the request's head: is there a proxy?"
        case "TooManyRequestsException": "; the function is throttled just now: try again later"
        default: error.type.isEmpty ? "; this is no answer of Lambda: is the endpoint right?" : ""
        }
    }

    static func advice(forFailure reason: String, _ endpoint: ServiceEndpoint) -> String {
        if reason.hasPrefix("TLS") {
            return "; where an own authority vouches for \(endpoint.host), name its certificate with aws.ca_file"
        }
        return "; is there a way from here to \(endpoint)?"
    }
}
