"""The workspace file is typed, secrets come by reference, and there is one clock."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tillmill.errors import SettingsError
from tillmill.workspace import now, open_workspace, to_business_date

BRAND = '[brand]\nname = "Harvest"\ncurrency = "USD"\ntimezone = "America/New_York"\n'


def workspace_with(folder: Path, text: str) -> Path:
    (folder / "tillmill.toml").write_text(text)
    return folder


def test_an_unknown_key_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"brand\.colour"):
        open_workspace(workspace_with(tmp_path, BRAND + 'colour = "red"\n'))


def test_a_missing_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="tillmill init"):
        open_workspace(tmp_path)


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="timezone"):
        open_workspace(workspace_with(tmp_path, BRAND.replace("America/New_York", "America/Nowhere")))


def test_a_pinned_clock_stands_still(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "clock").write_text("2017-12-04T04:01:20+00:00")
    open_workspace(workspace_with(tmp_path, BRAND + '[clock]\npinned = "run/clock"\n'))
    assert now() == datetime(2017, 12, 4, 4, 1, 20, tzinfo=UTC)


def test_a_workspace_without_a_pinned_clock_lives_in_the_present(tmp_path: Path) -> None:
    open_workspace(workspace_with(tmp_path, BRAND))
    assert abs((now() - datetime.now(UTC)).total_seconds()) < 60


def test_references_reach_into_files_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found.json").write_text('{"sftp": {"port": 22}}')
    monkeypatch.setenv("TILLMILL_TEST_TOKEN", "abc")
    opened = open_workspace(workspace_with(tmp_path, BRAND))
    assert opened.resolve("file:found.json#sftp.port") == "22"
    assert opened.resolve("env:TILLMILL_TEST_TOKEN") == "abc"
    assert opened.resolve("plain") == "plain"


def test_a_missing_reference_names_itself_and_not_its_value(tmp_path: Path) -> None:
    opened = open_workspace(workspace_with(tmp_path, BRAND))
    with pytest.raises(SettingsError, match="env:TILLMILL_NO_SUCH"):
        opened.resolve("env:TILLMILL_NO_SUCH")


def test_a_secret_written_out_is_refused(tmp_path: Path) -> None:
    opened = open_workspace(workspace_with(tmp_path, BRAND))
    with pytest.raises(SettingsError, match="by reference") as refused:
        opened.secret("hunter2")
    assert "hunter2" not in str(refused.value)


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_a_secret_file_that_others_can_read_is_refused_with_the_command_that_fixes_it(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("abc")
    secret.chmod(0o644)
    opened = open_workspace(workspace_with(tmp_path, BRAND))
    with pytest.raises(SettingsError, match="chmod 600"):
        opened.secret("file:token")
    secret.chmod(0o600)
    assert opened.secret("file:token") == "abc"


def test_hours_before_the_day_starts_belong_to_the_day_before() -> None:
    at = datetime(2017, 12, 4, 6, 30, tzinfo=UTC)
    assert to_business_date(at, "America/New_York") == date(2017, 12, 4)
    assert to_business_date(at, "America/New_York", "04:00") == date(2017, 12, 3)
    assert to_business_date(at, "Asia/Shanghai") == date(2017, 12, 4)
