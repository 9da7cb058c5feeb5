"""JSON-RPC sources by the whole runner: log-in, errors in a 200, typed values, paging by id and offset."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.faults.http_feed import SECRET, feeding
from tests.faults.http_server import FaultServer, Reply, Request, failing, told

WAY_IN = {"database": "mill", "user": "reader", "password": "file:token"}
ODOO = {"dialect": "odoo", **WAY_IN}
TRYTON = {"dialect": "tryton", **WAY_IN}
FIELDS = {"store_id": "code", "city": "region_id.name", "updated_at": "write_date"}
READ = {"model": "stock.warehouse", "fields": ["code", "name", "region_id", "note", "active"], "size": 2}
READ |= {"since_field": "write_date", "overlap_seconds": 0}
KINDS = {"code": "char", "name": "char", "region_id": "many2one", "note": "text", "active": "boolean"}


def result(request: Request, value: Any) -> Reply:
    return told({"jsonrpc": "2.0", "id": request.json["id"], "result": value})


class Odoo:
    """Warehouses as Odoo tells them: false for null, a reference as id and name."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.domains: list[Any] = []

    def __call__(self, request: Request) -> Reply:
        assert request.path == "/jsonrpc"
        params = request.json["params"]
        if params["service"] == "common":
            assert params["method"] == "login"
            return result(request, 7 if params["args"] == ["mill", "reader", SECRET] else False)
        database, user, password, model, method, args, options = params["args"]
        assert (database, user, password, model) == ("mill", 7, SECRET, "stock.warehouse")
        if method == "fields_get":
            return result(request, {name: {"type": kind} for name, kind in KINDS.items()})
        [domain] = args
        self.domains.append(domain)
        after = max([value for name, sign, value in domain if (name, sign) == ("id", ">")], default=0)
        since = max([value for name, sign, value in domain if (name, sign) == ("write_date", ">=")], default="")
        found = [row for row in self.rows if row["id"] > after and row["write_date"] >= since]
        start, end = options["offset"], options["offset"] + options["limit"]
        wanted = {"id", *options["fields"]}
        return result(request, [{k: v for k, v in row.items() if k in wanted} for row in found[start:end]])


def warehouse(number: int, day: int | None = None, **more: Any) -> dict[str, Any]:
    row = {"id": number, "code": f"WH{number}", "name": f"House {number}", "region_id": [3, "East"], "note": False}
    return row | {"active": False, "write_date": f"2026-01-{day or number:02d} 10:00:00", **more}


@pytest.mark.parametrize("paging", ["keyset", "offset"])
def test_odoo_is_read_page_by_page_and_then_only_what_changed(tmp_path: Path, paging: str) -> None:
    odoo = Odoo([warehouse(number) for number in range(1, 6)])
    with feeding(tmp_path, FaultServer(odoo), READ | {"paging": paging}, ODOO, "jsonrpc", FIELDS) as feed:
        assert feed.pull().landed == 5
        odoo.rows[1] = warehouse(2, day=8, name="House 2, mended")
        odoo.rows.append(warehouse(6, day=7))
        assert feed.pull().landed == 2
        assert feed.current["WH2"] == "House 2, mended"
        assert len(feed.ids) == 6
        assert ["write_date", ">=", "2026-01-05 10:00:00"] in odoo.domains[-1]
        assert feed.pull().loads == ()
        row = feed.rows.row(0, named=True)
        assert (row["store_id"], row["city"], str(row["updated_at"])) == ("WH1", "East", "2026-01-01 10:00:00+00:00")
        assert '"active":"false"' in row["_extra"]
        assert '"note":null' in row["_extra"] or "note" not in row["_extra"]


def test_odoo_errors_in_a_200_and_a_refused_log_in_stop_without_the_password(tmp_path: Path) -> None:
    """Fault 5: the traceback stays with the server, its message is told."""
    odoo = Odoo([warehouse(1)])
    inside = {"name": "odoo.exceptions.AccessError", "message": f"no rights for {SECRET}", "debug": "Traceback"}
    error = told({"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error", "data": inside}})
    with feeding(tmp_path, FaultServer(odoo, [error]), READ, ODOO, "jsonrpc", FIELDS) as feed:
        stopped = feed.pull().error or ""
        assert "no rights for ***" in stopped
        assert "Traceback" not in stopped
        feed.server.faults = [told({"jsonrpc": "2.0", "id": 1, "result": False})]
        assert "mill: the server refused the log-in of reader" in (feed.pull().error or "")
        feed.server.faults = [told({"jsonrpc": "2.0", "id": 1})]
        assert "neither result nor error" in (feed.pull().error or "")
        assert feed.cursor.value is None
        feed.server.faults = [failing(502)]
        assert feed.pull().landed == 1


