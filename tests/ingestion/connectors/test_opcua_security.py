"""OPC UA with certificates and passwords, each server and client with a key made for the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.user_managers import UserManager
from cryptography.x509.oid import ExtendedKeyUsageOID

from ingestion.connectors.opcua import Connection, Pull, pages
from tests.ingestion.connectors.fixtures import make_workspace, write_secret
from tests.ingestion.connectors.opcua_server import Plant
from tests.ingestion.connectors.servers import serving
from tillmill.errors import SettingsError, SourceError
from tillmill.workspace import Workspace

URI = "urn:tillmill:client"


@dataclass(frozen=True)
class Keys:
    """A certificate (DER) and its key (PEM)."""

    certificate: Path
    key: Path


def make_keys(folder: Path, name: str, uri: str) -> Keys:
    keys = Keys(folder / f"{name}.der", folder / f"{name}.pem")
    use = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    subject = {"countryName": "NL", "organizationName": "Mill"}
    asyncio.run(setup_self_signed_certificate(keys.key, keys.certificate, uri, "localhost", use, subject))
    keys.key.chmod(0o600)
    return keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Keys]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_keys(folder, name, URI) for name in ("server", "client", "stranger")}


@pytest.fixture(scope="module")
def plant(keys: dict[str, Keys]) -> Iterator[Plant]:
    async def secure(server: Any) -> None:
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        await server.load_certificate(keys["server"].certificate)
        await server.load_private_key(keys["server"].key)
        server.iserver.user_manager = Doorkeeper()
        server.set_identity_tokens([ua.UserNameIdentityToken])

    plant = Plant(secure=secure)
    with serving(plant.serve()):
        yield plant


class Doorkeeper(UserManager):
    """Lets one user in."""

    def get_user(self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None) -> Any:
        return User(role=UserRole.User) if (username, password) == ("mill", "s3cret") else None


@pytest.fixture
def workspace(tmp_path: Path, keys: dict[str, Keys]) -> Workspace:
    workspace = make_workspace(tmp_path)
    for name, pair in keys.items():
        (tmp_path / f"{name}.der").write_bytes(pair.certificate.read_bytes())
        write_secret(tmp_path / f"{name}.pem", pair.key.read_text())
    write_secret(tmp_path / "password", "s3cret")
    write_secret(tmp_path / "wrong", "guess")
    return workspace


def read(workspace: Workspace, plant: Plant, **settings: Any) -> int:
    given = {
        "url": f"opc.tcp://127.0.0.1:{plant.port}/mill",
        "username": "mill",
        "password": "file:password",
        "policy": "Basic256Sha256",
        "certificate": "client.der",
        "private_key": "file:client.pem",
        "server_certificate": "server.der",
        "reconnects": 0,
        "timeout_seconds": 3,
    }
    pull = Pull(name="mill", nodes=[{"node": "ns=2;s=L1.State"}])
    [page] = pages(workspace, Connection(**(given | settings)), pull, None)
    return page.records.height


def test_a_server_is_read_signed_and_encrypted_with_a_password(workspace: Workspace, plant: Plant) -> None:
    assert read(workspace, plant) == 1


def test_a_wrong_password_is_refused_and_never_told(workspace: Workspace, plant: Plant) -> None:
    with pytest.raises(SourceError, match="refuses us") as caught:
        read(workspace, plant, password="file:wrong")
    assert "guess" not in str(caught.value)


def test_another_server_than_the_pinned_one_is_not_spoken_to(workspace: Workspace, plant: Plant) -> None:
    with pytest.raises(SourceError):
        read(workspace, plant, server_certificate="stranger.der")


def test_a_key_that_others_can_read_is_refused(workspace: Workspace, plant: Plant) -> None:
    (workspace.root / "client.pem").chmod(0o644)
    with pytest.raises(SettingsError, match="can be read by others"):
        read(workspace, plant)


def test_a_certificate_that_is_not_there_is_named(workspace: Workspace, plant: Plant) -> None:
    with pytest.raises(SettingsError, match=r"no certificate at .*none\.der"):
        read(workspace, plant, server_certificate="none.der")
