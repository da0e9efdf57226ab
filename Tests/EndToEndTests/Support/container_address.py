"""Has an AWS SDK and a command find the keys of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, in a network with nothing in it.

The link-local address of container credentials is this script's; the Lambda API that the command calls is at the same
address. Prints what both have asked for, the SDK's key, and the key and token with which the command's call was signed.
"""

import http.server
import json
import subprocess
import sys
import threading

ADDRESS = "169.254.170.2"
KEYS = {
    "AccessKeyId": "ASIACONTAINER",
    "SecretAccessKey": "secret-of-ASIACONTAINER",
    "Token": "token-of-ASIACONTAINER",
    "Expiration": "2099-01-01T00:00:00Z",
}
heard = {"asked": []}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        heard["asked"].append(self.path)
        self.answer(200, json.dumps(KEYS))

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        heard["key"] = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
        heard["token"] = self.headers["X-Amz-Security-Token"]
        self.answer(404, "{}")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


for words in (["link", "set", "lo", "up"], ["address", "add", f"{ADDRESS}/32", "dev", "lo"]):
    subprocess.run(["ip"] + words, check=True)
server = http.server.ThreadingHTTPServer((ADDRESS, 80), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()

import botocore.session

heard["sdk"] = botocore.session.get_session().get_credentials().get_frozen_credentials().access_key
called = subprocess.run(sys.argv[1:], capture_output=True, text=True, timeout=60)
print(called.stdout, called.stderr, file=sys.stderr)
print(json.dumps(heard))
