/// Finds what a misspelt word was meant to be.
enum Nearest {
    /// The word that takes the fewest changes, if these are few for its length.
    static func word(to text: String, among words: [String]) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for word in words where word.utf8.count <= 64 {
            let distance = Self.distance(Array(text.lowercased().utf8), Array(word.lowercased().utf8))
            if distance < best?.distance ?? .max { best = (word, distance) }
        }
        guard let best, best.distance <= max(1, (max(text.utf8.count, best.word.utf8.count) + 1) / 3) else {
            return nil
        }
        return best.word
    }

    /// `; did you mean "x"?`, or a list of what there is where nothing is near.
    static func suggestion(for text: String, among words: [String], listing: [String]? = nil) -> String {
        if let word = Self.word(to: text, among: words) { return "; did you mean \"\(word)\"?" }
        let listed = listing ?? words
        if listed.isEmpty { return "" }
        let shown = listed.prefix(24).map { "\"\($0)\"" }.joined(separator: ", ")
        return "; there is \(shown)\(listed.count > 24 ? " and more" : "")"
    }

    /// How many letters must be changed, added, left out or swapped with their neighbour (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var cost = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
