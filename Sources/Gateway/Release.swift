/// The release that this source makes.
package enum Release {
    /// As `sluice version` and the metrics have it.
    package static let version = "0.1.0"
}
