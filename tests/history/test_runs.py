"""Runs: what each result file was measured with."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

from tbp.asv.results import read_results
from tbp.asv.session_files import read_sessions
from tbp.history.runs import runs
from tbp.project.commits import read_commits

SESSION = {
    "format": 1, "benchmark": "m.time_it", "parameters": {}, "environment": "env", "machine": "box", "threads": 1,
    "torch": "2.13.0", "device_name": "a processor", "wall_s": [1.0] * 10,
}  # fmt: skip


def session(results: Path, letter: str, name: str, **fields: object) -> None:
    folder = results / "box" / f"{letter * 8}-env.traces" / "m.time_it"
    folder.mkdir(parents=True, exist_ok=True)
    facts = {**SESSION, "run": "1", "session": name, "commit": letter * 40, **fields}
    (folder / f"only.{name}.session.json.gz").write_bytes(gzip.compress(json.dumps(facts).encode()))


def read(results: Path):
    found = read_results(results)
    return runs(found, read_sessions(results), read_commits(found.commits, None))


def test_each_result_file_is_a_run_in_order_of_history(result_file: Callable[..., Path]):
    result_file("b", {"m.time_it": [[1.0], [], "v"]}, day=1, requirements={"numpy": "2.1"}, python="3.12")
    path = result_file("a", {"m.time_it": [[1.0], [], "v"], "m.time_bad": [[None], [], "v"]})
    one, two = read(path.parents[1])
    assert (one.commit.hash, one.measured, one.failed) == ("a" * 40, 1, 1)
    assert (two.python, two.requirements) == ("3.12", (("numpy", "2.1"),))
    assert (two.packages, two.governors, two.started) == ((), (), None)


def test_sessions_say_what_a_run_was_measured_with(result_file: Callable[..., Path]):
    path = result_file("a", {"m.time_it": [[1.0], [], "v"]})
    results = path.parents[1]
    session(results, "a", "s1", started="2026-01-02T00:00:00Z", governor="powersave", clock_mhz=1400)
    session(
        results, "a", "s2", started="2026-01-02T00:01:00Z", governor="performance", clock_mhz=1980,
        packages="numpy=2.1.0;torch=2.13.0",
    )  # fmt: skip
    (run,) = read(results)
    assert run.governors == ("performance", "powersave")
    assert run.clocks_mhz == (1400, 1980)
    assert run.packages == (("numpy", "2.1.0"), ("torch", "2.13.0"))
    assert (run.torch, run.threads, run.devices) == ("2.13.0", (1,), ("a processor",))
    assert run.started.isoformat() == "2026-01-02T00:00:00+00:00"


def test_sessions_of_older_rulers_say_less(result_file: Callable[..., Path]):
    path = result_file("a", {"m.time_it": [[1.0], [], "v"]})
    session(path.parents[1], "a", "s1", started="2026-01-02T00:00:00Z")
    (run,) = read(path.parents[1])
    assert (run.torch, run.governors, run.packages, run.clocks_mhz) == ("2.13.0", (), (), ())
