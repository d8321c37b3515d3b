"""An SMTP server for tests, on aiosmtpd: it takes mail, answers as told, and reports on standard output.

The first line it prints is {"plain": port, "starttls": port, "tls": port}; every mail that reaches the end of
DATA is written to DIRECTORY/NNN.eml (the bytes as received, dots removed) and reported as one line of JSON with
what Python's own e-mail parser makes of it. Ends when standard input does.
"""
import argparse
import asyncio
import email
import email.policy
import json
import logging
import pathlib
import ssl
import sys
import time
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

# Logins without TLS and refused handshakes are what the tests are about.
warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

USER, PASSWORD = b"desk", b"pass word"


def local_part(address):
    return address.split("@")[0]


def check_login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == USER and data.password == PASSWORD, handled=data.login == b"")


class Server(SMTP):
    """Knows since when (in seconds since 1970) its client has been connected."""
    connected_at = None

    def connection_made(self, transport):
        # STARTTLS makes the connection a second time.
        self.connected_at = self.connected_at or time.time()
        super().connection_made(transport)


class Handler:
    async def auth_XOAUTH2(self, server, args):
        """As Google describes it: a refusal says why in a challenge, which the client answers with an empty line."""
        import base64
        text = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        user, _, rest = text.partition("\x01")
        if user == "user=desk" and rest.startswith("auth=Bearer access-") and rest.endswith("\x01\x01"):
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"401"}')
        return AuthResult(success=False, handled=False)

    def __init__(self, directory, drop_after_dot):
        self.directory, self.drop_after_dot, self.count = directory, drop_after_dot, 0
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = local_part(address)
        if local.startswith("refuse"):
            return "550 5.1.1 No such user"
        if local.startswith("defer"):
            return "451 4.7.1 Greylisted, try again"
        if local.startswith("grey") and address not in self.seen:
            self.seen.add(address)
            return "450 4.2.0 Greylisted, come back"
        if local.startswith("slow"):
            await asyncio.sleep(1)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = self.directory / f"{self.count:03}.eml"
        path.write_bytes(envelope.original_content)
        self.report(path, server, session, envelope)
        if self.drop_after_dot or (self.directory / "drop").exists():
            server.transport.abort()
            return "421 never sent"
        while (self.directory / "hang").exists():
            await asyncio.sleep(0.02)
        if any(local_part(to).startswith("spam") for to in envelope.rcpt_tos):
            return "554 5.6.0 Not wanted"
        return "250 OK"

    def report(self, path, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        print(json.dumps({
            "from": "" if envelope.mail_from == "<>" else envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "path": str(path),
            "connected_at": server.connected_at,
            "is_tls": server.transport.get_extra_info("sslcontext") is not None,
            "is_authenticated": bool(session.authenticated),
            "headers": [[name, str(value)] for name, value in message.items()],
            "file_names": [part.get_filename() for part in message.walk() if part.get_filename()],
        }), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--drop-after-dot", action="store_true")
    parser.add_argument("--require-login", action="store_true")
    options = parser.parse_args()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.directory / "cert.pem", options.directory / "key.pem")
    handler = Handler(options.directory, options.drop_after_dot)

    def smtp(**more):
        return Server(
            handler, enable_SMTPUTF8=True, hostname="smtp.test", authenticator=check_login,
            auth_require_tls=False, auth_required=options.require_login, **more,
        )

    loop = asyncio.get_running_loop()
    servers = {
        "plain": await loop.create_server(smtp, "127.0.0.1", 0),
        "starttls": await loop.create_server(
            lambda: smtp(tls_context=tls, require_starttls=True), "127.0.0.1", 0
        ),
        "tls": await loop.create_server(smtp, "127.0.0.1", 0, ssl=tls),
    }
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
