"""The peers: mlforecast with LightGBM, SeasonalNaive and CrostonSBA, in a venv of its own that has none of ours."""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from statsforecast import StatsForecast
from statsforecast.models import CrostonSBA, SeasonalNaive

LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
QUANTILES = tuple(f"q{round(level * 100):02d}" for level in LEVELS)
SEASON = {"D": 7, "W": 52, "MS": 12}
TRAILING = {"D": 56, "W": 26, "MS": 12}
DATES = {
    "D": ("dayofweek", "day", "month", "dayofyear", "year"),
    "W": ("month", "dayofyear", "year"),
    "MS": ("month", "year"),
}
WINDOWS = {"D": (7, 14, 28, 56), "W": (4, 8, 13, 26), "MS": (3, 6, 12)}
RECURSIVE = {
    "D": (1, 2, 3, 4, 5, 6, 7, 14, 21, 28, 364),
    "W": (1, 2, 3, 4, 8, 13, 26, 52),
    "MS": (1, 2, 3, 6, 12),
}
DIRECT = {"D": (28, 29, 30, 31, 32, 33, 34, 35, 42, 56, 364), "W": (8, 9, 10, 11, 12, 26, 52), "MS": (6, 7, 8, 12)}


def main():
    """`python forecast_peers.py FOLDER`: forecasts every peer's means and quantiles into FOLDER, prints seconds."""
    folder = Path(sys.argv[1])
    # A lag that reaches before a series began is a gap, which trees take as such.
    warnings.filterwarnings("ignore", "Found null values")
    task = json.loads((folder / "task.json").read_text())
    history, future = (pd.read_parquet(folder / f"{name}.parquet") for name in ("history", "future"))
    for frame in (history, future):
        frame["ds"] = pd.to_datetime(frame["ds"])
    history, future = whole(history, future, task)
    seconds, tables = {}, []
    for name, lags, first in (("recursive", RECURSIVE, 1), ("direct", DIRECT, task["horizon"])):
        model = {"mean": LGBMRegressor(**settings())}
        started = time.perf_counter()
        tables.append(boosted(history, future, task, model, lags, first).assign(peer=name))
        seconds[name] = time.perf_counter() - started
    if task["with_quantiles"]:
        models = {
            name: LGBMRegressor(objective="quantile", alpha=level, **settings())
            for name, level in zip(QUANTILES, LEVELS, strict=True)
        }
        started = time.perf_counter()
        tables.append(boosted(history, future, task, models, DIRECT, task["horizon"]).assign(peer="quantiles"))
        seconds["quantiles"] = time.perf_counter() - started
    tables.append(trailing(history, future, task).assign(peer="trailing"))
    season = SEASON[task["freq"]]
    for name, model in (("SeasonalNaive", SeasonalNaive(season, alias="mean")), ("CrostonSBA", CrostonSBA("mean"))):
        told = StatsForecast(models=[model], freq=task["offset"], n_jobs=1)
        tables.append(told.forecast(df=history[["unique_id", "ds", "y"]], h=task["horizon"]).assign(peer=name))
    out = pd.concat(tables, ignore_index=True)
    out["mean"] = out["mean"].clip(lower=0.0)
    out["ds"] = out["ds"].dt.date
    out.to_parquet(folder / "peers.parquet", index=False)
    print(json.dumps(seconds))


def settings():
    """LightGBM as the promise names it; everything else is the library's default."""
    return {"n_estimators": 200, "learning_rate": 0.05, "num_leaves": 63, "verbosity": -1, "random_state": 1}


def boosted(history, future, task, models, lags, first):
    """One global model over all series: lags, rolling means from lag `first` on, dates, static columns, the plan."""
    freq, static, known = task["freq"], task["static"], task["known"]
    forecaster = MLForecast(
        models=models,
        freq=task["offset"],
        lags=list(lags[freq]),
        lag_transforms={first: [RollingMean(window, min_samples=1) for window in WINDOWS[freq]]},
        date_features=list(DATES[freq]),
    )
    forecaster.fit(history, static_features=static, dropna=False)
    return forecaster.predict(task["horizon"], X_df=future[["unique_id", "ds", *known]] if known else None)


def trailing(history, future, task):
    """Quantiles of each series' own last buckets, the same for every step ahead."""
    recent = history.groupby("unique_id", observed=True).tail(TRAILING[task["freq"]])
    told = recent.groupby("unique_id", observed=True)["y"].quantile(LEVELS).unstack()
    told.columns = list(QUANTILES)
    return future[["unique_id", "ds"]].merge(told.reset_index(), on="unique_id")


def whole(history, future, task):
    """Both frames without gaps, as mlforecast asks: no sale is zero, a plan that is missing carries on the last."""
    dates = pd.date_range(history["ds"].min(), history["ds"].max(), freq=task["offset"])
    ahead = pd.date_range(dates[-1], periods=task["horizon"] + 1, freq=task["offset"])[1:]
    first = history.groupby("unique_id")["ds"].min().rename("first")
    every = pd.MultiIndex.from_product([first.index, dates.append(ahead)], names=["unique_id", "ds"]).to_frame(False)
    every = every.merge(first.reset_index(), on="unique_id")
    every = every[every["ds"] >= every["first"]].drop(columns="first")
    told = pd.concat([history, future.drop(columns="y", errors="ignore")])
    out = every.merge(told, on=["unique_id", "ds"], how="left").sort_values(["unique_id", "ds"])
    carried = [*task["static"], *task["known"]]
    out[carried] = out.groupby("unique_id")[carried].ffill()
    out[task["static"]] = out.groupby("unique_id")[task["static"]].bfill()
    for name in carried:
        if out[name].dtype == object:
            out[name] = out[name].astype("category")
    past = out[out["ds"] <= dates[-1]].copy()
    past["y"] = past["y"].fillna(0.0).astype(np.float64)
    return past.reset_index(drop=True), out[out["ds"] > dates[-1]].drop(columns="y").reset_index(drop=True)


if __name__ == "__main__":
    main()
