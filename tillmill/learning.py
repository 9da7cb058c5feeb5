"""Hands each learning room its frames from the candidate and lands what it learns for that candidate alone."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

import polars as pl

from customers.incremental import LINK_KEY, WITHDRAWN, Known, resolve
from customers.keys import LINK_COLUMNS
from customers.profiles import profile_customers
from customers.scoring import Model
from customers.segments import latest, sizes
from customers.voice.mentions import with_gtins
from customers.voice.read import new_readings
from forecasting.backtest import SCORES_SCHEMA, score_origins
from forecasting.champion import champion_of, choose, forecast_as, marked
from forecasting.daily import demand_history, unconstrained_weeks
from forecasting.planned import with_plan
from forecasting.signals import with_signals
from forecasting.weekly import DEMAND_SCHEMA
from ingestion.contracts import contract
from ingestion.contracts.contract import landed_schema
from ingestion.landing import lake
from ingestion.landing.ledger import Ledger
from planning.engine import make_plan
from promotions.measure import measure_runs
from promotions.runs import find_runs
from tillmill import inbox, warehouse
from tillmill.plan_inputs import from_start, plan_before, weeks_known
from tillmill.publish import Candidate
from tillmill.reference import reference_version
from tillmill.workspace import Workspace, now, to_business_date

CODE = ("ingestion", "dbt_project", "customers", "promotions", "forecasting", "planning", "tillmill")
# What makes the warehouse's tables of what has landed.
TABLES = ("dbt_project", "ingestion/contracts")
# What the vault's columns say of a person, whichever stream they come from.
CLEAR = {
    "name": ("name", "buyer_name"),
    "phone": ("phone", "buyer_phone"),
    "email": ("email", "buyer_email"),
    "street": ("ship_address",),
}
PLANNING_TABLES = (
    "demand", "orders", "stock", "receipts", "item_policy", "channel_life",
    "bom", "sources", "routing", "changeover", "calendar",
)  # fmt: skip
PLAN_OUTPUTS = ("requirements", "production_plan", "schedule_orders", "pegging", "exceptions", "summary")


class ClearReader(Protocol):
    """Gives clear values by token or by record (`_load_seq`, `_row`); who asks and why is noted."""

    def __call__(self, tokens: Sequence[str] = (), records: Iterable[tuple[int, int]] = ()) -> pl.DataFrame: ...


def fingerprint(workspace: Workspace, ledger: Ledger) -> str:
    """Names what a build depends on: visible loads of the sources, rows set aside, what people own (as
    `gather_reference` laid it out), business date, settings and code version."""
    facts = {
        "loads": ledger.input_seqs(),
        "dismissed": {f"{source} {stream}": rows for (source, stream), rows in ledger.dismissed_rows().items()},
        "reference": reference_version(workspace),
        "business_date": business_date(workspace).isoformat(),
        "settings": workspace.settings.model_dump(mode="json"),
        "code": _code_version(CODE),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def recipe() -> str:
    """Names what tables are made by: kept tables of another recipe are not built upon."""
    return _code_version(TABLES)[:16]


def run_id(fingerprint: str, ledger: Ledger) -> str:
    """Names what a candidate learns: the build's fingerprint and the version it starts from.

    A run that was killed learns under the same name again; settings that are changed and changed back do not, because
    of two runs the one with the later `visible_seq` is current.
    """
    base = ledger.latest_version()
    return hashlib.sha256(f"{fingerprint} {base.version if base else 0}".encode()).hexdigest()[:16]


def business_date(workspace: Workspace) -> date:
    """The brand's business date at the clock."""
    brand = workspace.settings.brand
    return to_business_date(now(), brand.timezone, brand.day_starts_at)


