"""Makes key pairs, the JWK Sets of their public halves and tokens, with the openssl command: a second opinion on both.

    make_tokens.py keys FOLDER NAME:KIND...       writes FOLDER/NAME.pem, prints their JWK Set; KIND: rsa, p256, p384,
                                                  p521, ed25519
    make_tokens.py token KEY ALGORITHM HEADER CLAIMS   prints a token; HEADER is merged into {"alg", "typ"}
"""

import base64
import json
import subprocess
import sys

CURVES = {"p256": ("P-256", 32), "p384": ("P-384", 48), "p521": ("P-521", 66)}
SIZES = {"ES256": 32, "ES384": 48, "ES512": 66}


def run(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_key(path, kind):
    if kind == "rsa":
        run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
    elif kind == "ed25519":
        run("genpkey", "-algorithm", "ED25519", "-out", path)
    else:
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + CURVES[kind][0], "-out", path)


def public_jwk(path, kind):
    der = run("pkey", "-in", path, "-pubout", "-outform", "DER")
    if kind == "rsa":
        modulus = run("rsa", "-in", path, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}
    if kind == "ed25519":
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:])}
    name, size = CURVES[kind]
    return {
        "kty": "EC",
        "crv": name,
        "x": base64url(der[-2 * size : -size]),
        "y": base64url(der[-size:]),
    }


def number(der, offset):
    assert der[offset] == 2
    length = der[offset + 1]
    return int.from_bytes(der[offset + 2 : offset + 2 + length], "big"), offset + 2 + length


def sign(path, algorithm, message, folder_file):
    digest = "-sha" + algorithm[2:]
    if algorithm.startswith("RS"):
        return run("dgst", digest, "-sign", path, data=message)
    if algorithm.startswith("PS"):
        return run(
            "dgst", digest, "-sign", path, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest",
            data=message,
        )
    if algorithm == "EdDSA":
        with open(folder_file, "wb") as file:
            file.write(message)
        return run("pkeyutl", "-sign", "-rawin", "-inkey", path, "-in", folder_file)
    der = run("dgst", digest, "-sign", path, data=message)
    r, end = number(der, 3 if der[1] & 0x80 else 2)
    s, _ = number(der, end)
    size = SIZES[algorithm]
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def token(path, algorithm, header, claims):
    header = {"alg": algorithm, "typ": "JWT", **header}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, claims)]
    message = ".".join(base64url(part) for part in parts)
    return message + "." + base64url(sign(path, algorithm, message.encode(), path + ".message"))


def main():
    if sys.argv[1] == "keys":
        keys = []
        for word in sys.argv[3:]:
            name, kind = word.split(":")
            path = f"{sys.argv[2]}/{name}.pem"
            make_key(path, kind)
            keys.append({**public_jwk(path, kind), "kid": name, "use": "sig"})
        print(json.dumps({"keys": keys}))
    else:
        _, _, path, algorithm, header, claims = sys.argv
        print(token(path, algorithm, json.loads(header), json.loads(claims)))


if __name__ == "__main__":
    main()
