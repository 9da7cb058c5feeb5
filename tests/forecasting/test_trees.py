"""Two libraries, one model: with LightGBM and without it the same ratios are learnt."""

import os
import subprocess
import sys

import numpy as np
import pytest

from forecasting import trees
from forecasting.grid import Floats
from forecasting.panel import forecast_panel
from tests.forecasting.panels import daily_panel

EFFORT = trees.Effort(
    rows=5_000, trees=80, rate=0.1, leaves=15, threads=1, same_from=1.0, distances=14, has_quartiles=False
)
LIBRARIES = ["lightgbm", "scikit-learn"]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "scikit-learn":
        monkeypatch.setattr(trees, "lightgbm", lambda: None)
    else:
        assert trees.lightgbm() is not None
    return str(request.param)


def rows(seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """Ratios that double where the second column is on, more weight on some rows; the third column says nothing."""
    generator = np.random.default_rng(seed)
    matrix = np.column_stack([generator.random(5_000), generator.random(5_000) < 0.3, np.ones(5_000)])
    matrix[::50, 0] = np.nan
    ratios = generator.poisson(10.0 * (1.0 + matrix[:, 1])) / 10.0
    return matrix, ratios, generator.random(5_000) + 0.5


def test_what_doubles_demand_is_learnt_and_what_says_nothing_is_not_used(library: str) -> None:
    model = trees.fit_trees(*rows(), EFFORT, [])
    on, off = model.ratios(np.array([[0.5, 1.0, 1.0], [0.5, 0.0, 1.0]]))
    assert on == pytest.approx(2.0, abs=0.15)
    assert off == pytest.approx(1.0, abs=0.08)
    assert model.uses(1)
    assert not model.uses(2)


def test_same_rows_give_the_same_model(library: str) -> None:
    first, second = (trees.fit_trees(*rows(), EFFORT, [1]).ratios(rows(2)[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_panel_is_forecast_by_either(library: str) -> None:
    told = forecast_panel(daily_panel(), horizon=14, fast=True)
    assert told["method"].str.contains("gradient boosting").any()
    saturday = told.filter(told["ds"].dt.weekday() == 6)["mean"].mean()
    rest = told.filter(told["ds"].dt.weekday() != 6)["mean"].mean()
    assert saturday / rest == pytest.approx(2.0, abs=0.4)  # type: ignore[operator]


def test_a_system_without_libgomp_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel is there, its shared library is not: importing it raises OSError, not ImportError."""

    def missing(name: str) -> None:
        raise OSError(f"libgomp.so.1: cannot open shared object file ({name})")

    trees.lightgbm.cache_clear()
    monkeypatch.setattr(trees, "import_module", missing)
    try:
        assert trees.lightgbm() is None
    finally:
        trees.lightgbm.cache_clear()


@pytest.mark.parametrize(("set_before", "found"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_do_not_spin_for_long_unless_the_environment_says_so(set_before: dict[str, str], found: str) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    code = "import forecasting.trees as t, os, sys; print(os.environ['GOMP_SPINCOUNT'], 'lightgbm' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | set_before, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [found, "False"], "said before the library that reads it is loaded"
