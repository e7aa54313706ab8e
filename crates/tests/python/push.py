"""A push service and a browser for one test. Says its address and the keys of
the subscription, then one line of JSON per message: decrypted by http_ece
(RFC 8188 and 8291), its signature verified by cryptography (RFC 8292).

What is posted to /gone is answered with a 410: the subscription has ended.
"""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRIVATE = ec.generate_private_key(ec.SECP256R1())
AUTH = os.urandom(16)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(header):
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid", scheme
    fields = dict(field.strip().split("=", 1) for field in rest.split(","))
    head, claims, signature = fields["t"].split(".")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(fields["k"]))
    raw = decode(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key.verify(utils.encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    return json.loads(decode(claims)), fields["k"]


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/gone":
            self.answer(410)
            return
        plain = http_ece.decrypt(body, private_key=PRIVATE, auth_secret=AUTH, version="aes128gcm")
        claims, key = verified(self.headers["Authorization"])
        said = {
            "plain": plain.decode(),
            "encoding": self.headers["Content-Encoding"],
            "ttl": int(self.headers["TTL"]),
            "aud": claims["aud"],
            "sub": claims["sub"],
            "key": key,
            "cipher": encode(body),
        }
        self.answer(201)
        print(json.dumps(said), flush=True)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Service)
point = PRIVATE.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
origin = f"http://127.0.0.1:{server.server_port}"
print(json.dumps({"origin": origin, "p256dh": encode(point), "auth": encode(AUTH)}), flush=True)
server.serve_forever()
