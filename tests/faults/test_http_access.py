"""HTTP sources that want to know who asks: fault 4: tokens that end, are refused, or may be in no log."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from tests.faults.http_feed import SECRET, feeding
from tests.faults.http_server import (
    RESET,
    FaultServer,
    Reply,
    Request,
    failing,
    told,
)
from tests.faults.http_stores import CHANGED, PAGED, TELLS, Stores, request, stops_and_recovers, store

OAUTH = {
    "token_url": "http://127.0.0.1:{port}/token",
    "client_id": "mill",
    "client_secret": "file:token",
}


class Guarded:
    """Stores behind OAuth2; tokens have numbers, and only the newest one is good."""

    def __init__(self, stores: Stores, lasts: float | None = None) -> None:
        self.stores, self.lasts, self.given = stores, lasts, 0

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            form = request.body.decode()
            if "grant_type=client_credentials" not in form or f"client_secret={SECRET}" not in form:
                return failing(400)
            self.given += 1
            return told({"access_token": f"token-{self.given}"} | ({"expires_in": self.lasts} if self.lasts else {}))
        if request.headers.get("authorization") != f"Bearer token-{self.given}":
            return failing(401)
        return self.stores(request)


def test_fault_4_an_expired_token_is_renewed_once_and_a_refused_one_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 4: one refresh on a 401; then Stop; no secret in any message, log, or file of the workspace."""
    caplog.set_level(logging.DEBUG)
    stores = Stores([store(number) for number in range(7)])
    guarded = Guarded(stores)
    with feeding(tmp_path, FaultServer(guarded, only_path="/stores"), CHANGED, OAUTH) as feed:
        feed.server.faults = [stores(request("page=1")), failing(401)]
        assert feed.pull().landed == 7
        assert guarded.given == 2
        stops_and_recovers(feed, stores, [failing(401)] * 2, "refused us (401)")
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "token"]
    assert not any(SECRET.encode() in text or b"token-1" in text for text in kept)
    assert SECRET not in caplog.text
    assert "token-1" not in caplog.text


def test_fault_4_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """Fault 4: `expires_in` is honoured, so that the source sees no request with a dead token."""
    stores = Stores([store(number) for number in range(7)])
    guarded = Guarded(stores, lasts=0.2)
    stores.before = lambda request: time.sleep(0.15)
    with feeding(tmp_path, FaultServer(guarded), CHANGED, OAUTH) as feed:
        assert feed.pull().landed == 7
        assert guarded.given > 2
        assert len(feed.asked()) == 4


def test_fault_4_details_fetched_side_by_side_renew_a_token_once_between_them(tmp_path: Path) -> None:
    """Fault 4: each new token ends the one before it; threads that each fetch their own would end each other's."""
    stores = Stores([store(number) for number in range(12)])
    guarded = Guarded(stores)
    refused: list[Request] = []

    def answer(request: Request) -> Reply:
        if request.path.startswith("/stores/"):
            if guarded.given == 1:
                time.sleep(0.02)
                refused.append(request)
                return failing(401)
            good = request.headers["authorization"] == f"Bearer token-{guarded.given}"
            return told(store(int(request.path[-2:]))) if good else failing(401)
        return guarded(request)

    pull = {"path": "stores", "items": "data", "detail": "stores/{id}", "params": {"size": "12"}}
    with feeding(tmp_path, FaultServer(answer), pull, OAUTH) as feed:
        assert feed.pull().landed == 12
        assert guarded.given == 2
        assert 1 <= len(refused) <= 4


def test_fault_4_a_token_server_in_trouble_is_asked_again_and_one_that_refuses_stops(tmp_path: Path) -> None:
    """Fault 4: the token server may be down too; its refusal is told without the secret it was shown."""
    stores = Stores([store(number) for number in range(4)])
    with feeding(tmp_path, FaultServer(Guarded(stores), [failing(503), RESET], "/token"), CHANGED, OAUTH) as feed:
        assert feed.pull().landed == 4
        feed.server.faults = [told({"error": "invalid_client", "error_description": SECRET}, 401)]
        stopped = feed.pull()
        assert stopped.error is not None
        assert "/token: gave no token (status 401)" in stopped.error
        assert SECRET not in stopped.error
        feed.server.faults = [told({"token_type": "bearer"})]
        assert "gave no token (status 200)" in (feed.pull().error or "")


def test_fault_4_a_key_in_the_query_stays_out_of_logs_and_messages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 4: the HTTP library logs addresses; a key in one of them is cut off there."""
    caplog.set_level(logging.DEBUG)
    stores = Stores([store(0)])
    key = {"api_key": "file:token", "api_key_param": "key"}
    with feeding(tmp_path, FaultServer(stores), PAGED, key) as feed:
        assert feed.pull().landed == 1
        assert feed.asked()[0].query["key"] == SECRET
        feed.server.faults = [failing(403)]
        stopped = feed.pull()
        assert stopped.error is not None
        assert SECRET not in stopped.error
    assert "/stores" in caplog.text
    assert SECRET not in caplog.text


def test_fault_5_a_session_that_has_ended_inside_a_200_is_renewed_once(tmp_path: Path) -> None:
    """Fault 5 and 4: platforms that tell an expired token by a code."""
    stores = Stores([store(number) for number in range(4)])
    guarded = Guarded(stores)
    ended = told({"code": 42001, "msg": "token expired"})
    tells = TELLS | {"expired_values": ["42001"]}
    with feeding(tmp_path, FaultServer(guarded, [ended], "/stores"), CHANGED, tells | OAUTH) as feed:
        assert feed.pull().landed == 4
        assert guarded.given == 2
        stops_and_recovers(feed, stores, [ended] * 2, "42001 token expired")
