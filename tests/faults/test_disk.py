"""Fault 23: the disk is full, a folder is read-only: no half file is seen, and the words say what is needed."""

from __future__ import annotations

import ctypes
import os
import re
import resource
from pathlib import Path

import pytest

from ingestion.landing.ledger import Cursor
from tests.faults.shop import ROWS, cursor, files_of_lake, landed_rows, limited, make_shop, tillmill
from tillmill.workspace import Workspace

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_shop(tmp_path)


def obey_permissions() -> None:
    """Even root is refused by a folder's mode in the command that is started next."""
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        raise OSError("the capability cannot be dropped")


def test_fault_23_a_full_disk_stops_the_load_that_does_not_fit_and_no_other(workspace: Workspace) -> None:
    room = 300_000
    done = limited(workspace, "ingest", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    said = done.said
    assert done.code == 1, said
    assert re.search(r"It needs up to [0-9,]+ bytes; [0-9,]+ bytes are free", said), said
    assert "No half file is visible, nothing is lost" in said
    assert landed_rows(workspace) == {"pos.stores": 1}
    assert files_of_lake(workspace) == {"lake/landing/pos.stores/wms/pos.stores-wms-00000001.parquet"}
    assert cursor(workspace, "wms.stock") == Cursor(None, 0)
    assert tillmill(workspace, "ingest").code == 0
    assert landed_rows(workspace) == {"pos.stores": 1, "wms.stock": ROWS}


def test_fault_23_a_read_only_folder_of_the_lake_stops_its_streams(workspace: Workspace) -> None:
    path = workspace.landing / "wms.stock"
    path.mkdir(parents=True, exist_ok=True)
    (path / "wms").mkdir(exist_ok=True)
    for one in (path, path / "wms"):
        one.chmod(0o500)
    done = limited(workspace, "ingest", before=obey_permissions)
    for one in (path, path / "wms"):
        one.chmod(0o700)
    said = done.said
    assert done.code == 1, said
    assert re.search(r"cannot write in .*lake/landing.*Permission denied", said), said
    assert "make the folder writable, then: tillmill run" in said
    assert "Traceback" not in said
    assert cursor(workspace, "wms.stock") == Cursor(None, 0)
    assert tillmill(workspace, "ingest").code == 0
    assert landed_rows(workspace) == {"pos.stores": 1, "wms.stock": ROWS}


def test_fault_23_a_read_only_ledger_is_told_in_words(workspace: Workspace) -> None:
    assert tillmill(workspace, "ingest").code == 0
    workspace.ledger.chmod(0o400)
    workspace.ledger.parent.chmod(0o500)
    (workspace.root / "in" / "stores_2.csv").write_text("store_id,name\n008,Mill Lane\n")
    done = limited(workspace, "ingest", before=obey_permissions)
    workspace.ledger.parent.chmod(0o700)
    workspace.ledger.chmod(0o600)
    said = done.said
    assert done.code == 1, said
    assert "ledger.sqlite: " in said
    assert "Traceback" not in said
    assert tillmill(workspace, "ingest").code == 0
    assert landed_rows(workspace) == {"pos.stores": 2, "wms.stock": ROWS}
