"""The plan as CSV files for people and schedulers: all or nothing, safe in a spreadsheet, checkable by sha256."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from planning.contracts import OUT

MANIFEST = "manifest.json"
# A cell that a spreadsheet would run: = + - @ also full-width, after blanks, or a leading tab, return or line feed.
DANGEROUS = r"^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])"
NONE_MARK = "-"  # our word for "none" is a lone dash, which runs nothing


def write_plan(outputs: dict[str, pl.DataFrame], folder: Path) -> list[Path]:
    """Write every Out table as TABLE.csv, the summary as summary.json, and manifest.json (rows, sha256) into `folder`.

    UTF-8, LF, header always. A new folder appears whole; in an existing one the manifest goes first and comes back
    last, so a folder with a manifest that agrees is always one whole plan. Returns the paths, manifest last. Raises
    ValueError for a table name that is not of the contracts (a file name is never taken from data).
    """
    unknown = sorted(set(outputs) - set(OUT))
    if unknown:
        raise ValueError(f"not a planning table: {', '.join(unknown)}")
    files: dict[str, bytes] = {}
    manifest: dict[str, Any] = {"format": "tillmill-plan", "version": 1, "files": {}}
    for name in sorted(outputs):
        file = "summary.json" if name == "summary" else f"{name}.csv"
        content = _json(summary_object(outputs[name])) if name == "summary" else _csv(outputs[name])
        files[file] = content
        manifest["files"][file] = {"rows": outputs[name].height, "sha256": hashlib.sha256(content).hexdigest()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for file, content in {**files, MANIFEST: _json(manifest)}.items():
            _write(partial / file, content)
        _sync_folder(partial)
        if folder.exists():
            (folder / MANIFEST).unlink(missing_ok=True)
            _sync_folder(folder)
            for file in [*files, MANIFEST]:
                (partial / file).replace(folder / file)
                _sync_folder(folder)
        else:
            partial.chmod(0o755)
            partial.rename(folder)
        _sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [folder / file for file in [*files, MANIFEST]]


def summary_object(summary: pl.DataFrame) -> dict[str, Any]:
    """The summary as one JSON object: numbers as numbers, utilisation_rate by line. Empty object for an empty frame."""
    if summary.is_empty():
        return {}
    row = summary.with_columns(pl.selectors.decimal().cast(pl.Float64)).row(0, named=True)
    return {name: json.loads(value) if name == "utilisation_rate" else value for name, value in row.items()}


def neutralise(text: pl.Expr) -> pl.Expr:
    """Text with an apostrophe before anything a spreadsheet would run as a formula."""
    return pl.when(text.str.contains(DANGEROUS) & (text != NONE_MARK)).then(pl.lit("'") + text).otherwise(text)


def _csv(frame: pl.DataFrame) -> bytes:
    texts = [column for column, dtype in frame.schema.items() if dtype == pl.String]
    safe = frame.with_columns(neutralise(pl.col(column)).alias(column) for column in texts)
    buffer = io.BytesIO()
    safe.write_csv(buffer, datetime_format="%Y-%m-%dT%H:%M:%S%.3fZ", quote_style="necessary")
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
