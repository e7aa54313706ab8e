"""A mail server for one test. Says its port, then one line of JSON per letter,
read with Python's own e-mail library: what a stranger's program understands.

`starttls` or `tls` as first argument protect the connection with a certificate
made here, whose file is said after the port, and ask
for a login.

Addresses decide what happens: `gone@` is refused for good, `later@` is put off
at the first try, everybody else gets their mail.
"""

import asyncio
import datetime
import email
import email.policy
import ipaddress
import json
import ssl
import sys

import icalendar
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class Handler:
    def __init__(self):
        self.put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "gone":
            return "550 5.1.1 no such mailbox"
        if name == "later" and address not in self.put_off:
            self.put_off.add(address)
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        defects = [str(defect) for part in message.walk() for defect in part.defects]
        parts = []
        for part in message.walk():
            if part.is_multipart():
                continue
            content = part.get_content()
            parts.append(
                {
                    "type": part.get_content_type(),
                    "method": part.get_param("method"),
                    "name": part.get_filename(),
                    "text": content if isinstance(content, str) else content.decode(),
                }
            )
        said = {
            "to": envelope.rcpt_tos,
            "subject": message["Subject"],
            "id": message["Message-ID"],
            "tls": (server.transport.get_extra_info("cipher") or [None, False])[1],
            "login": (session.auth_data or b"").decode(),
            "unsubscribe": message["List-Unsubscribe"],
            "unsubscribe_post": message["List-Unsubscribe-Post"],
            "auto": message["Auto-Submitted"],
            "defects": defects,
            "parts": parts,
            "calendars": [calendar(part["text"]) for part in parts if part["type"] == "text/calendar"],
        }
        print(json.dumps(said), flush=True)
        return "250 OK"


def calendar(text):
    parsed = icalendar.Calendar.from_ical(text)
    event = parsed.walk("VEVENT")[0]
    return {
        "method": str(parsed["METHOD"]),
        "uid": str(event["UID"]),
        "start": int(event["DTSTART"].dt.timestamp()),
        "summary": str(event["SUMMARY"]),
    }


def certificate(folder):
    """A root of one test's own, and a certificate of 127.0.0.1 signed by it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)

    def signed(name, key, issuer, by, more):
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        for extension, critical in more:
            builder = builder.add_extension(extension, critical)
        return builder.sign(by, SHA256())

    root_key = ec.generate_private_key(ec.SECP256R1())
    root = signed("root", root_key, None, root_key, [(x509.BasicConstraints(ca=True, path_length=0), True)])
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = signed("server", key, root.subject, root_key, [(names, False)])
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with open(f"{folder}/root.pem", "wb") as file:
        file.write(root.public_bytes(Encoding.PEM))
    with open(f"{folder}/server.pem", "wb") as file:
        file.write(pem + server.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.pem")
    return context, f"{folder}/root.pem"


def let_in(server, session, envelope, mechanism, data):
    known = data.login == b"bedside" and data.password == b"open sesame"
    # Not handled: the server itself says 535.
    return AuthResult(success=known, handled=False, auth_data=data.login)


async def main():
    handler = Handler()
    loop = asyncio.get_running_loop()
    way = sys.argv[1] if len(sys.argv) > 1 else "plain"
    options, context, root = {"enable_SMTPUTF8": True}, None, ""
    if way != "plain":
        context, root = certificate(sys.argv[2])
        options |= {"authenticator": let_in, "auth_required": True}
    if way == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if way == "tls":
        options |= {"auth_require_tls": False}
    wrapped = context if way == "tls" else None
    server = await loop.create_server(lambda: SMTP(handler, **options), "127.0.0.1", 0, ssl=wrapped)
    print(server.sockets[0].getsockname()[1], root, flush=True)
    await server.serve_forever()


asyncio.run(main())
