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

from ingestion.connectors.places.place import Place, Seen

with warnings.catch_warnings():
    # It stands on asyncore, of which Python 3.11 says that 3.12 lacks it; there it brings its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

LISTING = 1000  # no list of files here is longer
USER, PASSWORD = "mill", "s3cret"


def read(place: Place, files: list[Seen]) -> list[bytes | None]:
    """The bytes of the files, in order."""
    found: dict[Seen, bytes | None] = {}
    place.read(files, found)
    return [found[file] for file in files]


@contextmanager
def cutting_proxy(port: int, *, after: int, times: int) -> Iterator[tuple[int, list[int]]]:
    """The port of a proxy that cuts its first `times` connections once `after` bytes have come back, and how many
    bytes each connection brought."""
    listener = socket.create_server(("127.0.0.1", 0))
    brought: list[int] = []

    def forward(source: socket.socket, sink: socket.socket, most: int = 0, place: int = -1) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                sink.sendall(data)
                if place >= 0:
                    brought[place] += len(data)
                    if most and brought[place] >= most:
                        break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", port))
                brought.append(0)
                place = len(brought) - 1
                most = after if place < times else 0
                threading.Thread(target=forward, args=(caller, server), daemon=True).start()
                threading.Thread(target=forward, args=(server, caller, most, place), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], brought
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


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


def cutting_channel(*, after: int, times: int) -> type[DTPHandler]:
    """A data channel of an FTP server that drops the caller `times` times, each once `after` more bytes were sent."""
    sent: list[int] = []

    class Cutting(DTPHandler):
        def use_sendfile(self) -> bool:
            return False

        def send(self, data: bytes) -> int:
            count: int = super().send(data)
            if len(data) > LISTING:
                sent.append(count)
                if len(sent) <= times:
                    self.cmd_channel.close()
            return count

    Cutting.ac_out_buffer_size = after
    return Cutting


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
