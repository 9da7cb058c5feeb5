"""The demo's posts as published, against what is true of them: every one read, and the good told from the bad."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from tests.e2e.conftest import published


def test_good_posts_are_told_from_bad_ones_and_nothing_turned_is_alarmed(small_run: Path) -> None:
    truth = pl.read_parquet(small_run / "truth" / "posts.parquet")
    with duckdb.connect(str(published(small_run)), read_only=True) as connection:
        posts = connection.sql("select post_id as post, score, label from mart_voice_post").pl()
        told = connection.sql("select count(*) from stg_social__posts").fetchall()
        alarms = connection.sql("select count(*) from mart_voice_alarm where is_alarm").fetchall()
    assert told == [(posts.height,)]
    read = posts.join(truth, on="post", how="left")
    assert read["sentiment"].null_count() == 0
    clear = read.filter(pl.col("sentiment") != "neutral")
    assert clear.height > 0
    assert ((clear["score"] > 0) == (clear["sentiment"] == "good")).mean() >= 0.97
    assert (read["label"] == read["sentiment"]).mean() >= 0.8
    assert alarms == [(0,)]  # the demo's people complain at one rate all year
