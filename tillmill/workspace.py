"""A workspace: one folder, one typed settings file, one clock."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tillmill.errors import SettingsError
from tillmill.refusals import in_words

SETTINGS_FILE = "tillmill.toml"

_clock_file: Path | None = None


def now() -> datetime:
    """The one clock (UTC): the pinned time of the workspace last opened, else the time of day."""
    if _clock_file is not None and _clock_file.exists():
        return datetime.fromisoformat(_clock_file.read_text().strip()).astimezone(UTC)
    return datetime.now(UTC)


def to_business_date(at: datetime, timezone: str, day_starts_at: str = "00:00") -> date:
    """The business date of a moment: its local date, the hours before `day_starts_at` belonging to the day before."""
    hours, minutes = (int(part) for part in day_starts_at.split(":"))
    return (at.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) - timedelta(hours=hours, minutes=minutes)).date()


class Strict(BaseModel):
    """Settings refuse what they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Brand(Strict):
    name: str
    currency: str = Field(pattern="^[A-Z]{3}$", description="three capitals, such as EUR")
    timezone: str
    day_starts_at: str = Field(
        default="00:00", pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day, such as 04:00"
    )
    language: str = Field(default="en", pattern="^(en|zh)$", description="en or zh")
    calling_code: str = Field(
        default="",
        pattern="^[1-9][0-9]{0,2}$|^$",
        description='a country\'s calling code without its plus, such as "49"',
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone, such as America/New_York or Asia/Shanghai") from error
        return value


class Clock(Strict):
    pinned: str = Field(description="file that holds one ISO time; the demo's clock", default="")


class Privacy(Strict):
    token_key: str = "file:state/keys/token.key"  # noqa: S105 - a reference, not a key
    sealing_key: str = "file:state/keys/sealing.key"
    vault_key: str = "file:state/keys/vault.key"
    originals_days: int = Field(default=30, ge=0, le=3650, description="how long source files are kept for replay")


class Forecasting(Strict):
    # Two weeks more than the plan shows: its last weeks prepare for what follows.
    horizon_weeks: int = Field(default=10, ge=1, le=52)


class Promotions(Strict):
    max_runs: int = Field(default=200, ge=1)


class Planning(Strict):
    horizon_weeks: int = Field(default=8, ge=1, le=52)
    service_level: float = Field(default=0.95, gt=0.5, lt=1)


class Notify(Strict):
    webhook: str = Field(default="", description="reference to a web address that is told how each run ended")


class Activation(Strict):
    """Handing a segment's people over: who stays out by chance, who may see clear values, where lists go."""

    holdout_rate: float = Field(default=0.1, ge=0, le=0.9, description="share kept off each list, for comparison")
    may_export_clear: list[str] = Field(default=[], description="accounts of this machine that may export clear values")
    webhook: str = Field(default="", description="reference to a web address that takes lists as JSON")


class Snapshot(Strict):
    """Each pull (each file) is the whole list: what it no longer names is deleted, unless too much of it is gone."""

    snapshot: Literal[True]
    most_share: float = Field(default=0.2, ge=0, le=1, description="of the current rows; more is taken for a cut list")


class StreamSettings(Strict):
    """One stream of a source: what to pull, and how raw fields become the contract's columns."""

    stream: str
    pull: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    timezone: str | None = None
    deletes: str | Snapshot | None = Field(
        default=None, description="raw field that is true, 1 or 'delete' on a tombstone; or { snapshot = true }"
    )
    unused: list[str] = Field(
        default=[], description="raw fields known and not wanted, * any signs: kept in _extra, no news"
    )
    drop: list[str] = Field(default=[], description="raw fields that are never kept, save in a source's own files")
    may_carry: bool | None = Field(
        default=None, description="people in unmapped fields: true seals all, false none; else those that look so"
    )
    max_quarantined_rate: float = Field(default=0.2, ge=0, le=1)


class SourceSettings(Strict):
    """One source system: its protocol, how to reach it, its streams."""

    name: str = Field(
        pattern="^[a-z][a-z0-9_]*$", description="a small letter, then small letters, digits and underscores"
    )
    connector: str
    connection: dict[str, Any] = {}
    timezone: str = "UTC"
    streams: list[StreamSettings]


class Settings(Strict):
    """The whole of `tillmill.toml`."""

    brand: Brand
    clock: Clock = Clock()
    privacy: Privacy = Privacy()
    forecasting: Forecasting = Forecasting()
    promotions: Promotions = Promotions()
    planning: Planning = Planning()
    notify: Notify = Notify()
    activation: Activation = Activation()
    reference: str = Field(default="", description="folder whose CSV files stand in for seeds/reference, file by file")
    sources: list[SourceSettings] = []


@dataclass(frozen=True)
class Workspace:
    """The folder and its settings; every path of house.md is a property here and nowhere else."""

    root: Path
    settings: Settings

    @property
    def landing(self) -> Path:
        return self.root / "lake" / "landing"

    @property
    def quarantine(self) -> Path:
        return self.root / "lake" / "quarantine"

    @property
    def originals(self) -> Path:
        return self.root / "lake" / "originals"

    @property
    def ledger(self) -> Path:
        return self.root / "state" / "ledger.sqlite"

    @property
    def inbox(self) -> Path:
        return self.root / "state" / "inbox.sqlite"

    @property
    def vault(self) -> Path:
        return self.root / "state" / "vault.sqlite"

    @property
    def forgotten(self) -> Path:
        return self.root / "state" / "forgotten"

    @property
    def keys(self) -> Path:
        return self.root / "state" / "keys"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def truth(self) -> Path:
        return self.root / "truth"

    def folders(self) -> list[Path]:
        return [
            self.landing,
            self.quarantine,
            self.originals,
            self.keys,
            self.build,
            self.published,
            self.exports,
            self.run,
            self.logs,
        ]

    def resolve(self, value: str) -> str:
        """The text behind a reference: `env:NAME`, `file:PATH` or `file:PATH#key.key` (JSON); other text is itself.

        Paths are relative to the workspace. Raises SettingsError naming the reference, never the secret.
        """
        if value.startswith("env:"):
            name = value[4:]
            if name not in os.environ:
                raise SettingsError(f"{SETTINGS_FILE}: {value} is not set", next_command=f"export {name}=...")
            return os.environ[name]
        if value.startswith("file:"):
            name, _, keys = value[5:].partition("#")
            path = self.root / name
            if not path.exists():
                raise SettingsError(f"{SETTINGS_FILE}: {value}: {path} does not exist")
            text = path.read_text().strip()
            if not keys:
                return text
            found: Any = json.loads(text)
            for key in keys.split("."):
                if not isinstance(found, dict) or key not in found:
                    raise SettingsError(f"{SETTINGS_FILE}: {value}: no key {key!r} in {path}")
                found = found[key]
            return str(found)
        return value

    def secret(self, value: str) -> str:
        """Like `resolve`, but refuses a secret written out and a secret file that others can read."""
        if not value.startswith(("env:", "file:")):
            raise SettingsError(
                f"{SETTINGS_FILE}: a secret is given by reference (env:NAME or file:PATH), never written out"
            )
        if value.startswith("file:"):
            path = self.root / value[5:].partition("#")[0]
            if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SettingsError(f"{path} can be read by others", next_command=f"chmod 600 {path}")
        return self.resolve(value)


def open_workspace(root: Path) -> Workspace:
    """The workspace in folder `root`; sets the process's clock to it. Raises SettingsError naming file, key, reason."""
    global _clock_file
    path = root / SETTINGS_FILE
    if not path.exists():
        raise SettingsError(f"no {SETTINGS_FILE} in {root}", next_command=f"tillmill init --workspace {root}")
    try:
        # Some editors put a byte order mark before the first line.
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(f"{path}: {in_words(error, Settings, given)}") from error
    _clock_file = root / settings.clock.pinned if settings.clock.pinned else None
    return Workspace(root=root, settings=settings)
