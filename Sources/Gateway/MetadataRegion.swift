internal import AWS
internal import Reactor

/// Asks the machine for its region, before anything runs that could wait for the answer elsewhere.
final class MetadataRegion {
    private let loop: Loop
    private let resolver: Resolver
    private var fetch: RegionFetch
    private var isOver = false
    private var region: String?

    /// The region; `nil` where the machine does not say it.
    static func find(_ metadata: InstanceMetadata, resolver: Resolver) throws -> String? {
        let search = MetadataRegion(metadata, try Loop(), resolver)
        search.perform(search.fetch.begin())
        // Each request has its own time limit, and there are few.
        while !search.isOver { search.loop.turn() }
        return search.region
    }

    private init(_ metadata: InstanceMetadata, _ loop: Loop, _ resolver: Resolver) {
        self.fetch = RegionFetch(metadata)
        self.loop = loop
        self.resolver = resolver
    }

    private func perform(_ step: RegionFetch.Step) {
        switch step {
        case .send(let request):
            _ = ControlCall(request, tls: nil, resolver: self.resolver, on: self.loop) { event in
                self.perform(self.fetch.received(event))
            }
        case .finished(let region):
            self.region = region
            self.isOver = true
        case .failed:
            self.isOver = true
        }
    }
}
