/// A client of the Runtime API in a few lines of Python, for functions that do one particular thing.
enum PythonRuntime {
    static let source = #"""
        import base64, json, os, socket, sys, time

        host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')
        base = '/2018-06-01/runtime/'
        connection = None

        def open_connection():
            global connection
            connection = socket.create_connection((host, int(port)))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection

        def send(data):
            (connection or open_connection()).sendall(data if isinstance(data, bytes) else data.encode())

        def read_answer():
            data = b''
            while b'\r\n\r\n' not in data:
                piece = connection.recv(65536)
                if not piece: raise EOFError
                data += piece
            head, body = data.split(b'\r\n\r\n', 1)
            lines = head.decode().split('\r\n')
            headers = dict((name.lower(), value) for name, value in (line.split(': ', 1) for line in lines[1:]))
            while len(body) < int(headers.get('content-length', 0)):
                body += connection.recv(65536)
            return int(lines[0].split()[1]), headers, body

        def request(method, path, body=b'', headers=''):
            body = body if isinstance(body, bytes) else body.encode()
            send(f'{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}'.encode()
                + (f'Content-Length: {len(body)}\r\n\r\n'.encode() if method == 'POST' else b'\r\n') + body)
            return read_answer()

        # Waits until the test has made a file.
        def wait_for(name):
            while not os.path.exists(name): time.sleep(0.005)

        def next_invocation():
            status, headers, body = request('GET', base + 'invocation/next')
            assert status == 200, (status, body)
            return headers['lambda-runtime-aws-request-id'], json.loads(body), headers

        def respond(id, value, headers='Content-Type: application/json\r\n'):
            return request('POST', base + f'invocation/{id}/response', value if isinstance(value, bytes) else json.dumps(value), headers)

        def error(id, type, message):
            return request('POST', base + f'invocation/{id}/error', json.dumps({'errorType': type, 'errorMessage': message, 'stackTrace': []}))

        def begin_stream(id, type='application/octet-stream', mode='Lambda-Runtime-Function-Response-Mode: streaming\r\n'):
            send(f'POST {base}invocation/{id}/response HTTP/1.1\r\nHost: {host}\r\nContent-Type: {type}\r\n{mode}'
                'Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\nTrailer: Lambda-Runtime-Function-Error-Body\r\n\r\n')

        def chunk(data):
            data = data if isinstance(data, bytes) else data.encode()
            send(b'%x\r\n%s\r\n' % (len(data), data))

        def end_stream(trailers=''):
            send('0\r\n' + trailers + '\r\n')
            return read_answer()

        def fail_stream(type, details):
            return end_stream(f'Lambda-Runtime-Function-Error-Type: {type}\r\nLambda-Runtime-Function-Error-Body: {base64.b64encode(details.encode()).decode()}\r\n')

        """#
}
