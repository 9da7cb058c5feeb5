"""The blocks of a forecast on Spark: each is a task, told and answered in Arrow, with the results of this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecasting import classes
from forecasting.grid import Floats, Grid, Ints
from forecasting.trials import Block, Strings, Trial
from tillmill.errors import TillmillError
from tillmill.java import java_for

# An own session is a local one, as `dbt_project/profiles.yml` has it; a task owns one core, and so one thread.
SETTINGS = {
    "spark.master": f"local[{os.environ.get('TILLMILL_SPARK_CORES', '*')}]",
    "spark.driver.memory": os.environ.get("TILLMILL_SPARK_MEMORY", "2g"),
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.executorEnv.OMP_THREAD_LIMIT": "1",
}
# Spark sends rows to its executors in messages of at most 128 MiB.
BYTES_IN_MESSAGE = 16 * 2**20
NOW = -1
# One row for each array of a block, in the order of the block: `place` says in which trial, or NOW.
ANSWER = {
    "block": ("int", pa.int32()),
    "place": ("int", pa.int32()),
    "what": ("string", pa.string()),
    "name": ("string", pa.string()),
    "shape": ("array<long>", pa.list_(pa.int64())),
    "figures": ("array<double>", pa.list_(pa.float64())),
    "words": ("array<string>", pa.list_(pa.string())),
}
Array = Floats | Strings
Named = tuple[int, str, str, Array]


def check() -> None:
    """Raises UsageError where Spark or Java is not installed."""
    java_for("Spark", "pyspark")


def each_block(work: Callable[[Grid], Block], grid: Grid, blocks: Sequence[Ints]) -> list[Block]:
    """What `work` makes of each of the blocks, in order: in the session there is, else in a local one made for it.

    As many blocks as Spark has cores are under way at once, and no more of the grid has left this process. What `work`
    carries (models, and what the whole grid says of its groups) is broadcast: once to each machine, not to each task.
    Raises TillmillError with what Spark says where a task fails.
    """
    done: list[Block] = []
    with _session() as session:
        told = session.sparkContext.broadcast(work)
        at_once = max(1, session.sparkContext.defaultParallelism)
        try:
            for first in range(0, len(blocks), at_once):
                done += _at_once(session, told, grid, blocks[first : first + at_once])
        except import_module("pyspark.errors").PySparkException as error:
            raise TillmillError(
                f"Spark could not forecast a block of series: {error}",
                state="Nothing was written.",
                next_command="tillmill forecast panel … --engine local",
            ) from error
        finally:
            told.destroy()
    return done


def series_table(grid: Grid, number: int) -> pa.Table:
    """A row per series: the block's number, the row in it, its codes, and a list for each matrix of the grid.

    What each list is stands in the grid itself, of which the task gets the empty frame.
    """
    matrices = [grid.values, *grid.known.values(), *grid.past.values()]
    codes = np.stack([*grid.static.values()], axis=1) if grid.static else np.zeros((grid.count, 0), dtype=np.int64)
    columns = {
        "block": pa.array(np.full(grid.count, number, dtype=np.int32)),
        "row": pa.array(np.arange(grid.count, dtype=np.int32)),
        "codes": _lists(codes),
        **{f"matrix_{place}": _lists(matrix) for place, matrix in enumerate(matrices)},
    }
    return pa.table(columns)


def grid_of(frame: Grid, table: pa.Table) -> Grid:
    """The grid of a block from the rows of its series, in any order; `frame` is that grid without any series.

    The names of the series stay at home: nothing is forecast by them.
    """
    table = table.sort_by("row")
    count = table.num_rows
    matrices = iter([_matrix(table[name]) for name in table.column_names if name.startswith("matrix_")])
    codes = _matrix(table["codes"]) if frame.static else np.zeros((count, 0), dtype=np.int64)
    return replace(
        frame,
        values=next(matrices),
        static={name: codes[:, place].copy() for place, name in enumerate(frame.static)},
        known={name: next(matrices) for name in frame.known},
        past={name: next(matrices) for name in frame.past},
    )


def answer_of(block: Block, number: int) -> pa.RecordBatch:
    """A row per array of the block."""
    rows = [
        {
            "block": number,
            "place": place,
            "what": what,
            "name": name,
            "shape": array.shape,
            "figures": None if what == "kind" else array.ravel(),
            "words": array.tolist() if what == "kind" else None,
        }
        for place, what, name, array in _arrays(block)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([(name, kind) for name, (_, kind) in ANSWER.items()]))


def block_of(answer: pa.Table) -> Block:
    """The block from its rows, in their order."""
    trials: dict[int, dict[str, Any]] = {}
    parts: dict[str, dict[str, Floats]] = {}
    for row in range(answer.num_rows):
        place, what, name, shape, words = (
            answer[it][row].as_py() for it in ("place", "what", "name", "shape", "words")
        )
        if what == "kind":
            array: Any = np.array(words, dtype=classes.WORD)
        else:
            array = np.array(answer["figures"][row].values).reshape(shape)
        trial = trials.setdefault(place, {"members": {}})
        if what == "parts":
            member, part = name.split("/")
            parts.setdefault(member, {})[part] = array
        elif what == "members":
            trial["members"][name] = array
        else:
            trial[what] = int(array[0]) if what == "origin" else array
    now = Trial(**trials.pop(NOW))
    return Block(tuple(Trial(**trials[place]) for place in sorted(trials)), now, parts)


def _arrays(block: Block) -> Iterator[Named]:
    for place, trial in (*enumerate(block.trials), (NOW, block.now)):
        yield place, "origin", "", np.array([trial.origin], dtype=np.float64)
        for name, told in trial.members.items():
            yield place, "members", name, told
        for what in ("actual", "scale", "signs", "kind"):
            yield place, what, "", getattr(trial, what)
    for member, parts in block.parts.items():
        for part, told in parts.items():
            yield NOW, "parts", f"{member}/{part}", told


def _at_once(session: Any, told: Any, grid: Grid, blocks: Sequence[Ints]) -> list[Block]:
    frame = grid.take(np.zeros(0, dtype=np.int64))

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = pa.Table.from_batches(list(batches))
        number = table["block"][0].as_py()
        block = grid_of(frame, table)
        del table
        yield answer_of(told.value(block), number)

    rows = pa.concat_tables(_in_messages(series_table(grid.take(series), at)) for at, series in enumerate(blocks))
    sent = session.createDataFrame(rows).repartitionById(len(blocks), "block")
    told_as = ", ".join(f"{name} {kind}" for name, (kind, _) in ANSWER.items())
    answer = sent.mapInArrow(task, told_as).toArrow()
    return [block_of(answer.filter(pc.equal(answer["block"], at))) for at in range(len(blocks))]


def _in_messages(table: pa.Table) -> pa.Table:
    """The same rows in pieces that Spark can send."""
    step = max(1, BYTES_IN_MESSAGE * table.num_rows // max(table.nbytes, 1))
    ends = [*range(0, table.num_rows, step), table.num_rows]
    return pa.concat_tables(table.slice(low, high - low) for low, high in pairwise(ends))


def _lists(matrix: Floats | Ints) -> pa.ListArray:
    count, width = matrix.shape
    return pa.ListArray.from_arrays(
        pa.array(np.arange(count + 1, dtype=np.int32) * width, type=pa.int32()), pa.array(matrix.ravel())
    )


def _matrix(column: pa.ChunkedArray) -> Any:
    # A copy: what Arrow lends cannot be written to.
    return np.array(column.combine_chunks().flatten()).reshape(len(column), -1)


@contextmanager
def _session() -> Iterator[Any]:
    """The active session, left as it is; or one of our own, stopped and its files removed at the end."""
    sessions = import_module("pyspark.sql").SparkSession
    if (session := sessions.getActiveSession()) is not None:
        yield session
        return
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1"} | java_for("Spark", "pyspark")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with TemporaryDirectory(prefix="tillmill-spark-") as folder:
        builder = sessions.builder.appName("tillmill forecast")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        # Spark makes a folder for its tables even where there are none.
        session = builder.config("spark.sql.warehouse.dir", folder).getOrCreate()
        try:
            yield session
        finally:
            session.stop()
