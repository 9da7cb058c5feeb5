"""FTP servers and an object store on loopback, each in a thread of its own."""

from __future__ import annotations

import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

with warnings.catch_warnings():
    # It stands on asyncore, of which Python 3.11 says that 3.12 lacks it; there it brings its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

USER, PASSWORD = "mill", "s3cret"


@contextmanager
def ftp_server(
    folder: Path, *, certificate: Path | None = None, without: tuple[str, ...] = (), **more: Any
) -> Iterator[int]:
    """The port of an FTP server for `folder`, under TLS with a certificate; it knows no command of `without`."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elr")
    commands = {name: told for name, told in FTPHandler.proto_cmds.items() if name not in without}
    own: dict[str, Any] = {"authorizer": authorizer, "proto_cmds": commands, "banner": "mill"} | more
    base = FTPHandler
    if certificate is not None:
        base = TLS_FTPHandler
        commands |= {name: told for name, told in TLS_FTPHandler.proto_cmds.items() if name not in without}
        own |= {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
    handler = type("Handler", (base,), own)
    loop = IOLoop()
    listener = socket.create_server(("127.0.0.1", 0))
    server = FTPServer(listener, handler, ioloop=loop)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            loop.loop(timeout=0.02, blocking=False)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        ended.set()
        thread.join(20)
        with suppress(OSError):
            server.close_all()


def make_certificate(path: Path) -> str:
    """A certificate for 127.0.0.1 that nobody vouches for; writes it with its key, returns it as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mill")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(text + private)
    return text.decode()


@contextmanager
def object_store() -> Iterator[str]:
    """The address of an empty S3."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
