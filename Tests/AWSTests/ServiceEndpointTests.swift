import AWS
import TestSupport
import Testing

@Suite struct ServiceEndpointTests {
    static func result(_ url: String) -> Result<ServiceEndpoint, EndpointError> {
        do throws(EndpointError) {
            return .success(try ServiceEndpoint(parsing: url))
        } catch {
            return .failure(error)
        }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:9000", .http, "127.0.0.1", 9000, "", "127.0.0.1:9000"),
            ("http://localhost", .http, "localhost", 80, "", "localhost"),
            ("http://localhost:80/", .http, "localhost", 80, "", "localhost"),
            (
                "HTTPS://Lambda.EU-west-1.amazonaws.com", .https, "lambda.eu-west-1.amazonaws.com", 443, "",
                "lambda.eu-west-1.amazonaws.com"
            ),
            ("https://a:443", .https, "a", 443, "", "a"),
            ("https://a:80", .https, "a", 80, "", "a:80"),
            (
                "https://my_host.internal:65535/a/b%20c/", .https, "my_host.internal", 65535, "/a/b%20c",
                "my_host.internal:65535"
            ),
            ("http://[::1]:9000", .http, "::1", 9000, "", "[::1]:9000"),
            ("http://[FD00:EC2::254]", .http, "fd00:ec2::254", 80, "", "[fd00:ec2::254]"),
            ("http://[::ffff:10.0.0.1]", .http, "::ffff:10.0.0.1", 80, "", "[::ffff:10.0.0.1]"),
            ("http://[1:2:3:4:5:6:7:8]", .http, "1:2:3:4:5:6:7:8", 80, "", "[1:2:3:4:5:6:7:8]"),
        ] as [(String, ServiceEndpoint.Scheme, String, UInt16, String, String)])
    func `endpoints are taken apart`(
        url: String, scheme: ServiceEndpoint.Scheme, host: String, port: UInt16, prefix: String, hostField: String
    ) throws {
        let endpoint = try ServiceEndpoint(parsing: url)
        #expect(endpoint == ServiceEndpoint(scheme: scheme, host: host, port: port, pathPrefix: prefix))
        #expect(endpoint.hostField == hostField)
        #expect(try ServiceEndpoint(parsing: endpoint.description) == endpoint)
    }

    @Test(
        arguments: [
            ("", .scheme("")), ("localhost:9000", .scheme("localhost:9000")), ("ftp://a", .scheme("ftp://a")),
            ("//a", .scheme("//a")), (" http://a", .scheme(" http://a")), ("http:/a", .scheme("http:/a")),
            ("http://", .hostMissing("http://")), ("http:///a", .hostMissing("http:///a")),
            ("http://user:pass@a", .userInfo), ("http://a@b", .userInfo),
            ("http://a?x=1", .query), ("http://a/?", .query), ("http://a#b", .fragment),
            ("http://a b", .host("a b")), ("http://a..b", .host("a..b")), ("http://.a", .host(".a")),
            ("http://a.", .host("a.")), ("http://é", .host("é")), ("http://a%20b", .host("a%20b")),
            ("http://a\r\nX: y", .host("a\r\nX")), ("http://a\0", .host("a\0")),
            ("http://:80", .host("")), ("http://a:", .port("")), ("http://a:0", .port("0")),
            ("http://a:65536", .port("65536")), ("http://a:+80", .port("+80")), ("http://a:80:80", .port("80:80")),
            ("http://a:٣", .port("٣")),
            ("http://1.2.3", .host("1.2.3")), ("http://1.2.3.256", .host("1.2.3.256")),
            ("http://01.2.3.4", .host("01.2.3.4")), ("http://12345", .host("12345")),
            ("http://[::1", .host("[::1")), ("http://[]", .host("[]")), ("http://[::1]x", .host("[::1]x")),
            ("http://[::1%eth0]", .host("[::1%eth0]")), ("http://[:1]", .host("[:1]")),
            ("http://[1::2::3]", .host("[1::2::3]")), ("http://[1:2:3:4:5:6:7:8:9]", .host("[1:2:3:4:5:6:7:8:9]")),
            ("http://[12345::]", .host("[12345::]")), ("http://[::1.2.3]", .host("[::1.2.3]")),
            ("http://[1:2:3:4:5:6:7]", .host("[1:2:3:4:5:6:7]")), ("http://::1", .host("")),
            ("http://a//b", .path("//b")), ("http://a/../b", .path("/../b")), ("http://a/./b", .path("/./b")),
            ("http://a//", .path("//")), ("http://a/%", .path("/%")), ("http://a/%zz", .path("/%zz")),
            ("http://a/b c", .path("/b c")), ("http://a/é", .path("/é")), ("http://a/\\", .path("/\\")),
        ] as [(String, EndpointError)])
    func `what is only similar to an endpoint is refused`(url: String, error: EndpointError) {
        #expect(Self.result(url) == .failure(error))
        #expect(!error.description.isEmpty && !error.description.contains(where: \.isNewline))
    }

    @Test func `a text that no endpoint is as long as is refused`() {
        let url = "http://a/" + String(repeating: "b", count: 3000)
        #expect(Self.result(url) == .failure(.tooLong(3009, limit: 2048)))
    }

    // From botocore's partitions.
    @Test(
        arguments: [
            ("us-east-1", "aws", "lambda.us-east-1.amazonaws.com", "lambda.us-east-1.api.aws"),
            ("mx-central-1", "aws", "lambda.mx-central-1.amazonaws.com", "lambda.mx-central-1.api.aws"),
            (
                "cn-north-1", "aws-cn", "lambda.cn-north-1.amazonaws.com.cn",
                "lambda.cn-north-1.api.amazonwebservices.com.cn"
            ),
            ("us-gov-west-1", "aws-us-gov", "lambda.us-gov-west-1.amazonaws.com", "lambda.us-gov-west-1.api.aws"),
            ("us-iso-east-1", "aws-iso", "lambda.us-iso-east-1.c2s.ic.gov", "lambda.us-iso-east-1.api.aws.ic.gov"),
            (
                "us-isob-east-1", "aws-iso-b", "lambda.us-isob-east-1.sc2s.sgov.gov",
                "lambda.us-isob-east-1.api.aws.scloud"
            ),
            (
                "eu-isoe-west-1", "aws-iso-e", "lambda.eu-isoe-west-1.cloud.adc-e.uk",
                "lambda.eu-isoe-west-1.api.cloud-aws.adc-e.uk"
            ),
            (
                "us-isof-south-1", "aws-iso-f", "lambda.us-isof-south-1.csp.hci.ic.gov",
                "lambda.us-isof-south-1.api.aws.hci.ic.gov"
            ),
            (
                "eusc-de-east-1", "aws-eusc", "lambda.eusc-de-east-1.amazonaws.eu",
                "lambda.eusc-de-east-1.api.amazonwebservices.eu"
            ),
            ("moon-base-1", "aws", "lambda.moon-base-1.amazonaws.com", "lambda.moon-base-1.api.aws"),
            ("us-gov-", "aws", nil, nil), ("cn-north", "aws", "lambda.cn-north.amazonaws.com", nil),
        ] as [(String, String, String?, String?)])
    func `each region has its partition and its hosts`(
        region: String, partition: String, host: String?, dualStack: String?
    ) throws {
        #expect(Partition.containing(region: region).name == partition)
        if let host {
            let endpoint = try ServiceEndpoint.of(.lambda, region: region)
            #expect(endpoint == ServiceEndpoint(scheme: .https, host: host, port: 443))
            let fips = try ServiceEndpoint.of(.lambda, region: region, useFIPS: true)
            #expect(fips.host == "lambda-fips" + host.dropFirst("lambda".count))
        }
        if let dualStack {
            #expect(try ServiceEndpoint.of(.lambda, region: region, useDualStack: true).host == dualStack)
        }
    }

    @Test func `the token service and the sign-on service have hosts of their own`() throws {
        #expect(try ServiceEndpoint.of(.sts, region: "eu-west-1").host == "sts.eu-west-1.amazonaws.com")
        #expect(
            try ServiceEndpoint.of(.sts, region: "eu-west-1", useFIPS: true).host == "sts-fips.eu-west-1.amazonaws.com")
        // All of them are such in this partition.
        #expect(
            try ServiceEndpoint.of(.sts, region: "us-gov-west-1", useFIPS: true).host
                == "sts.us-gov-west-1.amazonaws.com")
        #expect(try ServiceEndpoint.of(.sts, region: "cn-north-1").host == "sts.cn-north-1.amazonaws.com.cn")
        #expect(try ServiceEndpoint.of(.sso, region: "eu-west-1").host == "portal.sso.eu-west-1.amazonaws.com")
        #expect(
            try ServiceEndpoint.of(.sso, region: "eu-west-1", useDualStack: true).host == "portal.sso.eu-west-1.api.aws"
        )
    }

    @Test(arguments: ["", "us east-1", "US-EAST-1", "-a", "a-", "a.b", "a/b", "é", String(repeating: "a", count: 64)])
    func `a region that cannot be part of a host is refused`(region: String) {
        #expect(throws: EndpointError.region(region)) { try ServiceEndpoint.of(.lambda, region: region) }
    }

    @Test(arguments: UInt64(0)..<32)
    func `any text is an endpoint or an error`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "http", "https", "://", "/", ":", "[", "]", "@", "::", "1", "a", ".", "%", "-", "é", "\r\n", "?", "80",
        ]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                .joined()
            for text in [text, "http://" + text] {
                guard case .success(let endpoint) = Self.result(text) else { continue }
                #expect(Self.result(endpoint.description) == .success(endpoint))
            }
        }
    }
}
