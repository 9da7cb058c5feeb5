"""Back-fills read a stretch of time again, go on where they were cut off, and move no other cursor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from typer.testing import CliRunner

from ingestion import backfill as backfilling
from ingestion.connectors.connector import Window
from ingestion.connectors.files import Seen, file_time
from ingestion.connectors.page import Page
from ingestion.landing.ledger import Cursor, Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys
from ingestion.pulling import Limits, pull_all
from ingestion.runner import ingest
from ingestion.sources import bind
from tests.ingestion.connectors.servers import serving, web_server
from tests.ingestion.folder import landed
from tests.ingestion.streams import KEYS, make_stream
from tillmill.cli import app
from tillmill.errors import SettingsError, SourceError, UsageError
from tillmill.workspace import SETTINGS_FILE, Workspace, open_workspace

SETTINGS = """
[brand]
name = "Mill"
currency = "EUR"
timezone = "UTC"
[[sources]]
name = "till"
connector = "files"
connection = { url = "in" }
[[sources.streams]]
stream = "pos.stores"
pull = { path = "*.csv", settle_seconds = 0 }
"""
WINDOW = Window(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
DAY = timedelta(days=1)


def make_workspace(root: Path, settings: str = SETTINGS) -> Workspace:
    (root / SETTINGS_FILE).write_text(settings)
    workspace = open_workspace(root)
    for folder in workspace.folders():
        folder.mkdir(parents=True, exist_ok=True)
    create_keys(workspace)
    return workspace


def rows_of(workspace: Workspace, stream: str = "pos.stores") -> pl.DataFrame:
    with Ledger(workspace.ledger) as ledger:
        return landed(workspace, ledger.manifest().filter(pl.col("stream") == stream))


def cursor_of(workspace: Workspace, stream: str = "pos.stores", name: str = "") -> Cursor:
    with Ledger(workspace.ledger) as ledger:
        return ledger.cursor(ledger.loads()[0].source, stream, name)


@pytest.fixture
def files(tmp_path: Path) -> Workspace:
    """A folder with a file a day, all pulled."""
    (tmp_path / "in").mkdir()
    for day in range(1, 32):
        path = tmp_path / "in" / f"stores_202601{day:02d}.csv"
        path.write_text(f"store_id,name\n{day},Shop\n")
        os.utime(path, (1_775_000_000, 1_775_000_000))
    workspace = make_workspace(tmp_path)
    ingest(workspace)
    return workspace


def test_files_of_a_stretch_of_time_are_read_again_beside_the_ordinary_cursor(files: Workspace) -> None:
    before = cursor_of(files)
    (result,) = ingest(files, window=WINDOW)
    assert (result.pulled, result.error) == (22, None)
    assert cursor_of(files) == before
    again = rows_of(files).filter(pl.col("_load_id").str.contains("backfill"))
    assert sorted(int(name) for name in again["store_id"]) == list(range(10, 32))
    (nothing,) = ingest(files)
    assert nothing.pulled == 0


def test_one_that_has_ended_begins_anew_and_another_stretch_has_its_own_cursor(files: Workspace) -> None:
    for _ in range(2):
        assert ingest(files, window=WINDOW)[0].pulled == 22
    assert ingest(files, window=replace(WINDOW, until=datetime(2026, 1, 11, tzinfo=UTC)))[0].pulled == 1


def paged(asked: list[Window], fail_at: datetime | None) -> Any:
    """A source with two pages a day, which fails once it is asked for a certain time."""

    def window_pages(window: Window, cursor: dict[str, Any] | None) -> Iterator[Page]:
        asked.append(window)
        if fail_at is not None and window.since >= fail_at:
            raise SourceError("the server is gone")
        if window.since.day % 2:
            return
        for number in range((cursor or {}).get("page", 0), 2):
            records = pl.DataFrame({"store_id": [f"{window.since:%d}-{number}"]})
            yield Page(records, {"page": number + 1}, datetime(2026, 3, 1, tzinfo=UTC), "a page")

    return window_pages


def test_one_cut_off_goes_on_with_the_window_it_had_not_landed(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    pulls = []
    for fail_at in (datetime(2026, 1, 21, tzinfo=UTC), None):
        asked: list[Window] = []
        stream = make_stream("pos.stores", window_pages=paged(asked, fail_at))
        stream = backfilling.backfill(stream, WINDOW, DAY)
        # Each page is a load: what had landed when the source failed stays.
        limits = Limits(load_rows=1)
        (result,) = pull_all(workspace, [stream], lambda one, page: prepare(one, page, KEYS), limits=limits)
        pulls.append((result.error is None, asked[0].since.day, asked[-1].since.day))
    assert pulls == [(False, 10, 21), (True, 21, 31)]
    names = rows_of(workspace)["store_id"]
    assert set(names) == {f"{day:02d}-{number}" for day in range(10, 32, 2) for number in range(2)}
    assert names.is_unique().all()


def test_a_whole_list_of_the_past_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for day, shops in ((1, "1\n2\n"), (2, "1\n2\n3\n")):
        (tmp_path / "in" / f"stores_202601{day:02d}.csv").write_text(f"store_id\n{shops}")
    workspace = make_workspace(tmp_path, SETTINGS + "deletes = { snapshot = true }\n")
    ingest(workspace)
    ingest(workspace, window=Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)))
    assert "delete" not in rows_of(workspace)["_op"].to_list()


def test_a_rest_source_is_asked_by_its_own_parameters(tmp_path: Path) -> None:
    asked: list[tuple[str | None, str | None]] = []

    async def stores(request: Request) -> JSONResponse:
        since, until = request.query_params.get("since"), request.query_params.get("until")
        asked.append((since, until))
        rows = [{"store_id": str(day), "updated_at": f"2026-01-{day:02d}T12:00:00Z"} for day in range(1, 32)]
        return JSONResponse(
            [row for row in rows if (since or "") <= row["updated_at"] and (until is None or row["updated_at"] < until)]
        )

    with serving(web_server(Starlette(routes=[Route("/stores", stores)]))) as port:
        settings = SETTINGS.replace('"files"', '"rest"').replace(
            'url = "in"', f'base_url = "http://127.0.0.1:{port}", attempts = 1'
        )
        pull = 'path = "stores", since_param = "since", since_field = "updated_at"'
        plain = make_workspace(tmp_path, settings.replace('path = "*.csv", settle_seconds = 0', pull))
        ingest(plain)
        before = cursor_of(plain)
        with pytest.raises(SettingsError, match="since_param and until_param"):
            next(iter(backfilling.backfill(bind(plain)[0], WINDOW).pages(None)))
        able = make_workspace(
            tmp_path, settings.replace('path = "*.csv", settle_seconds = 0', f'{pull}, until_param = "until"')
        )
        asked.clear()
        assert ingest(able, window=WINDOW)[0].pulled == 22
    assert asked[0] == ("2026-01-10T00:00:00Z", "2026-01-17T00:00:00Z")
    assert asked[-1] == ("2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z")
    assert cursor_of(able) == before


def test_a_source_without_windows_says_so(tmp_path: Path) -> None:
    registers = 'name = "L1", registers = [{ address = 1, tag = "t" }]'
    settings = SETTINGS.replace('"files"', '"modbus"').replace('url = "in"', 'host = "127.0.0.1"')
    workspace = make_workspace(tmp_path, settings.replace('path = "*.csv", settle_seconds = 0', registers))
    with pytest.raises(UsageError, match="cannot be asked for a stretch of time"):
        ingest(workspace, window=WINDOW)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("stores_20260131.csv", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2025-12-31/stock_2026-01-02_2.csv", datetime(2026, 1, 2, tzinfo=UTC)),
        ("export 2026.01.02.csv", datetime(2026, 1, 2, tzinfo=UTC)),
        ("stock_20261340.csv", datetime(2026, 3, 1, tzinfo=UTC)),
        ("4006381333931.csv", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_files_time_is_the_date_in_its_name_else_its_own(name: str, at: datetime) -> None:
    written = datetime(2026, 3, 1, tzinfo=UTC)
    assert file_time(Seen(name, 1, int(written.timestamp() * 1e9))) == at


def test_the_command_takes_dates_and_refuses_what_is_no_time(files: Workspace) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["ingest", *words, "--workspace", str(files.root)], catch_exceptions=False)

    done = run("--stream", "pos.stores", "--backfill", "2026-01-10", "2026-01-12")
    assert done.exit_code == 0
    assert "1 streams: 2 rows pulled = 2 landed + 0 quarantined" in done.output
    assert "0 rows pulled" in run("--source", "till").output
    for words in (
        ["--backfill", "2026-01-10", "soon"],
        ["--backfill", "2026-01-10", "2026-01-10"],
        ["--stream", "x.y"],
    ):
        with pytest.raises(UsageError):
            run(*words)
