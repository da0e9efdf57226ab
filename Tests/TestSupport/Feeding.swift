/// The ways in which one and the same input can arrive: whole, byte by byte, and cut in two at each position.
///
/// Each parser test runs through all of them, because a parser that depends on where the network cut is wrong.
package enum Feeding {
    /// Every way to cut `input`: an array of pieces for each way. Inputs above 512 bytes are cut in two at 256 places.
    package static func ways(of input: [UInt8]) -> [[[UInt8]]] {
        var ways: [[[UInt8]]] = [[input], input.map { [$0] }]
        let step = max(1, input.count / 512)
        for cut in stride(from: 1, to: max(1, input.count), by: step) {
            ways.append([Array(input[..<cut]), Array(input[cut...])])
        }
        return ways
    }
}