class Learner:
    """One candidate's learning: a method per room, each returns the sentence that the run shows."""

    def __init__(
        self,
        workspace: Workspace,
        ledger: Ledger,
        candidate: Candidate,
        run_id: str,
        read_clear: ClearReader,
        *,
        afresh: bool = False,
    ) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._candidate = candidate
        self._run_id = run_id
        self._read_clear = read_clear
        self._afresh = afresh

    def customers(self) -> str:
        records = self._read("int_identity_records")
        if records.is_empty():
            return "no records of people: skipped"
        seen = records.join(self._clear(records), on="record_token", how="left")
        said = self._landed("customers.links", source=inbox.SOURCE).unique(LINK_KEY, keep="last").select(*LINK_COLUMNS)
        found = resolve(seen, said, self._known_customers())
        self._land("customers.links", found.changes)
        self._land("customers.identities", found.identities)
        if found.model is not None:
            row = {
                "model_version": found.model.version,
                "records": found.model.records,
                "parameters": found.model.to_json(),
            }
            known = self._landed("customers.models")["model_version"].implode()
            self._land("customers.models", pl.DataFrame([row]).filter(~pl.col("model_version").is_in(known)))
        counts = dict(pl.concat([found.links, said]).group_by("verdict").len().iter_rows())
        return (
            f"{records.height:,} records, {found.touched:,} of them looked at, {counts.get('link', 0):,} links, "
            f"{counts.get('never', 0):,} contradictions, {found.identities.height:,} new or changed identities"
        )

    def _known_customers(self) -> Known:
        """What the last published run left; built afresh, all records are looked at again."""
        links = self._landed("customers.links", source=lake.LEARNT_SOURCE)
        models = self._landed("customers.models")
        latest = self._ledger.latest_version()
        database = self._workspace.published / latest.file if latest else None
        records = pl.DataFrame()
        if database and not self._afresh and "int_identity_records" in warehouse.tables(database):
            records = warehouse.read_table(database, "int_identity_records")
        return Known(
            records,
            links.unique(LINK_KEY, keep="last").filter(pl.col("verdict") != WITHDRAWN).select(*LINK_COLUMNS),
            self._landed("customers.identities").unique(["record_token", "decided_at"], keep="last"),
            Model.from_json(models["parameters"][-1]) if models.height else None,
        )

    def _clear(self, records: pl.DataFrame) -> pl.DataFrame:
        """record_token, name, phone, email, street as the vault has them; no rows where it has none."""
        kept = records.filter(pl.col("_load_seq").is_not_null())
        clear = self._read_clear(records=kept.select("_load_seq", "_row").iter_rows())
        columns = {
            name: pl.coalesce(
                *(pl.col(column) for column in sources if column in clear.columns), pl.lit(None, pl.String)
            )
            for name, sources in CLEAR.items()
        }
        named = clear.select(_load_seq="load_seq", _row="row", **columns).unique(["_load_seq", "_row"], keep="last")
        spelled = pl.col("name").str.normalize("NFKC").str.to_lowercase().str.strip_chars()
        return (
            kept.select("record_token", "_load_seq", "_row", "phone_token")
            .join(named, on=["_load_seq", "_row"])
            .with_columns(
                name=pl.when(~pl.col("name").str.contains("*", literal=True)).then(spelled),
                # A phone that gave no token is masked, pooled or a placeholder.
                phone=pl.when(pl.col("phone_token").is_not_null()).then("phone"),
            )
            .select("record_token", *CLEAR)
        )

    def voice(self) -> str:
        posts = self._read("stg_social__posts")
        if posts.is_empty():
            return "no posts: skipped"
        products = self._read("dim_product").filter(pl.col("is_current")).select("sku", "name")
        named = with_gtins(products, self._read("stg_erp__items"))
        read = new_readings(posts, named, self._landed("social.sentiment"))
        self._land("social.sentiment", read)
        bad = read.filter(pl.col("label") == "bad").height
        return f"{posts.height:,} posts, {read.height:,} read anew, {bad:,} of them bad"

    def profiles(self) -> str:
        scores, orders = self._read("int_customer_scores"), self._read("int_customer_orders")
        if scores.is_empty():
            return "no customer has bought yet: skipped"
        favourites = self._read("int_customer_favourites").select("customer_id", "favourite_category")
        found = profile_customers(
            scores.join(favourites, on="customer_id", how="left"),
            orders,
            self._read("int_customer_categories"),
            as_of=business_date(self._workspace),
        )
        self._land("customers.profiles", found.rows)
        judged = found.next_score
        told = f"{found.rows.height:,} profiles, {found.rows['is_churn_alarm'].sum():,} churn alarms"
        if judged.hit_rate is None or judged.popular_hit_rate is None:
            return told
        used = "what goes together" if judged.is_better else "popularity"
        return (
            f"{told}; next category by {used}: right {judged.hit_rate:.0%} by what goes together, "
            f"{judged.popular_hit_rate:.0%} by popularity"
        )

    def promotions(self) -> str:
        weeks = self._read("int_promotion_weeks")
        if weeks.is_empty() or not (weeks["is_display"] | weeks["is_mailer"]).any():
            return "no placements: skipped"
        runs = find_runs(weeks)
        effects = measure_runs(
            weeks, runs, max_runs=self._workspace.settings.promotions.max_runs, unit_costs=self._unit_costs()
        )
        self._land("promotions.effects", effects)
        measured = effects.filter(pl.col("verdict") == "measured").height
        return f"{runs.height:,} runs, {measured} measured, the others with the reason why not"

    def forecasting(self) -> str:
        weeks = self._read("int_demand_weekly")
        if weeks.is_empty():
            return "no complete week of demand: skipped"
        days = demand_history(self._read("int_demand_recorded"))
        self._land("forecasting.history", days.drop("units"))
        # One week more than planned for: at mid-week the running week is forecast too, and the plan starts after it.
        horizon = self._workspace.settings.forecasting.horizon_weeks + 1
        last: date = weeks["week_on"].max()  # type: ignore[assignment]
        heard = with_signals(unconstrained_weeks(weeks, days), self._read("int_demand_signal"))
        history, future = with_plan(heard, self._read("int_demand_plan"), horizon)
        inputs_id = _named(history, future)
        before = self._newest("forecasting.scores")
        champion = champion_of(before)
        # On most nights no week has ended and no plan has changed: what was learnt from the same is learnt already.
        if champion is not None and not self._afresh and set(before["inputs_id"]) == {inputs_id}:
            scores, step, how = before, champion, " as before: no week and no plan has changed"
            demand = self._newest("forecasting.demand")
        else:
            how = ""
            scores = score_origins(history, horizon_weeks=horizon - 1, origins=2, future=future)
            step = choose(scores, champion)
            scores = marked(scores, step)
            cutoff_on = last + timedelta(days=6)
            demand = forecast_as(step, history, horizon_weeks=horizon, cutoff_on=cutoff_on, future=future)
        self._land("forecasting.demand", demand.select(list(DEMAND_SCHEMA)))
        self._land("forecasting.scores", scores.select(list(SCORES_SCHEMA)).with_columns(inputs_id=pl.lit(inputs_id)))
        told = f"{demand.select('sku', 'channel_id').n_unique():,} series, {horizon} weeks, by {step}{how}"
        return told + _where_shelves_were_empty(days) + _against_benchmark(scores, step)

    def segments(self) -> str:
        customers = self._read("mart_customer_360")
        if customers.is_empty():
            return "no customer has bought yet: skipped"
        known = latest(self._read("dim_segment"))
        found = sizes(customers, known).with_columns(as_of=pl.lit(business_date(self._workspace)))
        self._land("customers.segment_sizes", found)
        unread = sorted({one.segment_id for one in known} - set(found["segment_id"]))
        return f"{found.height} counted" + (f"; rules that no longer hold: {', '.join(unread)}" if unread else "")

    def planning(self) -> str:
        tables = {name: self._read(f"int_planning_{name}") for name in PLANNING_TABLES}
        missing = [name for name in ("demand", "routing", "calendar") if tables[name].is_empty()]
        if missing:
            return f"no {', '.join(missing)}: skipped"
        today = business_date(self._workspace)
        start_on = today - timedelta(days=today.weekday()) + timedelta(days=7)
        tables["demand"] = from_start(tables["demand"], today, start_on)
        tables["previous_plan"] = plan_before(self._workspace, self._ledger, start_on)
        settings = self._workspace.settings.planning
        known = weeks_known(tables["demand"], tables["calendar"], start_on)
        outputs = make_plan(
            tables,
            start_on=start_on,
            horizon_weeks=settings.horizon_weeks,
            service_level=settings.service_level,
            look_ahead_weeks=max(0, known - settings.horizon_weeks),
        )
        outputs["summary"] = _with_parts(outputs["summary"])
        for name in PLAN_OUTPUTS:
            self._land(f"planning.{name}", outputs[name])
        plan = outputs["production_plan"]
        return f"{plan.height:,} line-weeks of {plan['sku'].n_unique():,} SKUs from {start_on}"

    def _landed(self, stream: str, *, source: str | None = None) -> pl.DataFrame:
        """The rows of one of our streams that are visible to all, of one source or of all, in the order they landed,
        without deleted ones: a build afresh keeps its customers, and a forgotten one is gone."""
        columns = landed_schema(contract(stream))
        # Merged, one file holds many loads.
        files = dict.fromkeys(
            self._workspace.root / load.file
            for load in self._ledger.loads(stream=stream)
            if load.state == "visible" and load.file is not None and source in (None, load.source)
        )
        order: dict[str, pl.DataType] = {"_load_seq": pl.Int64(), "_row": pl.Int64()}
        landed = [pl.read_parquet(file).filter(pl.col("_op") != "delete").select(*columns, *order) for file in files]
        return pl.concat([pl.DataFrame(schema=columns | order), *landed]).sort(*order).select(*columns)

    def _newest(self, stream: str) -> pl.DataFrame:
        """What the last run that was published learnt of a stream; columns that it did not know are null."""
        schema = landed_schema(contract(stream))
        load = self._ledger.last_load(lake.LEARNT_SOURCE, stream)
        if load is None or load.file is None:
            return pl.DataFrame(schema=schema)
        file = pl.read_parquet(self._workspace.root / load.file).filter(pl.col("_load_seq") == load.load_seq)
        return pl.concat([pl.DataFrame(schema=schema), file], how="diagonal").sort("_row").select(list(schema))

    def _read(self, table: str) -> pl.DataFrame:
        # Rows in one order: sums of floats, and whatever breaks ties, must not hang on how the engine stored them.
        frame = warehouse.read_table(self._candidate.database, table)
        return frame.sort(frame.columns)

    def _unit_costs(self) -> pl.DataFrame:
        """sku, cost_amount of a unit: the mean over all counted sales; no row where the cost is unknown."""
        sales = self._read("fct_sales_line").filter(pl.col("is_counted"))
        return (
            sales.group_by("sku")
            .agg(pl.col("units", "cost_amount").sum().cast(pl.Float64))
            .filter(pl.col("cost_amount") > 0, pl.col("units") > 0)
            .select("sku", pl.col("cost_amount") / pl.col("units"))
            .sort("sku")
        )

    def _land(self, stream: str, frame: pl.DataFrame) -> None:
        columns = contract(stream).schema.column_names()
        for name in ("run_id", "plan_id"):
            if name in columns and name not in frame.columns:
                frame = frame.with_columns(pl.lit(self._run_id).alias(name))
        lake.land_learnt(
            self._workspace, self._ledger, stream, frame, run_id=self._run_id, candidate=self._candidate.name
        )


