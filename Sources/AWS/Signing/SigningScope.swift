/// Where a signature holds: a region and a service. The day is added when it is made.
package struct SigningScope: Sendable, Hashable {
    package let region: String
    package let service: String

    package init(region: String, service: String) {
        self.region = region
        self.service = service
    }
}
