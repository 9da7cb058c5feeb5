"""The systems over their real protocols: what they show, to whom, and when they end."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import httpx
import polars as pl
import pytest
import zeep
from pymodbus.client import ModbusTcpClient
from zeep.wsse.username import UsernameToken

from demo import days, extracts, world
from demo.systems import modbus, purchasing, wms
from tests.demo.conftest import addresses, advance, secrets_of


def read_all(root: Path, system: str, path: str, **params: str) -> list[dict[str, Any]]:
    """Every page of one endpoint."""
    token = secrets_of(root)[system]["token"]
    rows: list[dict[str, Any]] = []
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        for page in range(1, 1_000):
            answer = client.get(
                addresses(root)[system]["base_url"] + path, params={"page": str(page), "per_page": "400", **params}
            )
            answer.raise_for_status()
            body = answer.json()
            rows += body["data"]
            if page >= body["total_pages"]:
                assert len(rows) == body["total"]
                return rows
    raise AssertionError("no last page")


async def _sftp(root: Path, password: str, key: str) -> list[str]:
    url = httpx.URL(addresses(root)["sftp"]["url"])
    known = asyncssh.import_known_hosts(f"[{url.host}]:{url.port} {key}\n")
    async with (
        asyncssh.connect(
            url.host,
            url.port,
            username=url.username,
            password=password,
            known_hosts=known,
            config=None,
            agent_path=None,
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        names = [str(name) for name in await client.listdir("pos")]
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.open("pos/mine.csv", "wb")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.remove("pos/" + next(name for name in names if name.endswith(".csv")))
        with pytest.raises(asyncssh.SFTPError):
            await client.open("../demo.secrets.json")
        return names


def test_the_file_server_shows_extracts_read_only_to_who_knows_the_password(running: Path) -> None:
    place = addresses(running)["sftp"]
    names = asyncio.run(_sftp(running, secrets_of(running)["sftp"]["password"], place["host_key"]))
    assert "sale_lines_20171203.csv" in names
    assert not any("20171204" in name for name in names)
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(_sftp(running, "guess", place["host_key"]))
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        asyncio.run(_sftp(running, secrets_of(running)["sftp"]["password"], other))


def test_the_first_shop_withholds_what_is_later_than_the_clock(running: Path) -> None:
    orders = read_all(running, "shop_a", "/orders", expand="lines")
    assert max(order["updated_at"] for order in orders) <= "2017-12-04T04:01:20Z"
    known = world.table(running, "shop_a.orders").filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()
    assert {order["number"] for order in orders} == set(known["number"])
    for order in orders:
        assert round(sum(line["paid_total"] for line in order["lines"]), 2) == order["total"]


def test_what_was_withheld_appears_once_when_the_clock_has_moved(moving: Path) -> None:
    before = {order["number"] for order in read_all(moving, "shop_a", "/orders")}
    clocks, counters, _ = counted(moving, 1)
    tomorrow = extracts.folder(moving) / "pos" / "sale_lines_20171204.csv"
    assert not tomorrow.exists()
    advance(moving, 2)
    assert tomorrow.stat().st_mtime == (days.CLOCK_AT_START + timedelta(days=1)).timestamp()
    after = [order["number"] for order in read_all(moving, "shop_a", "/orders")]
    new = read_all(moving, "shop_a", "/orders", updated_since="2017-12-04T04:01:20Z")
    assert len(after) == len(set(after))
    assert {order["number"] for order in new} == set(after) - before != set()
    assert max(order["updated_at"] for order in new) <= "2017-12-06T04:01:20Z"
    # The line's counter has run on meanwhile, through shifts that nobody read.
    later_clocks, later_counters, _ = counted(moving, 1)
    truth = pl.read_parquet(moving / "truth" / "shift_counts.parquet").filter(pl.col("line_id") == "L1")
    starts, ends = pl.col("started_at").dt.epoch("s"), pl.col("ended_at").dt.epoch("s")
    between = truth.filter((starts >= clocks[-1]) & (ends <= later_clocks[0]))["good"].sum()
    assert later_clocks[0] > clocks[-1]
    assert (later_counters[0] - counters[-1]) % 65_536 == between


def test_the_member_club_shows_each_member_once_as_he_stands_at_the_clock(running: Path) -> None:
    members = read_all(running, "crm", "/members")
    numbers = [member["member_no"] for member in members]
    versions = world.table(running, "crm.members").filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()
    assert len(numbers) == len(set(numbers)) == versions["member_no"].n_unique() < versions.height
    newest = {row["member_no"]: row["level"] for row in versions.sort("known_at").to_dicts()}
    assert {member["member_no"]: member["level"] for member in members} == newest


def _warehouse(root: Path, password: str) -> Any:
    wsse = UsernameToken(wms.USER, password)
    return zeep.Client(addresses(root)["wms"]["wsdl"], wsse=wsse).service


def test_the_warehouse_tells_its_locations_page_by_page_to_who_signs_in(running: Path) -> None:
    service = _warehouse(running, secrets_of(running)["wms"]["password"])
    known = world.table(running, "wms.locations").collect().rows(named=True)
    full, rest = divmod(len(known), 40)
    pages = [service.GetLocations(Page=page, Size=40) for page in range(1, full + 2)]
    told = [place for page in pages for place in page.Locations.Location]
    assert [page.More for page in pages] == [True] * full + [False]
    assert len(pages[-1].Locations.Location) == rest > 0
    assert [(place.Site, place.Plant, place.ChangedAt) for place in told] == [
        (row["site"], row["plant"], row["changed_at"]) for row in known
    ]
    assert service.GetLocations(ChangedAfter=days.CLOCK_AT_START).Locations is None
    with pytest.raises(zeep.exceptions.Fault, match="start at 1"):
        service.GetLocations(Page=1, Size=0)
    with pytest.raises(zeep.exceptions.Fault, match="wrong user or password"):
        _warehouse(running, "guess").GetLocations()


def _asked(root: Path, method: str, *args: object, password: str | None = None, **options: object) -> Any:
    """What purchasing answers to one call of its model."""
    word = password or secrets_of(root)["purchasing"]["password"]
    call = [purchasing.DATABASE, purchasing.USER_ID, word, purchasing.MODEL, method, list(args), options]
    body = {"jsonrpc": "2.0", "id": 1, "params": {"service": "object", "method": "execute_kw", "args": call}}
    url = addresses(root)["purchasing"]["base_url"] + "/jsonrpc"
    return httpx.post(url, json=body, trust_env=False).raise_for_status().json()


def _lines(root: Path, *domain: object) -> list[dict[str, Any]]:
    fields = ["order_id", "sequence", "product_qty", "qty_received", "state", "write_date"]
    found: list[dict[str, Any]] = _asked(root, "search_read", list(domain), fields=fields)["result"]
    return found


def test_purchasing_tells_each_line_as_it_stands_at_the_clock(moving: Path) -> None:
    versions = world.table(moving, "erp.purchase_orders").collect()
    for days_on, since in ((0, "2000-01-01 00:00:00"), (9, "2017-12-04 04:01:21")):
        advance(moving, days_on)
        clock = days.CLOCK_AT_START + timedelta(days=days_on)
        known = versions.filter(pl.col("known_at") <= clock).unique(["po_no", "line"], keep="last", maintain_order=True)
        changed = known.filter(pl.col("changed_at").dt.strftime("%Y-%m-%d %H:%M:%S") >= since)
        told = _lines(moving, ["write_date", ">=", since])
        assert [line["id"] for line in told] == sorted(line["id"] for line in told)
        assert {(line["order_id"][1], line["sequence"], line["state"], line["qty_received"]) for line in told} == {
            (row["po_no"], row["line"], row["state"], float(row["received"])) for row in changed.to_dicts()
        }
        assert 0 < changed.height < versions.height
    after = _lines(moving, ["id", ">", told[-2]["id"]], ["write_date", ">=", since])
    assert [line["id"] for line in after] == [told[-1]["id"]]


def test_purchasing_says_no_inside_an_answer(running: Path) -> None:
    login = {"service": "common", "method": "login", "args": [purchasing.DATABASE, purchasing.USER, "guess"]}
    url = addresses(running)["purchasing"]["base_url"] + "/jsonrpc"
    told = httpx.post(url, json={"jsonrpc": "2.0", "id": 4, "params": login}, trust_env=False).raise_for_status().json()
    assert told == {"jsonrpc": "2.0", "id": 4, "result": False}
    refused = _asked(running, "search_read", [], fields=["id"], password="guess")
    assert refused["error"]["data"]["message"] == "Access Denied"
    assert "unlink" in _asked(running, "unlink", [1])["error"]["data"]["message"]
    assert "nothing_there" in _asked(running, "search_read", [], fields=["nothing_there"])["error"]["data"]["message"]


def test_nobody_reads_without_the_shops_own_token(running: Path) -> None:
    url = addresses(running)["shop_a"]["base_url"] + "/orders"
    foreign = secrets_of(running)["shop_b"]["token"]
    for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": f"Bearer {foreign}"}):
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 401


def test_secrets_are_readable_by_their_owner_alone_and_not_in_the_addresses(running: Path) -> None:
    assert (running / "run" / "demo.secrets.json").stat().st_mode & 0o077 == 0
    assert (running / "run" / "demo.hostkey").stat().st_mode & 0o077 == 0
    open_text = (running / "run" / "demo.json").read_text()
    for system in secrets_of(running).values():
        assert not any(word in open_text for word in system.values())


def counted(root: Path, line: int) -> tuple[list[int], list[int], int]:
    """Device clocks, raw counters and how often they start again, read with a plain Modbus client."""
    place = addresses(root)[f"line_{line}"]
    client = ModbusTcpClient(place["host"], port=place["port"])
    assert client.connect()
    try:
        header = client.read_holding_registers(0, count=6, device_id=modbus.DEVICE_ID).registers
        _, samples, width, first, scale, _ = header
        assert scale == modbus.PULSES_PER_UNIT
        words: list[int] = []
        for start in range(0, samples * width, 120):
            count = min(120, samples * width - start)
            words += client.read_holding_registers(first + start, count=count, device_id=modbus.DEVICE_ID).registers
        refused = client.write_register(0, 7, device_id=modbus.DEVICE_ID)
        assert refused.isError()
    finally:
        client.close()
    rows = [words[start : start + width] for start in range(0, len(words), width)]
    counters = [row[2] for row in rows]
    falls = sum(later < earlier for earlier, later in itertools.pairwise(counters))
    return [row[0] * 65_536 + row[1] for row in rows], counters, falls


def test_a_lines_counter_equals_the_truth_across_its_rollover(running: Path) -> None:
    truth = pl.read_parquet(running / "truth" / "shift_counts.parquet").filter(
        (pl.col("ended_at") <= days.CLOCK_AT_START) & (pl.col("good") > 0)
    )
    for line in (1, 2, 3):
        clocks, counters, falls = counted(running, line)
        shift = truth.filter(pl.col("line_id") == f"L{line}").sort("ended_at").row(-1, named=True)
        assert (clocks[0], clocks[-1]) == (shift["started_at"].timestamp(), shift["ended_at"].timestamp())
        made = sum((b - a) % 65_536 for a, b in itertools.pairwise(counters))
        assert made == shift["good"] * modbus.PULSES_PER_UNIT
        assert falls == 1


def test_servers_die_with_a_killed_parent(workspace: Path) -> None:
    words = [sys.executable, "-c", "from demo.cli import app; app()", "serve", "--workspace", str(workspace)]
    parent = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        for line in parent.stdout:
            if line.startswith("Ctrl-C"):
                break
        place = addresses(workspace)
        assert Path(f"/proc/{place['pid']}").is_dir() or sys.platform != "linux"
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        if parent.stdout is not None:
            parent.stdout.close()
    deadline = time.monotonic() + 20
    while _answers(place["line_1"]["port"]):
        assert time.monotonic() < deadline, "the servers outlived their parent"
        time.sleep(0.02)


def _answers(port: int) -> bool:
    with ModbusTcpClient("127.0.0.1", port=port, timeout=1, retries=0) as client:
        return bool(client.connected)


def test_the_network_tells_every_known_post_by_cursor(running: Path) -> None:
    client, posts, cursor = httpx.Client(trust_env=False), [], None
    token = secrets_of(running)["social"]["token"]
    with client:
        for _ in range(100):
            answer = client.get(
                addresses(running)["social"]["base_url"] + "/feed",
                params={"limit": "150"} | ({"cursor": cursor} if cursor else {}),
                headers={"Authorization": f"Bearer {token}"},
            )
            answer.raise_for_status()
            body = answer.json()
            posts.extend(body["posts"])
            cursor = body["next_cursor"]
            if cursor is None:
                break
    known = world.table(running, "social.posts").filter(pl.col("known_at") <= days.CLOCK_AT_START).collect()
    assert len(posts) == known.height > 0
    assert all(post["seen_at"] <= "2017-12-04T04:01:20Z" for post in posts)
