"""Contract of what people say in public."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns, oddities
from ingestion.contracts.contract import Contract
from ingestion.contracts.controls import controls


class Posts(dy.Schema):
    """One post, review, comment or question; `in_reply_to` is the post it answers."""

    platform = columns.text(required=True)
    post_id = columns.text(required=True)
    author = columns.text()
    posted_at = columns.at(required=True)
    kind = columns.text()
    text = columns.text()
    language = columns.text()
    rating = columns.number(low=0)
    likes = columns.count()
    shares = columns.count()
    replies = columns.count()
    sku_hint = columns.text()
    in_reply_to = columns.text()
    observed_at = columns.at(required=True)


POSTS = Contract(
    "social.posts",
    Posts,
    key=("platform", "post_id"),
    version="observed_at",
    event="posted_at",
    personal=("author",),
    is_about_person=True,
    free_text=("text",),
    flags={"own_reply": oddities.equal("post_id", "in_reply_to")},
)
CONTRACTS = (POSTS, controls("social"))
