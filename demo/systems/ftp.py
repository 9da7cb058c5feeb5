"""The warehouse's file server: FTP in the clear, as old warehouses have it; read only, confined to its folder."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import warnings
from pathlib import Path

with warnings.catch_warnings():
    # It stands on asyncore, of which Python 3.11 says that 3.12 lacks it; there it brings its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

USER = "tillmill"
LOG = logging.getLogger("pyftpdlib")
ENTER_LIST_READ = "elr"


class Doorkeeper(DummyAuthorizer):  # type: ignore[misc]  # the library is untyped
    """Lets one user in, by password."""

    def validate_authentication(self, username: str, password: str, handler: FTPHandler) -> None:
        known = self.user_table[USER]["pwd"]
        if username != USER or not secrets.compare_digest(password.encode(), known.encode()):
            raise AuthenticationFailed("Authentication failed.")


def start(folder: Path, password: str) -> tuple[FTPServer, int]:
    """The server of `folder`, in a thread of its own, and its port on loopback."""
    if not LOG.handlers:
        # Left to itself, the library tells of every file on the terminal.
        LOG.addHandler(logging.StreamHandler())
        LOG.setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    doorkeeper = Doorkeeper()
    doorkeeper.add_user(USER, password, str(folder), perm=ENTER_LIST_READ)
    handler = type("Warehouse", (FTPHandler,), {"authorizer": doorkeeper, "banner": "warehouse"})
    loop = IOLoop()
    listening = socket.create_server(("127.0.0.1", 0))
    server = FTPServer(listening, handler, ioloop=loop)
    threading.Thread(target=loop.loop, name="ftp", daemon=True).start()
    return server, int(listening.getsockname()[1])
