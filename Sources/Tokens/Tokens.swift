//===----------------------------------------------------------------------===//
// Tokens: JSON Web Tokens (RFC 7519) that others have signed, and the keys (RFC 7517) to check them with.
//
// `KeySet` reads the keys of an issuer, `TokenRules.verify` says of a token what it holds or what is wrong with it, and
// `KeySetSchedule` when keys are to be fetched again. Bytes and the time come in, values go out. What is refused, and
// why, is in docs/decisions/0021-tokens.md.
//===----------------------------------------------------------------------===//
