"""The fake Lambda API's HTTP/2: a session of python-h2 whose streams look like connections to the scripts."""

import select
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings


class Session:
    """One connection. `handle` answers a request on something that looks like a `Connection`."""

    def __init__(self, sock, number, streams, handle, gone, lock):
        self.sock, self.number, self.handle, self.gone, self.shared = sock, number, handle, gone, lock
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.changed = threading.Condition()
        self.streams = {}
        self.is_over = False
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False)
        )
        values = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: streams or 100}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=values)

    def serve(self):
        with self.changed:
            self.h2.initiate_connection()
            self.flush()
        try:
            while not self.is_over:
                self.poll(select.POLLIN, 60)
                with self.changed:
                    data = self.receive()
                    if data == b"":
                        break
                    for event in self.h2.receive_data(data) if data else []:
                        self.note(event)
                    self.flush()
                    self.changed.notify_all()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.end()

    def receive(self):
        try:
            return self.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def poll(self, events, seconds):
        if isinstance(self.sock, ssl.SSLSocket) and events == select.POLLIN and self.sock.pending():
            return
        poll = select.poll()
        poll.register(self.sock, events)
        poll.poll(seconds * 1000)

    def flush(self):
        data = memoryview(self.h2.data_to_send())
        while data:
            try:
                data = data[self.sock.send(data) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self.poll(select.POLLOUT, 30)

    def note(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = Stream(self, event.stream_id, event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            threading.Thread(target=stream.run, daemon=True).start()
        elif isinstance(event, h2.events.StreamReset):
            stream.is_gone = True

    def end(self):
        with self.changed:
            self.is_over = True
            self.changed.notify_all()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class Stream:
    """One request and its answer. What scripts send is HTTP/1.1, and goes out as frames."""

    def __init__(self, session, number, headers):
        self.session, self.stream = session, number
        self.number, self.sock = session.number, session.sock
        self.headers = headers
        self.body = b""
        self.is_gone = False
        self.is_chunked = False
        self.has_head = False

    def run(self):
        fields = dict(self.headers)
        method, target = fields[":method"], fields[":path"]
        headers = [("host", fields[":authority"])] + [pair for pair in self.headers if not pair[0].startswith(":")]
        head = "\r\n".join([f"{method} {target} HTTP/2"] + [f"{name}: {value}" for name, value in headers])
        if not self.session.handle(self, method, target, "HTTP/2", headers, bytes(self.body), head):
            if not self.is_gone:
                self.session.end()

    def wait(self, seconds):
        with self.session.changed:
            return self.has_gone() or self.session.changed.wait(seconds)

    def has_gone(self):
        return self.is_gone or self.session.is_over

    def send(self, data, call):
        if not self.has_head:
            head, _, data = bytes(data).partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            pairs = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
            fields = [(name.lower(), value) for name, value in pairs]
            self.has_head = True
            self.is_chunked = ("transfer-encoding", "chunked") in fields
            fields = [pair for pair in fields if pair[0] not in ("transfer-encoding", "connection")]
            with self.session.changed:
                self.check()
                self.session.h2.send_headers(self.stream, [(":status", lines[0].split(" ")[1])] + fields)
                self.session.flush()
            if self.is_chunked:
                return
            self.send_data(data, call, ends=True)
        elif self.is_chunked:
            size, _, rest = bytes(data).partition(b"\r\n")
            size = int(size, 16)
            self.send_data(rest[:size], call, ends=size == 0)
        else:
            self.send_data(data, call, ends=False)

    def send_chunk(self, data, call):
        self.send_data(data, call, ends=False)

    def send_data(self, data, call, ends):
        session = self.session
        data = memoryview(data)
        while data or ends:
            with session.changed:
                self.check()
                window = session.h2.local_flow_control_window(self.stream)
                size = min(len(data), window, session.h2.max_outbound_frame_size)
                if size > 0 or not data:
                    is_last = size == len(data)
                    session.h2.send_data(self.stream, bytes(data[:size]), end_stream=ends and is_last)
                    session.flush()
                    call["written"] += size
                    data = data[size:]
                    if is_last:
                        return
                    continue
            with session.shared:
                call["blocked"] += 1
                session.shared.notify_all()
            with session.changed:
                session.changed.wait(0.1)

    def check(self):
        if self.has_gone():
            raise self.session.gone()

    def reset_with(self, code):
        with self.session.changed:
            self.check()
            self.is_gone = True
            self.session.h2.reset_stream(self.stream, code)
            self.session.flush()

    def close(self, resets=False):
        if resets:
            self.reset_with(h2.errors.ErrorCodes.INTERNAL_ERROR)
        else:
            self.session.end()

    def refuse(self):
        self.reset_with(h2.errors.ErrorCodes.REFUSED_STREAM)

    def require_http1(self):
        self.reset_with(h2.errors.ErrorCodes.HTTP_1_1_REQUIRED)

    def go_away(self, stays):
        with self.session.changed:
            # Not python-h2's own, after which it would send nothing more.
            last = self.stream if stays else self.stream - 2
            frame = b"\0\0\x08\x07\0\0\0\0\0" + max(0, last).to_bytes(4, "big") + bytes(4)
            self.session.flush()
            self.session.sock.sendall(frame)
            if not stays:
                self.is_gone = True
