"""Contracts of what the rooms learn of people, promotions and demand; it lands like any other stream, and the pipeline
fills `run_id`."""

from __future__ import annotations

import dataframely as dy

from ingestion.contracts import columns
from ingestion.contracts.contract import Contract

SERIES_KEY = {"channel_id": "*", "location_id": "*"}


class Links(dy.Schema):
    """Two records that are one person (`link`), or never are (`never` wins); a link that held once is `withdrawn`."""

    left_record = columns.text(required=True)
    right_record = columns.text(required=True)
    rule = columns.text(required=True)
    model_version = columns.text(required=True)
    verdict = columns.text(required=True, one_of=("link", "never", "withdrawn"))
    weight = columns.number()
    evidence = columns.text()
    at = columns.at()
    observed_at = columns.at(required=True)


class Identities(dy.Schema):
    """Which customer a record belonged to from a moment on."""

    record_token = columns.text(required=True)
    decided_at = columns.at(required=True)
    customer_id = columns.text(required=True)
    previous_customer_id = columns.text()
    reason = columns.text()
    observed_at = columns.at(required=True)


class Models(dy.Schema):
    """What likeness says about two records being one person, as learnt: probabilities, and nobody's values."""

    model_version = columns.text(required=True)
    records = columns.count()
    parameters = columns.text(required=True)
    observed_at = columns.at(required=True)


class Profiles(dy.Schema):
    """What one customer was worth, and is expected to be over `horizon_days`, as of a date; `tags` is a JSON list.

    `_low` and `_high` hold nine outcomes in ten. `next_category` is what they are likeliest to take up next; silent for
    more than `quiet_after_days` they buy later than nine in ten do.
    """

    customer_id = columns.text(required=True)
    as_of = columns.on(required=True)
    recency_days = columns.count()
    frequency = columns.count()
    monetary_amount = columns.amount()
    expected_orders = columns.number(low=0)
    expected_orders_low = columns.count()
    expected_orders_high = columns.count()
    expected_value_amount = columns.amount()
    expected_value_low_amount = columns.amount()
    expected_value_high_amount = columns.amount()
    horizon_days = columns.count()
    currency = columns.currency()
    alive_rate = columns.rate()
    segment = columns.text()
    cohort_on = columns.on()
    next_category = columns.text()
    next_category_rate = columns.rate()
    quiet_after_days = columns.count()
    is_churn_alarm = columns.flag()
    tags = columns.text()
    observed_at = columns.at(required=True)


class Exports(dy.Schema):
    """One customer handed to one medium for one purpose, or held out of it for comparison."""

    export_id = columns.text(required=True)
    customer_id = columns.text(required=True)
    segment_id = columns.text()
    purpose = columns.text(required=True)
    medium = columns.text(required=True)
    is_holdout = columns.flag(required=True)
    at = columns.at(required=True)
    observed_at = columns.at(required=True)


class SegmentSizes(dy.Schema):
    """How many customers one version of a segment's rule held for on a business date, and what they are worth."""

    segment_id = columns.text(required=True)
    version = columns.count(required=True)
    as_of = columns.on(required=True)
    customers = columns.count(required=True)
    monetary_amount = columns.amount()
    expected_value_amount = dy.Decimal(18, 4, nullable=True)  # a sum: no bound of one amount holds
    currency = columns.currency()
    observed_at = columns.at(required=True)


class Sentiment(dy.Schema):
    """What one model reads out of one post: `score` from -1 (bad) to 1 (good); `themes` is a JSON list."""

    platform = columns.text(required=True)
    post_id = columns.text(required=True)
    model_version = columns.text(required=True)
    score = columns.number(low=-1, high=1)
    label = columns.text()
    language = columns.text()
    themes = columns.text()
    sku = columns.text()
    observed_at = columns.at(required=True)


class Effects(dy.Schema):
    """What one promotion did for one SKU, by one method; `low_units` to `high_units` is the 90 % interval."""

    run_id = columns.text(required=True)
    promotion_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    method = columns.text(required=True)
    kind = columns.text()
    starts_on = columns.on()
    ends_on = columns.on()
    treated_stores = columns.count()
    treated_units = columns.units()
    baseline_units = columns.units()
    incremental_units = columns.units()
    low_units = columns.units()
    high_units = columns.units()
    lift_rate = columns.rate(bounded=False)
    p_placebo = columns.rate()
    minimum_detectable_lift_rate = columns.rate(bounded=False)
    donor_stores = columns.count()
    pre_weeks = columns.count()
    margin_amount = columns.amount()
    currency = columns.currency()
    roi = columns.number()
    verdict = columns.text(required=True)
    why = columns.text()
    observed_at = columns.at(required=True)


