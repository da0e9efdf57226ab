/// Digits, perhaps with a fraction, and the unit behind them: `4.5MiB`.
struct DecimalNumber {
    private let whole: Int
    /// Billionths.
    private let fraction: Int
    let unit: String

    /// `nil` where the text does not begin with digits, or has too many of them.
    init?(_ text: String) {
        var rest = Substring(text)
        let whole = rest.prefix { $0.isASCIIDigit }
        rest = rest.dropFirst(whole.count)
        guard let number = Int(whole), whole.count <= 15 else { return nil }
        var fraction = 0
        if rest.first == "." {
            let digits = rest.dropFirst().prefix { $0.isASCIIDigit }
            guard (1...9).contains(digits.count) else { return nil }
            fraction = Int(digits + String(repeating: "0", count: 9 - digits.count)) ?? 0
            rest = rest.dropFirst(digits.count + 1)
        }
        self.whole = number
        self.fraction = fraction
        self.unit = String(rest)
    }

    /// The number times the unit, fractions of one cut off; `nil` where that is too large.
    func scaled(by unit: Int) -> Int? {
        let (product, overflow) = self.whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        let part = (UInt64(self.fraction).multipliedFullWidth(by: UInt64(unit)))
        let (quotient, _) = (1_000_000_000 as UInt64).dividingFullWidth(part)
        let (sum, overflow2) = product.addingReportingOverflow(Int(quotient))
        return overflow2 ? nil : sum
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { self >= "0" && self <= "9" && self.utf8.count == 1 }
}
