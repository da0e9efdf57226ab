import Bytes
import Digest
import Testing

@Suite struct RandomBytesTests {
    @Test func `UUIDs are of version 4 and never the same`() {
        var random = RandomBytes()
        var seen: Set<String> = []
        for _ in 0..<200 {
            let text = random.uuid().string()
            #expect(text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            seen.insert(text)
        }
        seen.insert(RandomBytes.uuid().string())
        #expect(seen.count == 201)
    }

    @Test func `filling fills all of it`() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var span = bytes.mutableSpan
        RandomBytes.fill(&span)
        // 256 values are expected 16 times each; a run that is not filled would show as hundreds of zeros.
        #expect(bytes.count { $0 == 0 } < 64)
        #expect(RandomBytes.number() != RandomBytes.number())
    }
}
