"""One measurement of who is who, alone in its process; prints one JSON object."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import bench_value, cdnow, splink_alone
from benchmarks.bench_customers import SHARED, pairs_in
from benchmarks.omnichannel import PLACEHOLDER, make
from customers.identity import resolve_customers
from customers.incremental import Known, resolve
from customers.keys import LINK_COLUMNS, RULES, link_records
from customers.linkage import link_frames
from customers.roles import roles_of

NOTHING_SAID = pl.DataFrame(schema=LINK_COLUMNS)


def public(name: str) -> dict[str, float]:
    """Pairwise F1 of the clusters found in a public set, by us and by Splink alone."""
    if name == "fake_1000":
        frame = pl.read_csv(SHARED / "splink" / "fake_1000.csv", infer_schema=False)
        frame = frame.rename({"unique_id": "rec_id", "cluster": "person"})
    else:
        frame = pl.read_csv(SHARED / "febrl" / f"dataset{name[-1]}.csv", infer_schema=False)
        frame = frame.rename({column: column.strip() for column in frame.columns})
        frame = frame.with_columns(pl.all().str.strip_chars())
        frame = frame.with_columns(person=pl.col("rec_id").str.extract(r"rec-(\d+)-", 1))
    table = frame.drop("person")
    roles = roles_of(table.columns, apart="rec_id")
    truth = frame.select("person", record_token="rec_id")
    found = link_frames(table, None, roles, id_column="rec_id").clusters
    peer = splink_alone.link(table, roles, id_column="rec_id")
    return {"f1": _f1(found, truth), "peer_f1": _f1(peer, truth)}


def _f1(clusters: pl.DataFrame, truth: pl.DataFrame) -> float:
    precision, recall = quality(clusters.rename({"id": "record_token", "cluster_id": "customer_id"}), truth)
    return 2 * precision * recall / (precision + recall)


def omnichannel(records: str, seed: str) -> dict[str, float]:
    """Precision and recall of all steps, of keys alone, of Splink alone, and what can be linked at all."""
    made = make(int(records), int(seed))
    table = as_identity_records(made.records)
    truth = made.truth.rename({"record_id": "record_token"})
    ours = quality(resolve(table, NOTHING_SAID).identities, truth)
    keys = quality(resolve_customers(table, link_records(table)), truth)
    roles = {role: role for role in ("name", "birth_date", "phone", "email", "street", "city")}
    alone = splink_alone.link(table, roles, id_column="record_token")
    peer = quality(alone.rename({"id": "record_token", "cluster_id": "customer_id"}), truth)
    says_something = pl.any_horizontal(pl.col("member_id_token", "union_id_token", "phone", "email").is_not_null()) | (
        pl.col("name").is_not_null() & (pl.col("street").is_not_null() | pl.col("birth_date").is_not_null())
    )
    linkable = table.filter(says_something).join(truth, on="record_token")
    return {
        "precision": ours[0],
        "recall": ours[1],
        "key_precision": keys[0],
        "key_recall": keys[1],
        "splink_precision": peer[0],
        "splink_recall": peer[1],
        "ceiling": pairs_in(linkable, "person") / pairs_in(truth, "person"),
    }


def write(records: str, seed: str, folder: str) -> dict[str, float]:
    """Makes the records and writes them, by the day they were seen: making takes memory that linking does not."""
    made = make(int(records), int(seed))
    as_identity_records(made.records).sort("seen_on", "record_token").write_parquet(Path(folder) / "records.parquet")
    made.truth.rename({"record_id": "record_token"}).write_parquet(Path(folder) / "truth.parquet")
    return {}


def many(folder: str, count: str) -> dict[str, float]:
    """Time, processor time and peak memory of `count` records at once, and of the rest that come after them."""
    table = pl.read_parquet(Path(folder) / "records.parquet")
    first = table.head(int(count))
    found, seconds, processor = _timed(lambda: resolve(first, NOTHING_SAID))
    known = Known(first, found.links, found.identities, found.model)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    later, more_seconds, more_processor = _timed(lambda: resolve(table, NOTHING_SAID, known))
    _, bare, _ = _timed(lambda: [first.group_by(f"{rule}_token").agg(pl.len()) for rule in RULES])
    precision, recall = quality(found.identities, pl.read_parquet(Path(folder) / "truth.parquet"))
    return {
        "seconds": seconds,
        "processor": processor,
        "peak_gib": peak,
        "more_records": table.height - first.height,
        "more_touched": later.touched,
        "more_seconds": more_seconds,
        "more_processor": more_processor,
        "more_peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "bare_seconds": bare,
        "precision": precision,
        "recall": recall,
        "load": os.getloadavg()[1],
    }


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gave, its seconds by the clock and by the processors."""
    started, worked = time.perf_counter(), time.process_time()
    return work(), time.perf_counter() - started, time.process_time() - worked


def as_identity_records(records: pl.DataFrame) -> pl.DataFrame:
    """The records as the identity step sees them: keys as tokens, what identifies nobody made null."""
    is_masked = pl.col("name").str.contains("*", literal=True)
    clear = records.with_columns(
        name=pl.when(~is_masked).then(pl.col("name").str.to_lowercase()),
        phone=pl.when(pl.col("phone") != PLACEHOLDER).then("phone"),
    )
    tokens = {"member_id_token": "member_id", "union_id_token": "union_id", "phone_token": "phone"}
    return clear.select(
        "seen_on", "name", "phone", "email", "birth_date", "street", "city",
        record_token="record_id", email_token="email", name_token="name", **tokens,
    )  # fmt: skip


def quality(customers: pl.DataFrame, truth: pl.DataFrame) -> tuple[float, float]:
    """Pairwise precision and recall of customers (record_token, customer_id) against record_token, person."""
    both = customers.join(truth, on="record_token")
    right = pairs_in(both, "customer_id", "person")
    return right / pairs_in(both, "customer_id"), right / pairs_in(both, "person")


def value() -> dict[str, float]:
    """Error of the orders expected of CDNOW's customers in the 39 weeks after the fit, by what ships and by BG/NBD."""
    errors = bench_value.errors(cdnow.UNTIL, cdnow.WEEKS)
    return {"error": errors[bench_value.MEAN_BY_SIZE], "plain": errors["BG/NBD"]}


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "public": public,
    "omnichannel": omnichannel,
    "write": write,
    "many": many,
    "value": value,
}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](*sys.argv[2:])))
