"""The file server of the nightly extracts: SFTP with a password, read only, confined to its folder."""

from __future__ import annotations

import secrets
from pathlib import Path

import asyncssh

USER = "tillmill"
WRITING = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


def _refuse() -> asyncssh.SFTPPermissionDenied:
    return asyncssh.SFTPPermissionDenied("this server is read only")


class ReadOnlyFiles(asyncssh.SFTPServer):
    """Files to look at and read."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & WRITING:
            raise _refuse()
        return super().open(path, pflags, attrs)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        raise _refuse()

    def remove(self, path: bytes) -> None:
        raise _refuse()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise _refuse()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise _refuse()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise _refuse()

    def rmdir(self, path: bytes) -> None:
        raise _refuse()

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise _refuse()

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise _refuse()

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise _refuse()

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise _refuse()


class Doorkeeper(asyncssh.SSHServer):
    """Lets one user in, by password."""

    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == USER and secrets.compare_digest(password, self._password)


def host_key(path: Path) -> asyncssh.SSHKey:
    """The server's key, made at the first start and kept, so that a pinned key stays good."""
    if not path.exists():
        fresh = path.with_name(path.name + ".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        fresh.replace(path)
    return asyncssh.read_private_key(path)


async def start(folder: Path, key: asyncssh.SSHKey, password: str) -> asyncssh.SSHAcceptor:
    """The server of `folder` on a free port of loopback."""

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> ReadOnlyFiles:
        return ReadOnlyFiles(channel, chroot=str(folder).encode())

    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Doorkeeper(password),
        server_host_keys=[key],
        sftp_factory=files,
        allow_scp=False,
        compression_algs=["none"],
    )
