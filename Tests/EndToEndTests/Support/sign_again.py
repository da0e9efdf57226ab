"""Signs a recorded call once more with botocore, and prints the signature."""

import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

with open(sys.argv[1]) as file:
    call = json.load(file)
headers = {name.lower(): value for name, value in call["headers"]}
parts = dict(part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
_, _, region, service, _ = parts["Credential"].split("/")
signed = parts["SignedHeaders"].split(";")
request = AWSRequest(
    method=call["method"], url=call["url"], data=call["body"].encode(), headers={name: headers[name] for name in signed}
)
request.context["timestamp"] = headers["x-amz-date"]
auth = SigV4Auth(Credentials(call["access_key"], call["secret_key"]), service, region)
assert ";".join(sorted(auth.headers_to_sign(request).keys())) == parts["SignedHeaders"], "other headers are signed"
canonical = auth.canonical_request(request)
print(auth.signature(auth.string_to_sign(request, canonical), request))