class Tryton:
    """Locations as Tryton tells them: objects for decimals and times, a session that may end."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows, self.sessions, self.params = rows, 0, list[Any]()

    def __call__(self, request: Request) -> Reply:
        assert request.path == "/mill/"
        method, params = request.json["method"], request.json["params"]
        if method == "common.db.login":
            assert "authorization" not in request.headers
            self.sessions += 1
            good = params[:2] == ["reader", {"password": SECRET}]
            return result(request, [4, f"session-{self.sessions}"] if good else None)
        session = base64.b64encode(f"reader:4:session-{self.sessions}".encode()).decode()
        if request.headers.get("authorization") != f"Session {session}":
            return failing(401)
        assert method == "model.stock.location.search_read"
        self.params.append(params)
        domain, offset, limit, order, _, _ = params
        assert order == [["id", "ASC"]]
        after = max([term[2] for term in domain if term[0] == "id"], default=0)
        day = max([term[1][2]["day"] for term in domain if term[0] == "OR"], default=0)
        found = [row for row in self.rows if row["id"] > after and max(days_of(row)) >= day]
        return result(request, found[offset : offset + limit])


def days_of(row: dict[str, Any]) -> list[int]:
    return [row[name]["day"] for name in ("write_date", "create_date") if row[name]]


def moment(day: int) -> dict[str, Any]:
    return {
        "__class__": "datetime",
        "year": 2026,
        "month": 1,
        "day": day,
        "hour": 9,
        "minute": 0,
        "second": 0,
        "microsecond": 0,
    }


def location(number: int, changed: int | None = None) -> dict[str, Any]:
    return {
        "id": number,
        "code": f"L{number}",
        "name": f"Place {number}",
        "region": 3,
        "region.": {"id": 3, "name": "East"},
        "opened": {"__class__": "date", "year": 2020, "month": 2, "day": number},
        "area": {"__class__": "Decimal", "decimal": "12.50"},
        "create_date": moment(number),
        "write_date": moment(changed) if changed else None,
    }


TRYTON_READ = {
    "model": "stock.location",
    "fields": ["code", "name", "region", "region.name", "opened", "area"],
    "domain": [["type", "=", "warehouse"]],
    "size": 2,
    "since_field": "write_date",
    "instead_field": "create_date",
    "overlap_seconds": 0,
}
TRYTON_FIELDS = {"store_id": "code", "region": "region.name", "opened_on": "opened"}
TRYTON_FIELDS |= {"updated_at": {"expr": "coalesce(write_date, create_date)"}}  # type: ignore[dict-item]


def test_tryton_values_come_in_their_types_and_a_change_that_never_was_is_known_by_its_making(tmp_path: Path) -> None:
    """Fault 8: `write_date` is null until the first change."""
    tryton = Tryton([location(number) for number in range(1, 4)])
    with feeding(tmp_path, FaultServer(tryton), TRYTON_READ, TRYTON, "jsonrpc", TRYTON_FIELDS) as feed:
        assert feed.pull().error is None
        row = feed.rows.row(0, named=True)
        assert (row["store_id"], row["region"], str(row["opened_on"])) == ("L1", "East", "2020-02-01")
        assert str(row["updated_at"]) == "2026-01-01 09:00:00+00:00"
        assert '"area":"12.50"' in row["_extra"]
        assert tryton.params[0][0] == [["type", "=", "warehouse"]]
        assert tryton.params[1][0][-1] == ["id", ">", 2]
        tryton.rows[0] = location(1, changed=9)
        assert feed.pull().landed == 1
        assert tryton.params[-2][0][1] == ["OR", ["write_date", ">=", moment(3)], ["create_date", ">=", moment(3)]]


def test_a_tryton_session_that_has_ended_is_opened_anew_and_a_refused_one_stops(tmp_path: Path) -> None:
    """Fault 4."""
    tryton = Tryton([location(number) for number in range(1, 4)])
    with feeding(tmp_path, FaultServer(tryton), TRYTON_READ, TRYTON, "jsonrpc", TRYTON_FIELDS) as feed:
        first = iter([None, None, failing(401)])
        answer = feed.server.answer

        def ends(request: Request) -> Reply:
            return next(first, None) or answer(request)

        feed.server.answer = ends
        assert feed.pull().landed == 3
        assert tryton.sessions == 2
        feed.server.answer = lambda request: result(request, None)
        stopped = feed.pull().error or ""
        assert "mill: the server refused the log-in of reader" in stopped
        assert SECRET not in stopped
        feed.server.answer = lambda request: told({"id": 1, "error": ["UserError", ["Not allowed", ""]]})
        assert "Not allowed" in (feed.pull().error or "")
