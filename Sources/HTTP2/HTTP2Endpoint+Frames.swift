internal import Bytes

/// Where in the frames of a peer the input stopped.
struct FramePosition {
    /// The beginning of a frame's header that is not whole.
    var header: [UInt8] = []
    /// Bytes of the payload that are still to come.
    var payloadLeft = 0
    var kind = FrameHeader.Kind.settings
    /// The stream whose header block is open, and how many CONTINUATION frames it has had.
    var openBlock: (stream: Int32, continuations: Int)?
}

/// Frames in, one by one: each one's header is looked at before the library sees the frame.
extension HTTP2Endpoint {
    /// Reads on: the rest of a frame, or the next one as far as it is there.
    final func readFrame(_ input: Span<UInt8>, at offset: inout Int) {
        if self.position.payloadLeft > 0 {
            self.readRest(input, at: &offset)
        } else if self.position.header.isEmpty, input.count - offset >= FrameHeader.size {
            // PERF: the header and as much of the payload as is there, in one call of the library.
            let header = FrameHeader(input.extracting(offset..<offset + FrameHeader.size))
            guard self.begin(header) else { return }
            let end = min(input.count, offset + FrameHeader.size + header.length)
            self.position.payloadLeft = header.length - (end - offset - FrameHeader.size)
            self.feed(input.extracting(offset..<end))
            self.readPayload(input.extracting(offset + FrameHeader.size..<end))
            offset = end
        } else {
            self.readHeader(input, at: &offset)
        }
        self.readPart()
    }

    private func readHeader(_ input: Span<UInt8>, at offset: inout Int) {
        let end = min(input.count, offset + FrameHeader.size - self.position.header.count)
        while offset < end {
            self.position.header.append(input[offset])
            offset += 1
        }
        guard self.position.header.count == FrameHeader.size else { return }
        let bytes = self.position.header
        self.position.header.removeAll(keepingCapacity: true)
        let header = FrameHeader(bytes.span)
        guard self.begin(header) else { return }
        self.position.payloadLeft = header.length
        self.feed(bytes.span)
    }

    private func readRest(_ input: Span<UInt8>, at offset: inout Int) {
        let end = min(input.count, offset + self.position.payloadLeft)
        self.position.payloadLeft -= end - offset
        self.feed(input.extracting(offset..<end))
        self.readPayload(input.extracting(offset..<end))
        offset = end
    }

    /// Takes notice of a frame before the library sees it. Answers whether it may see it.
    private func begin(_ header: FrameHeader) -> Bool {
        self.position.kind = header.kind
        guard let failure = self.excess(header) ?? self.misplaced(header) else { return true }
        self.fail(failure)
        return false
    }

    /// What there is too much of with DATA on a stream that we have reset.
    final func excess(ofLateData header: FrameHeader) -> HTTP2Failure? {
        let endsStream = header.flags.contains(.endStream)
        return self.floods.endedData(count: header.length, endsStream: endsStream) ? nil : .excess(.emptyFrames)
    }

    private func excess(_ header: FrameHeader) -> HTTP2Failure? {
        guard let excess = self.floods.received(header, dataFramesSent: self.dataFramesSent, at: self.now) else {
            return nil
        }
        return .excess(excess)
    }

    /// Follows header blocks. What it does not find wrong the role may, or the library.
    private func misplaced(_ header: FrameHeader) -> HTTP2Failure? {
        if let open = self.position.openBlock {
            // Anything else in the middle of a header block is an error that the library finds.
            guard header.kind == .continuation, header.stream == open.stream else { return nil }
            self.position.openBlock?.continuations += 1
            if open.continuations >= self.limits.continuations { return .excess(.continuations) }
            if header.flags.contains(.endHeaders) { self.position.openBlock = nil }
            return nil
        }
        if let failure = self.beginsFrame(header) { return failure }
        if header.kind == .headers, !header.flags.contains(.endHeaders) {
            self.position.openBlock = (header.stream, 0)
        }
        return nil
    }

    /// Whether all that has come ends with a whole frame, and a whole header block.
    final var isBetweenFrames: Bool {
        self.position.payloadLeft == 0 && self.position.header.isEmpty && self.position.openBlock == nil
    }

    /// A DATA frame is whole: empty ones in a row are counted.
    final func countData(count: Int, endsStream: Bool) {
        if !self.floods.endedData(count: count, endsStream: endsStream) { self.fail(.excess(.emptyFrames)) }
    }

    /// A stream was reset because of what the peer did, by whichever side.
    final func noteReset() {
        if !self.floods.reset(at: self.now) { self.fail(.excess(.resets)) }
    }

    /// Looks at what waits to go out in answer to what has come.
    final func checkWaitingFrames() {
        if self.waitingFrames > self.limits.waitingFrames { self.fail(.excess(.waitingFrames)) }
    }
}
