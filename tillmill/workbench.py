"""The engines on anybody's file: thin doors to the functions that the pipeline itself calls."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from tillmill.errors import UsageError
from tillmill.tablefiles import read_file, write_file

promotions = typer.Typer(help="What a promotion did.", no_args_is_help=True)
customers = typer.Typer(help="Who customers are, and what they are worth.", no_args_is_help=True)
planning = typer.Typer(help="From demand to the mill.", no_args_is_help=True)
forecast = typer.Typer(help="What will be demanded.", no_args_is_help=True)
social = typer.Typer(help="What people say.", no_args_is_help=True)
GROUPS = {
    "forecast": forecast,
    "promotions": promotions,
    "customers": customers,
    "social": social,
    "planning": planning,
}

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
console = Console()


@forecast.command("panel")
def forecast_panel_file(
    history: Annotated[Path, typer.Argument(help="unique_id, ds, y and any further columns.")],
    horizon: Annotated[int, typer.Option(help="Periods to forecast.")],
    out: Annotated[Path, typer.Option(help="Where the forecast goes.")],
    freq: Annotated[str, typer.Option(help="D, W or MS.")] = "D",
    future: Annotated[
        Path | None, typer.Option(help="Columns known ahead, by unique_id and ds; a series only here is launched.")
    ] = None,
    hierarchy: Annotated[str, typer.Option(help="Static columns from coarse to fine, by comma.")] = "",
    in_stock: Annotated[str | None, typer.Option(help="Column that is false where sales could not happen.")] = None,
    fast: Annotated[bool, typer.Option(help="Fewer rows, smaller trees, bands by trials alone.")] = False,
    engine: Annotated[
        str, typer.Option(help="local, or spark: blocks of series on Spark, the same results.")
    ] = "local",
    as_json: JsonOption = False,
) -> None:
    """Forecast every series of a panel: mean and quantiles, and its aggregates."""
    from forecasting.panel import forecast_with_notes

    found = forecast_with_notes(
        read_file(history),
        horizon=horizon,
        freq=freq,
        future=read_file(future) if future else None,
        hierarchy=[name.strip() for name in hierarchy.split(",") if name.strip()] or None,
        in_stock=in_stock,
        fast=fast,
        engine=engine,
    )
    write_file(found.forecast, out)
    for name, note in found.notes.select("unique_id", "note").iter_rows():
        Console(stderr=True, soft_wrap=True).print(f"{name}: {note}", markup=False, highlight=False)
    _show(
        {
            "series": found.forecast["unique_id"].drop_nulls().n_unique(),
            "rows": found.forecast.height,
            "refused": found.notes.filter("is_refused")["unique_id"].n_unique(),
            "out": str(out),
        },
        as_json,
    )


@forecast.command("score")
def forecast_score(
    actual: Annotated[Path, typer.Argument(help="unique_id, ds, y.")],
    forecast_file: Annotated[Path, typer.Argument(metavar="FORECAST", help="What forecast panel wrote.")],
    history: Annotated[Path | None, typer.Option(help="The history forecast from, for RMSSE and MASE.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a forecast against what happened: WAPE, bias, RMSSE, MASE, pinball, coverage."""
    from forecasting.scores import score

    found = score(read_file(actual), read_file(forecast_file), read_file(history) if history else None)
    _show_rows(found, as_json)


