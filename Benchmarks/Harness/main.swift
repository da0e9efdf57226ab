//===----------------------------------------------------------------------===//
// sluice-bench: the two ends of the measuring rig, on a bare epoll loop so that they cost little beside what is measured.
//
//     sluice-bench upstream --port 9100 --framing lambda|raw
//     sluice-bench requests --port 8080 --connections 64 --seconds 5 [--warm 1] [--accounts FILES]
//     sluice-bench streams  --port 8080 --streams 500 --rate 5000 --seconds 5 [--accounts FILES]
//     sluice-bench count    --port 8080 --chunks 3000 --upstream 9100
//     sluice-bench bulk     --port 8080 --streams 2 --bytes 1073741824 [--accounts FILES]
//     sluice-bench hold     --port 8080 --streams 2000
//
// The upstream answers the same requests twice over: as Lambda does (the path stands in the event, the answer is an
// event stream) and raw, for a peer that relays bare bytes. Each load prints one JSON object when it is done.
//===----------------------------------------------------------------------===//
import CLinux
import Glibc

signal(SIGPIPE, SIG_IGN)
let arguments = Arguments(CommandLine.arguments)
switch arguments.command {
case "upstream":
    Upstream(port: arguments.number("port"), framing: arguments.text("framing") == "raw" ? .raw : .lambda).run()
case "requests":
    RequestLoad(arguments).run()
case "streams":
    StreamLoad(arguments).run()
case "count":
    CountLoad(arguments).run()
case "bulk":
    BulkLoad(arguments).run()
case "hold":
    HoldLoad(arguments).run()
default:
    fatal("the first argument is upstream, requests, streams, count, bulk or hold")
}