class History(dy.Schema):
    """Demand of a day as it would have been with stock on the shelf and without bulk orders, where that is not what was
    recorded; a day that is not here stands as recorded. `method` says which: censored or bulk."""

    run_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    location_id = columns.text(required=True)
    on = columns.on(required=True)
    unconstrained_units = columns.number(required=True)
    method = columns.text(required=True)
    observed_at = columns.at(required=True)


class Demand(dy.Schema):
    """One bucket of one series' forecast in units: mean and quantiles; `parts` is JSON of what adds up to the mean."""

    run_id = columns.text(required=True)
    sku = columns.text(required=True)
    channel_id = columns.text(required=True)
    location_id = columns.text(required=True)
    freq = columns.text(required=True)
    bucket_on = columns.on(required=True)
    mean = columns.number(required=True)
    q05 = columns.number()
    q10 = columns.number()
    q25 = columns.number()
    q50 = columns.number()
    q75 = columns.number()
    q90 = columns.number()
    q95 = columns.number()
    parts = columns.text()
    method = columns.text()
    cutoff_on = columns.on(required=True)
    observed_at = columns.at(required=True)


class Scores(dy.Schema):
    """One error figure of one series (or `*`) at one level and horizon, beside the benchmark's.

    `inputs_id` names what the run learnt from: a run that finds the same again takes its forecast as it was.
    """

    run_id = columns.text(required=True)
    series = columns.text(required=True)
    level = columns.text(required=True)
    klass = dy.String(nullable=False, alias="class")
    step = columns.text(required=True)
    horizon = columns.count(required=True)
    metric = columns.text(required=True)
    value = columns.number()
    benchmark_value = columns.number()
    inputs_id = columns.text()
    observed_at = columns.at(required=True)


class Loads(dy.Schema):
    """One load of one stream: every row pulled landed or is in quarantine; `drift` names fields new and lost."""

    load_id = columns.text(required=True)
    stream = columns.text(required=True)
    pulled = columns.count(required=True)
    landed = columns.count(required=True)
    quarantined = columns.count(required=True)
    drift = columns.text()
    started_at = columns.at(required=True)
    ended_at = columns.at()
    observed_at = columns.at(required=True)


def learnt(
    name: str, schema: type[dy.Schema], key: tuple[str, ...], defaults: dict[str, str] | None = None
) -> Contract:
    """The contract of a stream that a room lands: its version and watermark are when it was said."""
    return Contract(
        name, schema, key=key, version="observed_at", event="observed_at", defaults=defaults or {}, is_learnt=True
    )


CONTRACTS = (
    learnt("customers.links", Links, ("left_record", "right_record", "rule", "model_version")),
    learnt("customers.identities", Identities, ("record_token", "decided_at")),
    learnt("customers.models", Models, ("model_version",)),
    learnt("customers.profiles", Profiles, ("customer_id", "as_of")),
    learnt("customers.exports", Exports, ("export_id", "customer_id")),
    learnt("customers.segment_sizes", SegmentSizes, ("segment_id", "version", "as_of")),
    learnt("social.sentiment", Sentiment, ("platform", "post_id", "model_version")),
    learnt(
        "promotions.effects",
        Effects,
        ("run_id", "promotion_id", "sku", "channel_id", "method"),
        {"channel_id": "*", "promotion_id": "-"},
    ),
    learnt("forecasting.history", History, ("run_id", "sku", "channel_id", "location_id", "on"), SERIES_KEY),
    learnt(
        "forecasting.demand", Demand, ("run_id", "sku", "channel_id", "location_id", "freq", "bucket_on"), SERIES_KEY
    ),
    learnt(
        "forecasting.scores",
        Scores,
        ("run_id", "series", "level", "class", "step", "horizon", "metric"),
        {"series": "*", "level": "*", "class": "*", "step": "-"},
    ),
    learnt("tillmill.loads", Loads, ("load_id",)),
)
