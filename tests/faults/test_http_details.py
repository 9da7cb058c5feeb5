"""Addresses that an HTTP source hands out: details of a record, and redirects, stay on its own server (fault 32)."""

from __future__ import annotations

from pathlib import Path

from tests.faults.http_feed import SECRET, feeding
from tests.faults.http_server import (
    FaultServer,
    Reply,
    Request,
    failing,
    told,
)
from tests.faults.http_stores import PAGED, Stores, store


def test_the_details_of_a_record_come_with_it_and_one_that_is_gone_is_quarantined(tmp_path: Path) -> None:
    """Faults 1 and 2: details a few at a time, within the page's deadline; a failing one stops the stream."""
    listed = [{"id": f"s{number:02d}", "url": f"/stores/s{number:02d}?v=2"} for number in range(7)]

    def answer(request: Request) -> Reply:
        if request.path == "/stores":
            return told({"data": listed})
        number = int(request.path[-2:])
        assert request.query == {"v": "2"}
        return failing(410) if number == 3 else told({"store": store(number)})

    detailed = {"path": "stores", "items": "data", "detail": "{url}", "detail_item": "store"}
    with feeding(tmp_path, FaultServer(answer, [failing(500)], "/stores/"), detailed) as feed:
        result = feed.pull()
        assert (result.pulled, result.landed, result.quarantined) == (7, 6, 1)
        assert feed.current["s06"] == "Store 6"
        assert feed.bad["reason"].to_list() == ["its detail is gone (410)"]
        listed.append({"id": "s08", "url": "/stores/s08?v=2"})
        feed.server.faults = [failing(500)] * 9
        cursor = feed.cursor
        assert feed.pull().error is not None
        assert feed.cursor == cursor


def test_a_detail_cannot_lead_to_another_server_or_another_path(tmp_path: Path) -> None:
    """Fault 4: the token stays here; an id with slashes stays one part of the path."""
    listed = [{"id": "../admin"}]

    def answer(request: Request) -> Reply:
        return told({"data": listed}) if request.path == "/stores" else told(store(1))

    detailed = {"path": "stores", "items": "data", "detail": "stores/{id}"}
    with feeding(tmp_path, FaultServer(answer), detailed, {"token": "file:token"}) as feed:
        assert feed.pull().landed == 1
        assert feed.asked()[1].path == "/stores/..%2Fadmin"
    away = [{"id": "s01", "url": "http://127.0.0.2:1/x"}]
    server = FaultServer(lambda request: told({"data": away}))
    with feeding(tmp_path / "away", server, detailed | {"detail": "{url}"}, {"token": "file:token"}) as feed:
        stopped = feed.pull()
        assert stopped.error is not None
        assert "the token stays here" in stopped.error


def test_redirects_are_followed_on_the_same_server_and_refused_to_another(tmp_path: Path) -> None:
    """Fault 4: a redirect to another host would take the token there."""
    stores = Stores([store(1)])

    def answer(request: Request) -> Reply:
        return (
            stores(request)
            if request.path == "/stores/"
            else failing(308, Location=f"/stores/?page={request.query['page']}")
        )

    with feeding(tmp_path, FaultServer(answer), PAGED, {"token": "file:token"}) as feed:
        assert feed.pull().landed == 1
        assert feed.asked("/stores/")[0].headers["authorization"] == f"Bearer {SECRET}"
        feed.server.faults = [failing(302, Location="http://127.0.0.2:1/stores")]
        stopped = feed.pull()
        assert stopped.error is not None
        assert "we are sent on, and the answer lies on another server (127.0.0.2)" in stopped.error
