"""One measurement of who is who, alone in its process; prints one JSON object."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import polars as pl

from benchmarks.bench_customers import SHARED, pairs_in
from benchmarks.omnichannel import PLACEHOLDER, make
from customers.doubtful import link_doubtful
from customers.identity import resolve_customers
from customers.keys import RULES, link_records
from customers.linkage import link_frames
from customers.roles import roles_of
from customers.vetoes import contradictions


def public(name: str) -> dict[str, float]:
    """Pairwise F1 of the clusters found in a public set."""
    if name == "fake_1000":
        frame = pl.read_csv(SHARED / "splink" / "fake_1000.csv", infer_schema=False)
        frame = frame.rename({"unique_id": "rec_id", "cluster": "person"})
    else:
        frame = pl.read_csv(SHARED / "febrl" / f"dataset{name[-1]}.csv", infer_schema=False)
        frame = frame.rename({column: column.strip() for column in frame.columns})
        frame = frame.with_columns(pl.all().str.strip_chars())
        frame = frame.with_columns(person=pl.col("rec_id").str.extract(r"rec-(\d+)-", 1))
    table = frame.drop("person")
    found = link_frames(table, None, roles_of(table.columns, apart="rec_id"), id_column="rec_id")
    both = found.clusters.join(frame, left_on="id", right_on="rec_id")
    return {
        "f1": 2 * pairs_in(both, "cluster_id", "person") / (pairs_in(both, "cluster_id") + pairs_in(both, "person"))
    }


def omnichannel(records: str, seed: str) -> dict[str, float]:
    """Precision, recall, time and memory of the whole way from records to customers."""
    made = make(int(records), int(seed))
    table = as_identity_records(made.records)
    started = time.perf_counter()
    exact = link_records(table)
    links = pl.concat([exact, link_doubtful(table, exact)[0]])
    links = pl.concat([links, contradictions(table, links)])
    customers = resolve_customers(table.select("record_token"), links)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = time.perf_counter()
    for rule in RULES:
        table.group_by(f"{rule}_token").agg(pl.col("record_token").min(), pl.len())
    bare = time.perf_counter() - started
    truth = made.truth.rename({"record_id": "record_token"})
    precision, recall = quality(customers, truth)
    key_precision, key_recall = quality(resolve_customers(table.select("record_token"), exact), truth)
    says_something = pl.any_horizontal(pl.col("member_id_token", "union_id_token", "phone", "email").is_not_null()) | (
        pl.col("name").is_not_null() & (pl.col("street").is_not_null() | pl.col("birth_date").is_not_null())
    )
    linkable = table.filter(says_something).join(truth, on="record_token")
    return {
        "seconds": seconds,
        "bare_seconds": bare,
        "peak_gib": peak,
        "precision": precision,
        "recall": recall,
        "key_precision": key_precision,
        "key_recall": key_recall,
        "ceiling": pairs_in(linkable, "person") / pairs_in(truth, "person"),
    }


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


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {"public": public, "omnichannel": omnichannel}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](*sys.argv[2:])))
