"""Has the posts read that nobody has read yet, or that have changed since."""

from __future__ import annotations

import polars as pl

from customers.voice.read import model_version, read_posts
from ingestion.contracts import contract
from ingestion.contracts.contract import landed_schema
from ingestion.landing.ledger import Ledger
from tillmill.workspace import Workspace

STREAM = "social.sentiment"
_POST = ["platform", "post_id"]
_SAID = ["score", "label", "language", "themes", "sku"]


def new_readings(workspace: Workspace, ledger: Ledger, posts: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Rows of `social.sentiment` that are not in the lake yet, by this model version.

    Read are posts without a reading, and those the platform told again since theirs; of the latter only what reads
    otherwise now is kept, so that a post's growing likes add no row.
    """
    known = _landed(workspace, ledger).filter(pl.col("model_version") == model_version())
    known = known.sort("observed_at").unique(_POST, keep="last", maintain_order=True)
    seen = known.select(*_POST, read_at="observed_at")
    open_posts = posts.join(seen, on=_POST, how="left", maintain_order="left").filter(
        pl.col("read_at").is_null() | (pl.col("observed_at") > pl.col("read_at"))
    )
    # One platform may come by two sources; its post is read once, as told last.
    open_posts = open_posts.sort("observed_at").unique(_POST, keep="last").sort(_POST)
    said = read_posts(open_posts, products)
    return said.join(known.select(*_POST, *_SAID), on=[*_POST, *_SAID], how="anti", nulls_equal=True)


def _landed(workspace: Workspace, ledger: Ledger) -> pl.DataFrame:
    columns = landed_schema(contract(STREAM))
    files = dict.fromkeys(
        workspace.root / load.file
        for load in ledger.loads(stream=STREAM)
        if load.state == "visible" and load.file is not None
    )
    landed = [pl.read_parquet(file).filter(pl.col("_op") != "delete").select(*columns) for file in files]
    return pl.concat([pl.DataFrame(schema=columns), *landed])
