import Bytes

/// The functions that the demo's configuration names.
enum DemoFunction: String, CaseIterable {
    case gettysburg
    case gettysburgBuffered = "gettysburg-buffered"
    case chat
    case download
    case page

    /// The function that the first argument names, or else the name of the program.
    init?(commandLine: [String]) {
        if commandLine.count > 1 {
            self.init(rawValue: commandLine[1])
        } else {
            self.init(rawValue: commandLine.first?.split(separator: "/").last.map(String.init) ?? "")
        }
    }

    /// Answers one event.
    func answer(_ invocation: Invocation, over connection: inout RuntimeConnection) throws(RuntimeFailure) {
        switch self {
        case .gettysburg:
            try Gettysburg.stream(to: invocation, over: &connection)
        case .gettysburgBuffered:
            try Gettysburg.respond(to: invocation, over: &connection)
        case .chat:
            try Chat.stream(to: invocation, over: &connection)
        case .download:
            try Download.stream(to: invocation, over: &connection)
        case .page:
            try Page.stream(to: invocation, over: &connection)
        }
    }
}
