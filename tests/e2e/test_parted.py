"""Forgetting a person and parting a customer, from end to end: nothing links them any more, and no total has moved.

What they leave is looked for in every byte of the workspace, decrypted where it is sealed: lake, state, quarantine,
source files, warehouse, versions, exports, logs and temporary files; then again after the sources were read once more.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ingestion.landing import originals
from ingestion.landing.ledger import Ledger
from ingestion.privacy.seal import MARK, unseal
from ingestion.privacy.tokens import load_keys
from ingestion.privacy.vault import Vault
from tests.e2e.conftest import TILLMILL, published, tillmill
from tests.e2e.scan import contents
from tests.e2e.test_forget import members_of, tokens_of
from tillmill.workspace import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

# A till that is not the brand's own, read from a folder: what it wrote of a member lies in quarantine.
DESK = """
[[sources]]
name = "desk"
connector = "files"
timezone = "America/New_York"
[sources.connection]
url = "incoming"
[[sources.streams]]
stream = "pos.sale_lines"
pull = { path = "*.csv" }
[sources.streams.fields]
sale_id = "receipt"
line_no = "line"
line_kind = { const = "sale" }
gross_amount = "paid"
discount_amount = { const = "0" }
net_amount = "paid"
tax_amount = { const = "0" }
is_tax_inclusive = { const = false }
currency = { const = "USD" }
"""
# The demo's own source systems and what only tests may read.
OUTSIDE = ("run/world", "run/ftp", "run/sftp", "truth", "incoming")
# The list of whom to leave out, by which every later pull recognises who comes back: the only tokens that are to stay.
LEFT_OUT = "state/vault.sqlite suppressed"
# The demo's systems know no end of a stretch of time: the first week already brings all that came since.
AGAIN = ("--backfill", "2016-01-01", "2016-01-08")
SINCE = 'since_param = "updated_since", '
TOTALS = {
    "sales, from gross sales to contribution margin 3": """
        select channel_id, sku, sold_on, sum(orders), sum(units), sum(gross_sales_amount), sum(net_sales_amount),
            sum(cost_amount), sum(contribution_margin_3_amount), sum(estimated_amount)
        from mart_channel_daily group by all order by all""",
    "lines, counted or not": """
        select sku, sold_on, line_kind, not_counted_because, count(*), sum(units), sum(net_sales_amount),
            sum(refund_amount)
        from fct_sales_line group by all order by all""",
    "stock": """
        select location_id, sku, stock_on, sum(in_units), sum(out_units), sum(adjustment_units), sum(closing_units)
        from fct_stock_day group by all order by all""",
    "settlement": """
        select platform, statement_id, difference_kind, count(*), sum(income_amount), sum(payout_amount),
            sum(difference_amount)
        from mart_settlement group by all order by all""",
}


@pytest.fixture
def workspace(fresh_run: Path) -> Path:
    """The small workspace after a list was handed over, and one more till failed to tell of a member's visits."""
    done = tillmill(
        "customers", "export", "by_email", "--medium", "email", "--purpose", "marketing", "--workspace", str(fresh_run)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (store, sku) = asked(fresh_run, "select min(location_id), min(sku) from fct_sales_line where shop_id = '-'")[0]
    member = listed_member(fresh_run)
    (fresh_run / "incoming").mkdir()
    with (fresh_run / "incoming" / "desk_20171130.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["receipt", "line", "store_id", "sold_at", "sku", "units", "paid", "member_id", "remark"])
        for receipt in ("D1", "D2"):
            rows.writerow([receipt, 1, store, "no time", sku, 1, "2.50", member["member_id"], member["email"]])
    settings = fresh_run / "tillmill.toml"
    settings.write_text(settings.read_text().replace(SINCE, f'{SINCE}until_param = "updated_until", ') + DESK)
    done = tillmill("ingest", "--workspace", str(fresh_run), "--source", "desk")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((fresh_run / "lake" / "quarantine" / "pos.sale_lines" / "desk").rglob("*.parquet"))
    return fresh_run


def listed_member(workspace: Path) -> dict[str, str]:
    """A member with records everywhere who is on the list that was handed over."""
    [handed_over] = (workspace / "exports").rglob("by_email-*.csv")
    listed = handed_over.read_text()
    return next(one for one in members_of(workspace).iter_rows(named=True) if address_of(one) in listed)


def address_of(member: dict[str, str]) -> str:
    """The e-mail as lists have it, hashed."""
    return hashlib.sha256(member["email"].lower().encode()).hexdigest()


def asked(workspace: Path, query: str, **values: object) -> list[tuple[object, ...]]:
    with duckdb.connect(str(published(workspace)), read_only=True) as connection:
        return connection.execute(query, values or None).fetchall()


def totals(workspace: Path) -> dict[str, list[tuple[object, ...]]]:
    return {name: asked(workspace, query) for name, query in TOTALS.items()}


def read_again(workspace: Path) -> None:
    """Everything by which the past comes back: replayed quarantine, a back-fill of member and order, another run."""
    done = tillmill("quarantine", "replay", "--workspace", str(workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    words = [*TILLMILL, "ingest", "--workspace", str(workspace), *AGAIN]
    steps = [
        [*words, "--source", source, "--stream", stream]
        for source, stream in (("crm", "crm.members"), ("shop_a", "ecommerce.orders"))
    ]
    steps.append([*TILLMILL, "run", "--workspace", str(workspace)])
    line = " && ".join(shlex.join(step) for step in steps)
    done = tillmill("demo", "run", "--workspace", str(workspace), "--", "sh", "-c", line, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr


def everything(workspace: Path) -> Iterator[tuple[str, bytes]]:
    """Every place of the workspace with what it holds: raw, as tables, and what is sealed, opened."""
    opened = open_workspace(workspace)
    keys = load_keys(opened)
    sealed = re.compile(re.escape(MARK.encode()) + rb"\w+:[A-Za-z0-9_=\-]+")
    for path in sorted(workspace.rglob("*")):
        name = path.relative_to(workspace).as_posix()
        if not path.is_file() or name.startswith(OUTSIDE):
            continue
        for place, data in contents(path):
            yield f"{name}{place}", data
            if name.startswith("lake/") and place:
                source, stream = _bound(name)
                clear = [unseal(text.decode(), keys.sealing, f"{source}/{stream}") for text in sealed.findall(data)]
                yield f"{name}{place}, unsealed", "\n".join(clear).encode()
    with Ledger(opened.ledger) as ledger:
        for original in originals.listed(opened, ledger):
            data = originals.read(opened, original)
            yield f"original {original.stream} {original.name}", _unpacked(data)


def _bound(name: str) -> tuple[str, str]:
    """The source and stream of a file of the lake, by its folders: lake/<kind>/<stream>/<source>/…"""
    _, _, stream, source, *_ = name.split("/")
    return source, stream


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def found(workspace: Path, needles: list[str]) -> dict[str, set[str]]:
    """Where each of the needles stands."""
    pattern = re.compile(
        rb"(?<![0-9A-Za-z])(" + b"|".join(re.escape(one.encode()) for one in needles) + rb")(?![0-9A-Za-z])"
    )
    places: dict[str, set[str]] = {}
    for place, data in everything(workspace):
        for match in set(pattern.findall(data)) if place != LEFT_OUT else ():
            places.setdefault(match.decode(), set()).add(place)
    return places


def test_a_person_forgotten_is_in_no_byte_of_the_workspace_and_no_total_moves(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    member = listed_member(workspace)
    tokens = tokens_of(workspace, member)
    records = [
        str(token)
        for (token,) in asked(
            workspace,
            "select record_token from int_identity_records "
            "where list_has_any($tokens, [member_id_token, phone_token, email_token])",
            tokens=tokens,
        )
    ]
    customers = {
        str(customer)
        for (customer,) in asked(
            workspace,
            "select customer_id from bridge_customer_identifier where list_contains($records, record_token)",
            records=records,
        )
    }
    address = address_of(member)
    clear = [member["member_id"], member["phone"].lstrip("+"), member["phone"][-10:], member["email"]]
    before = totals(workspace)
    there = found(workspace, [*tokens, *clear, address])
    # Before, they stand wherever the test looks: each kind of place is really searched.
    assert set(tokens) <= set(there)
    seen = {place for places in there.values() for place in places}
    for part in ("lake/landing", "lake/quarantine", "published/", "exports/", "original "):
        assert any(place.startswith(part) for place in seen), part
    with Vault(open_workspace(workspace)) as vault:
        assert vault.read(tokens=tokens, who="test", purpose="before").height

    done = tillmill(
        "forget", "--workspace", str(workspace), "--email", member["email"], "--by", "privacy desk", timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def is_gone() -> None:
        assert found(workspace, [*tokens, *clear, address]) == {}
        with Vault(open_workspace(workspace)) as vault:
            assert vault.read(tokens=tokens, who="test", purpose="after").is_empty()
        for table in ("bridge_customer_identifier", "stg_customers__identities", "int_identity_records"):
            kept = asked(
                workspace,
                f"select count(*) from {table} where list_contains($records, record_token)",
                records=records,
            )
            assert kept == [(0,)], table
        links = "select count(*) from stg_customers__links where list_has_any($records, [left_record, right_record])"
        assert asked(workspace, links, records=records) == [(0,)]
        left = asked(workspace, "select customer_id from dim_customer")
        assert customers.isdisjoint({str(customer) for (customer,) in left})
        assert totals(workspace) == before
        assert not [path for path in temporary.rglob("*") if path.is_file() and path.stat().st_size]

    is_gone()
    read_again(workspace)
    is_gone()


def test_a_customer_parted_stays_parted_and_no_total_moves(workspace: Path) -> None:
    (customer, left, right) = asked(
        workspace,
        """select customer_id, min(record_token) filter (where kind = 'member'),
            min(record_token) filter (where kind = 'order')
        from bridge_customer_identifier group by customer_id
        having count(*) filter (where kind = 'member') = 1 and count(*) filter (where kind = 'order') > 0
        order by customer_id limit 1""",
    )[0]
    before, worth = totals(workspace), spent(workspace)
    people = asked(workspace, "select count(distinct customer_id) from bridge_customer_identifier")
    done = tillmill(
        "customers", "unmerge", str(left), str(right), "--by", "kim", "--why", "two brothers", "--workspace",
        str(workspace),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

    def is_parted() -> None:
        of = dict(
            asked(
                workspace,
                "select record_token, customer_id from bridge_customer_identifier where record_token in ($a, $b)",
                a=left,
                b=right,
            )
        )
        assert len(set(of.values())) == 2
        assert customer in of.values()
        # No way leads from one to the other any more: neither a table nor what the command says.
        told = tillmill("customers", "explain", str(left), str(right), "--workspace", str(workspace))
        assert told.stdout.startswith("Two people"), told.stdout + told.stderr
        assert totals(workspace) == before
        assert spent(workspace) == worth
        assert asked(workspace, "select count(distinct customer_id) from bridge_customer_identifier") != people

    line = shlex.join([*TILLMILL, "run", "--workspace", str(workspace)])
    done = tillmill("demo", "run", "--workspace", str(workspace), "--", "sh", "-c", line, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    is_parted()
    read_again(workspace)
    is_parted()
    # Taken back, a usual run makes one of the two again.
    done = tillmill(
        "customers", "unmerge", str(left), str(right), "--take-back", "--by", "kim", "--why", "one after all",
        "--workspace", str(workspace),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    done = tillmill("demo", "run", "--workspace", str(workspace), "--", "sh", "-c", line, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    told = tillmill("customers", "explain", str(left), str(right), "--workspace", str(workspace))
    assert told.stdout.startswith("One person"), told.stdout + told.stderr
    assert (totals(workspace), spent(workspace)) == (before, worth)
    assert asked(workspace, "select count(distinct customer_id) from bridge_customer_identifier") == people


def spent(workspace: Path) -> list[tuple[object, ...]]:
    """What all customers spent together, and in how many orders."""
    return asked(workspace, "select sum(monetary_amount), sum(frequency) from mart_customer_360")
