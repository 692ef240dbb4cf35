"""What holds for every test, and real traces beside asv's results for those of more than one folder."""

import gzip
import json
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from .chromium import browser  # noqa: F401 - a fixture
from .command_line import run  # noqa: F401 - a fixture
from .histories import make_change, make_history, make_operators, make_report  # noqa: F401 - fixtures
from .result_folders import real_results, result_file, write_result  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left in the user's cache; the tests of what is kept ask for ``store_folder``."""
    monkeypatch.setenv("TBP_NO_CACHE", "1")


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No output has the width that pytest tells its processes of."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test acts for the job that runs it: in a job ``tbp notify`` sends, with the tokens of the job."""
    for name in tuple(os.environ):
        if name == "CI" or name.startswith(("CI_", "GITHUB_", "GITLAB_")) or name == "TBP_REPORT_URL":
            monkeypatch.delenv(name)


@pytest.fixture
def store_folder(no_cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the store, which is switched on."""
    monkeypatch.delenv("TBP_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tbp"


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that the tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


CELL = {"benchmark": "suite.time_thing", "parameters": {"width": "64"}}
COMMITS = ("a" * 40, "b" * 40)


def record(path: Path, softmaxes: int, commit: str) -> Path:
    """A real trace of a few operators, as the ruler leaves it."""
    torch = pytest.importorskip("torch")
    profiler = torch.profiler
    x, y = torch.rand(64, 64), torch.rand(64, 64)
    plain = path.with_suffix(".plain")
    with profiler.profile(
        activities=[profiler.ProfilerActivity.CPU],
        schedule=profiler.schedule(wait=0, warmup=1, active=5, repeat=1),
        record_shapes=True,
        acc_events=True,
    ) as profile:
        facts = {**CELL, "commit": commit, "torch": torch.__version__, "device": "cpu", "device_name": "a processor"}
        profile.add_metadata_json("tbp", json.dumps(facts))
        for _ in range(6):
            z = x @ y
            for _ in range(softmaxes):
                z = torch.softmax(z, -1)
            profile.step()
    profile.export_chrome_trace(str(plain))
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return path


@pytest.fixture(scope="session")
def recorded_traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Three traces of each of two commits; the second one calls softmax twice."""
    folder = tmp_path_factory.mktemp("recorded")
    return {
        commit: [record(folder / f"{commit[0]}{number}.pt.trace.json.gz", calls, commit) for number in range(3)]
        for calls, commit in enumerate(COMMITS, start=1)
    }


@pytest.fixture
def traced_results(tmp_path: Path, recorded_traces: dict[str, list[Path]]) -> Path:
    """A results folder of asv with these traces beside the two results."""
    results = tmp_path / "results"
    for place, (commit, traces) in enumerate(recorded_traces.items()):
        store(results, commit, place, traces)
    return results


def store(results: Path, commit: str, place: int, traces: Sequence[Path]) -> None:
    """One run of one cell: its result as asv 0.6 writes it, and a session for each trace."""
    declared = {
        "suite.time_thing": {
            "name": "suite.time_thing", "type": "time", "unit": "seconds", "version": "1",
            "param_names": ["width"], "params": [["64"]],
        },
        "version": 2,
    }  # fmt: skip
    result = write_result(results, commit, {"suite.time_thing": [[1.0], [["64"]], "1"]}, place)
    folder = result.with_suffix(".traces") / "suite.time_thing"
    folder.mkdir(parents=True)
    (results / "benchmarks.json").write_text(json.dumps(declared))
    for number, trace in enumerate(traces):
        name = f"64-0.s{number}"
        shutil.copy(trace, folder / f"{name}.pt.trace.json.gz")
        session = {
            **CELL, "format": 1, "run": "1", "session": f"s{number}", "commit": commit, "environment": "env",
            "machine": "box", "started": f"2026-01-0{place + 1}T00:00:0{number}+00:00", "wall_s": [1.0] * 10,
            "trace": f"{name}.pt.trace.json.gz",
        }  # fmt: skip
        (folder / f"{name}.session.json.gz").write_bytes(gzip.compress(json.dumps(session).encode()))