def _with_parts(summary: pl.DataFrame) -> pl.DataFrame:
    """The summary as it lands: what has no column of its own goes into `parts`; how long it took is not learnt."""
    own = [name for name in contract("planning.summary").schema.column_names() if name in summary.columns]
    rest = summary.drop(*own, "seconds").with_columns(pl.selectors.decimal().cast(pl.Float64))
    return summary.select(own).with_columns(
        parts=pl.Series([json.dumps(row, sort_keys=True) for row in rest.to_dicts()])
    )


def _where_shelves_were_empty(days: pl.DataFrame) -> str:
    """How many units history adds for empty shelves, and sets apart as bulk orders."""
    if days.is_empty():
        return ""
    moved = dict(days.group_by("method").agg((pl.col("unconstrained_units") - pl.col("units")).sum()).iter_rows())
    added, apart = moved.get("censored", 0.0), abs(moved.get("bulk", 0.0))
    return f"; {added:,.0f} units behind empty shelves, {apart:,.0f} in bulk orders set apart"


def _against_benchmark(scores: pl.DataFrame, step: str) -> str:
    """The published method's error against the benchmark's, at the level that is forecast, all horizons together."""
    found = scores.filter(
        pl.col("metric") == "wape",
        pl.col("series") == "*",
        pl.col("class") == "*",
        pl.col("step") == step,
        pl.col("horizon") == 0,
        pl.col("level") == "sku,channel_id,location_id",
    )
    if found.is_empty() or found["value"].item() is None:
        return ""
    return f"; WAPE {found['value'].item():.3f}, seasonal naive {found['benchmark_value'].item():.3f}"


def _named(history: pl.DataFrame, future: pl.DataFrame) -> str:
    """Names what a forecast is made of: two tables, to the last bit, and the code that reads them."""
    digest = hashlib.sha256(_code_version(("forecasting",)).encode())
    for frame in (history, future):
        written = io.BytesIO()
        frame.write_ipc(written)
        digest.update(written.getbuffer())
    return digest.hexdigest()[:16]


@cache
def _code_version(folders: tuple[str, ...]) -> str:
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in {".py", ".sql", ".yml", ".csv"}:
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()