@promotions.command("effect")
def promotions_effect(
    panel: Annotated[Path, typer.Argument(help="Long panel: a row per unit and time.")],
    unit: Annotated[str, typer.Option(help="Column of the units.")],
    time: Annotated[str, typer.Option(help="Column of the times.")],
    value: Annotated[str, typer.Option(help="Column of what is measured.")],
    treated: Annotated[str, typer.Option(help="The treated units, by comma.")],
    start: Annotated[str, typer.Option(help="First treated time.")],
    end: Annotated[str, typer.Option(help="Last treated time.")],
    post_days: Annotated[int, typer.Option(help="Times after the end that still count.")] = 0,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.99)] = 0.9,
    panel_column: Annotated[str | None, typer.Option(help="Column that tells many panels apart.")] = None,
    out: Annotated[Path | None, typer.Option(help="One row per panel.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a treatment by synthetic control with a placebo-in-time interval."""
    from promotions.panel import measure_panel

    frame = read_file(panel)
    found = measure_panel(
        frame,
        unit=unit,
        time=time,
        value=value,
        treated=[name.strip() for name in treated.split(",")],
        start=_moment(start, frame, time),
        end=_moment(end, frame, time),
        post_days=post_days,
        confidence=confidence,
        panel_column=panel_column,
    )
    if out:
        write_file(found if out.suffix == ".parquet" else found.drop("weights"), out)
    rows = found.to_dicts()
    if as_json:
        print(json.dumps(rows[0] if len(rows) == 1 else rows, ensure_ascii=False, default=str))
    else:
        _show_rows(found.drop("weights"), as_json)


@customers.command("link")
def customers_link(
    left: Annotated[Path, typer.Argument(help="Records of people, one per row.")],
    id_column: Annotated[str, typer.Option("--id", help="Column of the record's id.")],
    out: Annotated[Path, typer.Option(help="The pairs that are one person.")],
    right: Annotated[
        Path | None, typer.Argument(help="Records to link with; without them LEFT is deduplicated.")
    ] = None,
    columns: Annotated[str, typer.Option(help="role=column by comma, where the names do not tell.")] = "",
    threshold: Annotated[float, typer.Option(min=0.01, max=0.999, help="Least probability of a pair.")] = 0.9,
    clusters: Annotated[Path | None, typer.Option(help="Each record's cluster.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the records of one person, without labels, and say why."""
    from customers.linkage import link_frames
    from customers.roles import parse_roles, roles_of

    frames = [read_file(path) for path in (left, right) if path is not None]
    for frame, path in zip(frames, (left, right), strict=False):
        _need(frame, path or left, id_column)
    roles = roles_of(frames[0].columns, parse_roles(columns), apart=id_column)
    for column in roles.values():
        _need(frames[-1], right or left, column)
    found = link_frames(frames[0], frames[1] if right else None, roles, id_column=id_column, threshold=threshold)
    write_file(found.pairs, out)
    if clusters:
        write_file(found.clusters, clusters)
    _show(
        {
            "records": sum(frame.height for frame in frames),
            "roles": ", ".join(f"{role}={column}" for role, column in roles.items()),
            "pairs_looked_at": found.looked_at,
            "pairs": found.pairs.height,
            "clusters": found.clusters["cluster_id"].n_unique(),
            "out": str(out),
        },
        as_json,
    )


@customers.command("value")
def customers_value(
    transactions: Annotated[Path, typer.Argument(help="One row per purchase.")],
    customer: Annotated[str, typer.Option(help="Column of the customer.")],
    date_column: Annotated[str, typer.Option("--date", help="Column of the date.")],
    out: Annotated[Path, typer.Option(help="One row per customer.")],
    amount: Annotated[str | None, typer.Option(help="Column of the amount.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day to learn from; the file's last without it.")] = None,
    horizon_days: Annotated[int, typer.Option(min=1)] = 365,
    as_json: JsonOption = False,
) -> None:
    """Fit how customers come back, and say what each will order and spend.

    r, alpha, a and b are those of plain BG/NBD, as published elsewhere; the others are what expectations come from.
    """
    from customers import bg_nbd
    from customers.history import history_of, summarise
    from customers.value import fit_orders, fit_spend, value_customers

    frame = read_file(transactions)
    _need(frame, transactions, customer, date_column, *([amount] if amount else []))
    last = date.fromisoformat(until) if until else frame[date_column].cast(pl.Date).max()
    assert isinstance(last, date)
    people = summarise(frame, customer, date_column, amount, last)
    orders = fit_orders(people)
    spend = fit_spend(people) if amount else None
    write_file(value_customers(people, orders, spend, horizon_days / 7), out)
    plain = bg_nbd.fit(history_of(people))
    figures: dict[str, Any] = {"customers": people.height}
    figures |= {"r": plain.r, "alpha": plain.alpha, "a": plain.a, "b": plain.b}
    if spend:
        figures |= {"p": spend.p, "q": spend.q, "gamma": spend.gamma}
    for name, model in vars(orders).items():
        figures |= {f"{name}.{parameter}": value for parameter, value in vars(model).items()}
    _show(figures, as_json)


@social.command("sentiment")
def social_sentiment(
    file: Annotated[Path, typer.Argument(help="One row per text, Chinese or English.")],
    text: Annotated[str, typer.Option(help="Column of the text.")],
    out: Annotated[Path, typer.Option(help="The file's rows with score, label, language and themes.")],
    weights: Annotated[
        Path | None, typer.Option(help="A folder with zh.csv or en.csv of `social train`; the shipped ones without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read how each text feels (-1 bad to 1 good), in which language, and about which themes."""
    from customers.voice.model import models_of
    from customers.voice.read import read_texts

    frame = read_file(file)
    _need(frame, file, text)
    read = read_texts(frame[text].cast(pl.String).to_list(), models_of(weights) if weights else None)
    themes = read["themes"].explode().drop_nulls().value_counts(sort=True)
    write_file(frame.drop(read.columns, strict=False).hstack(read.with_columns(pl.col("themes").list.join(","))), out)
    labels = dict(read["label"].value_counts().iter_rows())
    figures = {name: labels.get(name, 0) for name in ("good", "neutral", "bad", "unknown")}
    figures |= {
        "texts": read.height,
        "mean_score": read["score"].mean(),
        "languages": dict(read["language"].value_counts().sort("language").iter_rows()),
        "themes": dict(themes.iter_rows()),
        "out": str(out),
    }
    _show(figures, as_json)


@social.command("train")
def social_train(
    file: Annotated[Path, typer.Argument(help="One row per text of one language.")],
    text: Annotated[str, typer.Option(help="Column of the text.")],
    label: Annotated[str, typer.Option(help="Column that is 1 for good and 0 for bad.")],
    out: Annotated[Path, typer.Option(help="Where the weights go: zh.csv or en.csv of a folder.")],
    group: Annotated[str | None, typer.Option(help="Column of a category; each then weighs alike.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a model of your own on labelled texts of your own."""
    from customers.voice.languages import LANGUAGES
    from customers.voice.training import KEPT, fit_model, table_of

    frame = read_file(file)
    _need(frame, file, text, label, *([group] if group else []))
    if out.suffix != ".csv" or out.stem not in LANGUAGES:
        raise UsageError(f"{out}: weights are named by their language, {' or '.join(f'{n}.csv' for n in LANGUAGES)}")
    good = (
        frame[label].cast(pl.String).replace_strict({"1": True, "0": False, "true": True, "false": False}, default=None)
    )
    if good.null_count():
        row = good.is_null().arg_true()[0]
        raise UsageError(f"{file}: column {label!r}, row {row + 1}: {frame[label][row]!r} is neither 1 nor 0")
    groups = frame[group].cast(pl.String).fill_null("").to_list() if group else None
    texts = frame[text].cast(pl.String).fill_null("").to_list()
    try:
        model = fit_model(texts, good.to_list(), language=out.stem, groups=groups, kept=KEPT)
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    write_file(table_of(model), out)
    _show({"texts": len(texts), "good": int(good.sum()), "grams": len(model.grams), "out": str(out)}, as_json)


@planning.command("plan")
def planning_plan(
    folder: Annotated[Path, typer.Argument(help="The tables of the planning contracts, as CSV or Parquet.")],
    out: Annotated[Path, typer.Option(help="The folder the plan goes to.")],
    start_on: Annotated[str | None, typer.Option(help="First Monday; the earliest demand without it.")] = None,
    horizon_weeks: Annotated[int | None, typer.Option(min=1, help="Weeks; as far as the demand without it.")] = None,
    service_level: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    as_json: JsonOption = False,
) -> None:
    """Plan: net requirements, a weekly plan by line, pegging and what cannot be met."""
    from planning.engine import make_plan
    from planning.exchange.csv import summary_object, write_plan
    from planning.folder import read_tables

    tables = read_tables(folder)
    if "demand" not in tables or tables["demand"].is_empty():
        raise UsageError(f"{folder}: no demand.csv or demand.parquet with a row in it")
    weeks = tables["demand"]["week_on"]
    first, last = weeks.min(), weeks.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    begin = date.fromisoformat(start_on) if start_on else first
    weeks_ahead = horizon_weeks or max(1, (last - begin).days // 7 + 1)
    outputs = make_plan(tables, start_on=begin, horizon_weeks=weeks_ahead, service_level=service_level)
    write_plan(outputs, out)
    _show(summary_object(outputs["summary"]), as_json)


def _moment(text: str, frame: pl.DataFrame, column: str) -> Any:
    """The time as the panel writes it: a number or a date."""
    if column not in frame.columns:
        raise UsageError(f"the panel has no column {column!r}; it has {', '.join(frame.columns)}")
    dtype = frame.schema[column]
    try:
        if dtype.is_integer():
            return int(text)
        if dtype == pl.Datetime:
            return datetime.fromisoformat(text)
        return date.fromisoformat(text) if dtype == pl.Date else text
    except ValueError as error:
        raise UsageError(f"{text!r} is not a {dtype} like those of column {column!r}") from error


def _need(frame: pl.DataFrame, path: Path, *columns: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise UsageError(f"{path}: no column {missing[0]!r}; it has {', '.join(frame.columns)}")


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, ensure_ascii=False, default=str))
        return
    table = Table(show_header=False)
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,.4f}" if isinstance(figure, float) else str(figure))
    console.print(table)


def _show_rows(frame: pl.DataFrame, as_json: bool) -> None:
    if as_json:
        print(json.dumps(frame.to_dicts(), ensure_ascii=False, default=str))
        return
    table = Table()
    for name in frame.columns:
        table.add_column(name, overflow="fold")
    for row in frame.head(50).iter_rows():
        table.add_row(*(f"{cell:,.4f}" if isinstance(cell, float) else str(cell) for cell in row))
    console.print(table)
