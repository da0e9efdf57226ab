"""Asks for `/` on many streams of one connection at once with an independent HTTP/2 library, which checks every frame.

    http2_client.py PORT COUNT
"""
import socket
import sys

import h2.config
import h2.connection
import h2.events

port, count = int(sys.argv[1]), int(sys.argv[2])
sock = socket.create_connection(("127.0.0.1", port), timeout=30)
connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
connection.initiate_connection()
request = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "example.com")]
for index in range(count):
    connection.send_headers(2 * index + 1, request, end_stream=True)
sock.sendall(connection.data_to_send())

lengths, ended = {}, set()
while len(ended) < count:
    data = sock.recv(65536)
    if not data:
        sys.exit("the connection ended")
    for event in connection.receive_data(data):
        if isinstance(event, h2.events.ResponseReceived):
            assert dict(event.headers)[b":status"] == b"200", event
        elif isinstance(event, h2.events.DataReceived):
            lengths[event.stream_id] = lengths.get(event.stream_id, 0) + len(event.data)
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            ended.add(event.stream_id)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            sys.exit(str(event))
    sock.sendall(connection.data_to_send())
connection.close_connection()
sock.sendall(connection.data_to_send())
print(len(ended), "answers of", " ".join(sorted({str(length) for length in lengths.values()})), "bytes")
