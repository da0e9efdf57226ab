/// The sizes that the event-stream specification gives.
package enum EventStreamLimits {
    package static let headerBytes = 131_072
    package static let payloadBytes = 25_165_824
    package static let valueBytes = 32_767
}
