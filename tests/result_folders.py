"""Results folders for the tests: literal ones, and other people's."""

import json
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"]  # fmt: skip
FIRST_MS = 1_700_000_000_000
ASV_CONFIG = {
    "version": 1, "repo": ".", "branches": ["main"], "plugins": [".tbp.asv.environment"], "environment_type": "tbp",
    "launch_method": "forkserver", "results_dir": ".asv/results", "env_dir": ".asv/env",
}  # fmt: skip
"""The configuration of a small project that asv really runs, but for its name."""


def shared_data() -> Path:
    """The folder of other people's results and traces, for the tests that need one."""
    if folder := os.environ.get("TBP_TEST_DATA"):
        return Path(folder)
    pytest.skip("TBP_TEST_DATA names no folder of recorded traces and results")


def write_result(
    results: Path, commit: str, rows: Mapping[str, Any], day: float = 0, machine: str = "box", environment: str = "env",
    **head: Any,
) -> Path:  # fmt: skip
    """A result file as asv 0.6 writes it, but that a row may end early."""
    path = results / machine / f"{commit[:8]}-{environment}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "version": 2, "commit_hash": commit, "env_name": environment, "date": FIRST_MS + int(day * 86_400_000),
        "params": {"machine": machine}, "python": "3.11", "requirements": {}, "result_columns": COLUMNS,
        "results": rows, **head,
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def result_file(tmp_path: Path) -> Callable[..., Path]:
    """Write one result file for a commit of one repeated letter."""
    return lambda letter, rows, *more, **head: write_result(tmp_path / "results", letter * 40, rows, *more, **head)


@pytest.fixture
def real_results(tmp_path: Path) -> Callable[[str], Path]:
    """Unpack one of the real results folders."""

    def unpack(name: str) -> Path:
        with tarfile.open(shared_data() / "asv" / f"{name}.tar.xz") as archive:
            archive.extractall(tmp_path / name, filter="data")
        return next(path for path in (tmp_path / name).rglob("results") if path.is_dir())

    return unpack
