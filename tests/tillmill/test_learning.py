"""What a learning room is handed of the candidate's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.landing.ledger import Ledger
from tillmill import publish as publishing
from tillmill.actions import create_workspace
from tillmill.learning import Learner
from tillmill.workspace import Workspace

SETTINGS = '[brand]\nname = "Harvest"\ncurrency = "USD"\ntimezone = "UTC"\n'
AT = datetime(2017, 3, 1, tzinfo=UTC)
GTIN = "4006381333931"
POSTS = pl.DataFrame(
    {
        "platform": "net",
        "post_id": ["by gtin", "by sku", "by name", "by nothing"],
        "text": ["Stale", "Stale", "The rye bread was stale", "Stale"],
        "sku_hint": [GTIN, "2", None, "00012345678905"],
        "observed_at": AT,
        "_source": "net",
    }
)
PRODUCTS = pl.DataFrame(
    {
        "sku": ["1", "1", "2", "3"],
        "name": ["Oat drink", "Oat drink, old recipe", "Wheat bread", "Rye bread"],
        "is_current": [True, False, True, True],
    }
)


def items(gtin: str | None) -> pl.DataFrame:
    """Two systems describe one product."""
    rows = [("1", gtin, AT, "erp"), ("1", gtin, AT, "shop"), ("2", None, AT, "erp")]
    schema = pl.Schema(
        {"sku": pl.String(), "gtin": pl.String(), "updated_at": pl.Datetime("us", "UTC"), "_source": pl.String()}
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return create_workspace(tmp_path, SETTINGS)


def read_posts(workspace: Workspace, ledger: Ledger, gtin: str | None) -> dict[str, str]:
    """The SKU of each post, as a candidate learns it in which the items have this GTIN."""
    candidate = publishing.begin_candidate(workspace, ledger, "print", recipe="one")
    tables = {"stg_social__posts": POSTS, "dim_product": PRODUCTS, "stg_erp__items": items(gtin)}
    with duckdb.connect(str(candidate.database)) as connection:
        for name, rows in tables.items():
            connection.register("rows", rows.to_arrow())
            connection.execute(f"create table {name} as select * from rows")
            connection.unregister("rows")
    said = Learner(workspace, ledger, candidate, "one", lambda *_, **__: pl.DataFrame()).voice()
    assert said.startswith("4 posts, 4 read anew")
    [load] = ledger.loads(stream="social.sentiment")
    assert load.file is not None
    return dict(pl.read_parquet(workspace.root / load.file).select("post_id", "sku").iter_rows())


def test_a_post_is_of_the_product_whose_gtin_its_platform_names(workspace: Workspace, ledger: Ledger) -> None:
    found = read_posts(workspace, ledger, GTIN)
    assert found == {"by gtin": "1", "by sku": "2", "by name": "3", "by nothing": "-"}


def test_where_no_item_has_a_gtin_names_and_skus_tell_the_product(workspace: Workspace, ledger: Ledger) -> None:
    assert read_posts(workspace, ledger, None) == {"by gtin": "-", "by sku": "2", "by name": "3", "by nothing": "-"}
