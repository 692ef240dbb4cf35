"""Results folders for the tests: literal ones, and other people's."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]  # fmt: skip


@pytest.fixture
def result_file(tmp_path: Path) -> Callable[..., Path]:
    """Write one result file of format 2 for a commit of one repeated letter."""

    def write(letter: str, rows: dict[str, list[Any]], day: int = 0, machine: str = "box", **head: Any) -> Path:
        folder = tmp_path / "results" / machine
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{letter * 8}-env.json"
        content = {
            "commit_hash": letter * 40,
            "env_name": "env",
            "date": 1_700_000_000_000 + day * 86_400_000,
            "params": {"machine": machine},
            "python": "3.11",
            "requirements": {},
            "result_columns": COLUMNS,
            "results": rows,
            "version": 2,
            **head,
        }
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def real_results(tmp_path: Path) -> Callable[[str], Path]:
    """Unpack one of the real results folders."""

    def unpack(name: str) -> Path:
        folder = os.environ.get("TBP_TEST_DATA")
        if not folder:
            pytest.skip("TBP_TEST_DATA names no folder of real results")
        with tarfile.open(Path(folder) / "asv" / f"{name}.tar.xz") as archive:
            archive.extractall(tmp_path / name, filter="data")
        return next(path for path in (tmp_path / name).rglob("results") if path.is_dir())

    return unpack
