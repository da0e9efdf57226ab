"""Stand-ins for everything that lends AWS keys: STS, the metadata service of an instance, a container's endpoint, the
portal and the tokens of IAM Identity Center. One port for all of them.

The keys depend on what was asked, and on nothing else, so that whoever asks in the same way gets the same; their end is in
their id, where the stand-in for the Lambda API looks for it. `GET /_calls` answers what was asked, `POST /_set` changes how
it answers:

    {"life": S}        seconds that keys live from the moment in which they are lent; 0 for a fixed end, the same for all
    {"fails": KIND}    "denied" (403), "down" (503), "silent" (no answer), "expired" (STS: the signer's keys), "" (answers)
    {"clock": S}       by how much the clock of STS is ahead
    {"sign_on": S}     seconds that a renewed token of a sign-on lives
    {"jwks": TEXT}     the keys of an issuer of tokens, at /jwks; {"discovery": TEXT} what the issuer says of itself
"""

import email.utils
import hashlib
import http.server
import json
import ssl
import sys
import threading
import time
import urllib.parse

import fake_lambda

FIXED_END = (int(time.time()) // 3600 + 6) * 3600
SIGN_ON_TOKEN = "sign-on-token"
METADATA_TOKEN = "metadata-token"

lock = threading.Lock()
calls = []
settings = {"life": 0, "fails": "", "clock": 0, "region": "eu-west-3", "v2": True, "sign_on": 28800, "jwks": "", "discovery": ""}
# The words that renew a sign-on, of which each is good for once.
words = {"word-0"}


def lend(*what):
    """Keys for this question: id, secret, token and end."""
    end = int(time.time()) + settings["life"] if settings["life"] else FIXED_END
    digest = hashlib.sha1("|".join(what).encode()).hexdigest()[:12].upper().replace("E", "G")
    key = f"ASIA{digest}E{end}"
    return key, f"secret-of-{key}", f"token-of-{key}", end


def iso(end):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, text, kind="text/plain"):
        data = text.encode()
        self.send_response_only(status)
        self.send_header("Date", email.utils.formatdate(time.time() + settings["clock"], usegmt=True))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path == "/_set":
            settings.update(json.loads(body))
            return self.answer(200, "{}")
        if path == "/_calls":
            with lock:
                return self.answer(200, json.dumps(calls))
        with lock:
            calls.append(
                {
                    "method": self.command,
                    "target": self.path,
                    "at": time.time(),
                    "body": body.decode(),
                    "form": dict(urllib.parse.parse_qsl(body.decode())),
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                }
            )
        if settings["fails"] == "silent":
            time.sleep(30)
            return None
        if settings["fails"] == "down":
            return self.answer(503, "")
        if path == "/jwks":
            return self.answer(200, settings["jwks"], "application/json")
        if path.endswith("/.well-known/openid-configuration"):
            return self.answer(200, settings["discovery"], "application/json")
        if path.startswith("/latest/"):
            return self.instance(path)
        if path == "/federation/credentials":
            return self.portal(dict(urllib.parse.parse_qsl(query)))
        if path == "/token":
            return self.sign_on(body)
        if path.startswith("/container"):
            return self.container()
        return self.token_service(body)

    do_GET = do_POST = do_PUT = handle_any

    def instance(self, path):
        if path == "/latest/api/token":
            if not settings["v2"]:
                return self.answer(404, "")
            if self.command != "PUT" or not self.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "").isdigit():
                return self.answer(400, "")
            return self.answer(200, METADATA_TOKEN)
        if settings["v2"] and self.headers.get("x-aws-ec2-metadata-token") != METADATA_TOKEN:
            return self.answer(401, "")
        if path == "/latest/meta-data/placement/region":
            return self.answer(200, settings["region"])
        if path == "/latest/meta-data/placement/availability-zone/":
            return self.answer(200, settings["region"] + "a")
        role = path.removeprefix("/latest/meta-data/iam/security-credentials/")
        if settings["fails"] == "denied":
            return self.answer(404, "")
        if role == "":
            return self.answer(200, "instance-role")
        key, secret, token, end = lend("instance", role)
        return self.answer(
            200,
            json.dumps(
                {
                    "Code": "Success",
                    "LastUpdated": iso(time.time()),
                    "Type": "AWS-HMAC",
                    "AccessKeyId": key,
                    "SecretAccessKey": secret,
                    "Token": token,
                    "Expiration": iso(end),
                }
            ),
        )

    def container(self):
        if settings["fails"] == "denied":
            return self.answer(403, json.dumps({"code": "AccessDenied", "message": "no"}))
        key, secret, token, end = lend("container", self.path, self.headers.get("Authorization", ""))
        return self.answer(
            200, json.dumps({"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": iso(end)})
        )

    def portal(self, query):
        if settings["fails"] == "denied" or self.headers.get("x-amz-sso_bearer_token") != SIGN_ON_TOKEN:
            return self.answer(401, json.dumps({"message": "Session token not found or invalid"}), "application/json")
        key, secret, token, end = lend("portal", query["account_id"], query["role_name"])
        document = {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": token, "expiration": end * 1000}
        return self.answer(200, json.dumps({"roleCredentials": document}), "application/json")

    def sign_on(self, body):
        question = json.loads(body)
        word = question.pop("refreshToken", None)
        if question != {"grantType": "refresh_token", "clientId": "client", "clientSecret": "client-secret"}:
            return self.answer(400, json.dumps({"error": "invalid_client"}), "application/json")
        with lock:
            if word not in words:
                return self.answer(400, json.dumps({"error": "invalid_grant"}), "application/json")
            # Somebody else's home begins with the first word, too.
            if word != "word-0":
                words.remove(word)
            following = f"word-{int(word.split('-')[1]) + 1}"
            words.add(following)
        document = {
            "accessToken": SIGN_ON_TOKEN,
            "expiresIn": settings["sign_on"],
            "refreshToken": following,
            "tokenType": "Bearer",
        }
        return self.answer(200, json.dumps(document), "application/json")

    def token_service(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        action = form.get("Action")
        signer = ""
        if action == "AssumeRoleWithWebIdentity":
            if "Authorization" in self.headers:
                return self.refuse(400, "ValidationError", "must not be signed")
            signer = form["WebIdentityToken"]
        else:
            headers = list(self.headers.items())
            fault = fake_lambda.signature_fault(
                self.command, self.path, headers, body, "sts", time.time() + settings["clock"]
            )
            if fault:
                if "s ago" in fault:
                    return self.refuse(403, "SignatureDoesNotMatch", "Signature expired: " + fault)
                return self.refuse(403, "InvalidClientTokenId", fault)
            signer = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
        if action == "GetCallerIdentity":
            return self.answer(
                200,
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role/"
                f"{signer}</Arn><UserId>U</UserId><Account>111122223333</Account></GetCallerIdentityResult>"
                "</GetCallerIdentityResponse>",
                "text/xml",
            )
        if settings["fails"] == "denied":
            return self.refuse(403, "AccessDenied", f"{signer} may not")
        if settings["fails"] == "expired":
            return self.refuse(403, "ExpiredToken", "The security token included in the request is expired")
        # Not the name of the session, which everybody invents for himself.
        key, secret, token, end = lend(
            "role", form["RoleArn"], signer, form.get("ExternalId", ""), form.get("DurationSeconds", "3600")
        )
        account = form["RoleArn"].split(":")[4]
        return self.answer(
            200,
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser>'
            f"<AssumedRoleId>X:s</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/r/s</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{iso(end)}</Expiration></Credentials></{action}Result>"
            f"</{action}Response>",
            "text/xml",
        )

    def refuse(self, status, code, message):
        self.answer(
            status,
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>r</RequestId></ErrorResponse>",
            "text/xml",
        )


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secure_port = 0
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        secure = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        secure.daemon_threads = True
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        threading.Thread(target=secure.serve_forever, daemon=True).start()
        secure_port = secure.server_address[1]
    print(server.server_address[1], secure_port, flush=True)
    sys.stdin.buffer.read()


main()
