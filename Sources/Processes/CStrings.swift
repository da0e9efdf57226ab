private import Glibc

/// A NULL-terminated array of C strings that lives as long as its owner.
@safe
struct CStrings: ~Copyable {
    // SAFETY: allocated in `init` with one NULL at the end, freed in `deinit`, never changed in between.
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) throws(SpawnError) {
        guard texts.allSatisfy({ !$0.utf8.contains(0) }) else { throw .embeddedNUL }
        unsafe self.pointers = .allocate(capacity: texts.count + 1)
        self.count = texts.count
        for (index, text) in texts.enumerated() { unsafe (self.pointers + index).initialize(to: strdup(text)) }
        unsafe (self.pointers + texts.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<self.count { unsafe free(self.pointers[index]) }
        unsafe self.pointers.deallocate()
    }
}
