"""A function of this machine, over the Runtime API: answers its word and its process, or streams them slowly on /slow and /slower."""

import http.client
import json
import os
import sys
import time

host = os.environ["AWS_LAMBDA_RUNTIME_API"]
connection = http.client.HTTPConnection(host)


def chunk(data):
    connection.send(b"%x\r\n%s\r\n" % (len(data), data))


while True:
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = connection.getresponse()
    event = json.loads(answer.read())
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    connection.putrequest("POST", f"/2018-06-01/runtime/invocation/{request_id}/response")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    if event["rawPath"] == "/named":
        chunk(sys.argv[1].encode())
    else:
        chunk(f"{sys.argv[1]} {os.getpid()}".encode())
    if event["rawPath"] == "/slow":
        time.sleep(1)
        chunk(b" ended")
    if event["rawPath"] == "/slower":
        time.sleep(8)
        chunk(b" ended")
    connection.send(b"0\r\n\r\n")
    connection.getresponse().read()
