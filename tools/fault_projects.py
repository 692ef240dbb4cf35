"""Small projects for ``inject_faults.py``: of each verb its command, what may never be lost, and what must be whole."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tbp.asv.ratios import read_ratios
from tbp.asv.session_files import read_sessions
from tbp.errors import TbpError
from tbp.project.acknowledgements import read_acks
from tbp.traces.read_recording import read_recording

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number"]  # fmt: skip
CELL = "suite.time_thing"
RUNS = 12
GIT = {f"GIT_{who}_{key}": "x@example.invalid" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
GIT |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
CONFIG = {
    "version": 1, "project": "tiny", "repo": ".", "branches": ["main"], "plugins": [".tbp.asv.environment"],
    "environment_type": "tbp", "results_dir": ".asv/results", "env_dir": ".asv/env",
}  # fmt: skip
# With HANG beside it a benchmark ignores all that can be ignored, and does not end.
SUITE = """
import signal, time
from pathlib import Path

import tiny

def time_calls():
    if Path(__file__).with_name("HANG").exists():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(300)
    tiny.calls()

time_calls.number, time_calls.repeat, time_calls.rounds, time_calls.warmup_time, time_calls.timeout = 1, 3, 1, 0.0, 400

def track_calls():
    return tiny.calls()
"""


@dataclass
class Victim:
    """A verb in a folder of its own."""

    name: str
    folder: Path
    number: int = 0  # of commands given
    expected: set[str] = field(default_factory=set)  # entries that a command said it wrote

    def make(self) -> None:
        """The project before the first command."""
        write_results(self.folder / "results")
        (self.folder / "asv.conf.json").write_text('{"results_dir": "results", "repo": "https://example.invalid/x"}')
        (self.folder / "pyproject.toml").write_text("[tool.tbp]\nkeep_traces_of_newest_runs = 2\n")

    def command(self) -> list[str]:
        self.number += 1
        return {
            "report": ["report", "--out", "site", "--exit-zero"],
            "ack": ["ack", f"suite.{self.number}", f"{1:08x}" + "0" * 32, "--reason", "a test"],
            "prune": ["trace", "prune", "--apply"],
            "export": ["export", "--plain", "copies", "results/box/*.traces/*/*.pt.trace.json.gz"],
            "nightly": ["nightly", "--out", "site", "--exit-zero", "--paired-budget", "0.1"],
            "run": ["nightly", "--out", "site", "--exit-zero", "--paired-budget", "0"],
            "gate": ["gate", "HEAD~1", "HEAD", "--json", "gate.json", "--exit-zero", "--budget", "0.2"],
        }[self.name]

    def ended(self, code: int | None, number: int) -> None:
        """Notes what the command of this number, which ended with ``code``, must have left."""
        if self.name == "ack" and code == 0:
            self.expected.add(f"suite.{number}")

    def lost(self, before: set[str]) -> set[str]:
        """Entries that were stored ``before``, or acknowledged as such, and are not any more."""
        return (before | self.expected) - self.stored()

    def stored(self) -> set[str]:
        """Names of what is complete and must stay so."""
        if self.name == "ack":
            return {ack.benchmark for ack in read_acks(self.folder / "reports" / "acks.toml")}
        if self.name == "export":
            return {path.name for path in (self.folder / "copies").glob("*.json.gz")}
        if self.name == "report":
            return {str(path) for path in self._of_site(".html", ".json", ".js")}
        stored = {str(path) for path in self.results.glob("*/*.json") if is_json(path.read_bytes())}
        return stored | {f"{session.commit}: a trace" for session in read_sessions(self.results).sessions
                         if session.trace is not None and is_recording(session.trace)}  # fmt: skip

    def partial(self) -> list[str]:
        """Files under their final names that are not whole. asv writes its own in place, and a night clears them."""
        html = [path for path in self._of_site(".html") if not path.read_bytes().rstrip().endswith(b"</html>")]
        data = [path for path in self._of_site(".json") if not is_json(path.read_bytes())]
        scripts = [path for path in self.folder.glob("site/data/*.js") if not path.read_bytes().endswith(b";\n")]
        copies = [path for path in self.folder.glob("copies/*.gz") if not is_packed(path)]
        forms = [path for path in self.folder.glob("gate.json") if not is_json(path.read_bytes())]
        problems = [*read_sessions(self.results).problems, *read_ratios(self.results).problems]
        broken = [problem for problem in problems if "no session file beside it" not in problem]
        return [*map(str, (*html, *data, *scripts, *copies, *forms)), *broken]

    def _of_site(self, *ends: str) -> list[Path]:
        """The files of the site with these ends that have their final names."""
        files = (path for path in self.folder.glob("site/**/*") if path.suffix in ends)
        return [path for path in files if not any(part.startswith(".tbp-") for part in path.parts)]

    def leftovers(self) -> list[str]:
        """Hidden files that a command left and the next one should have removed."""
        return [str(path) for path in self.folder.rglob(".*") if path.name.startswith((".tbp-", ".unfinished-tbp-"))]

    def verdict(self) -> object:
        """The verdict of a command that ended by itself, which is equal whatever came before."""
        if self.name == "report":
            return (self.folder / "site" / "summary.json").read_bytes()
        if self.name == "export":
            return len(self.stored())
        if self.name == "gate":
            return any(
                row["state"] == "regression"
                for row in json.loads((self.folder / "gate.json").read_text())["judgements"]
            )
        if self.name == "prune":
            return sorted(path.name for path in self.results.glob("*/*.traces/*/*"))
        return len(list(self.results.glob("*/*-*.json"))) if self.name in ("nightly", "run") else 0

    @property
    def results(self) -> Path:
        return self.folder / (".asv/results" if self.name in ("nightly", "run", "gate") else "results")


class Repository(Victim):
    """A verb that measures: a git repository with benchmarks that need no torch."""

    def make(self) -> None:
        self._git("init", "-q", "-b", "main")
        (self.folder / "asv.conf.json").write_text(json.dumps(CONFIG))
        (self.folder / "benchmarks").mkdir()
        (self.folder / "benchmarks" / "__init__.py").write_text("")
        (self.folder / "benchmarks" / "suite.py").write_text(SUITE)
        (self.folder / "tiny").mkdir()
        self._commit(0)
        self._commit(1)
        command = [sys.executable, "-m", "tbp", *self.command()]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True)  # makes the environments
        if self.name != "gate":
            self._commit(2)
            self._commit(3)

    def _commit(self, number: int) -> None:
        (self.folder / "tiny" / "__init__.py").write_text(f'"""Commit {number}."""\n\n\ndef calls():\n    return 1\n')
        self._git("add", "tiny")
        self._git("commit", "-q", "-m", f"commit {number}")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, env=os.environ | GIT, check=True)


def victim(name: str, folder: Path) -> Victim:
    """The verb ``name`` in ``folder``, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = (Repository if name in ("nightly", "run", "gate") else Victim)(name, folder)
    made.make()
    return made


def write_results(results: Path) -> None:
    """Runs of one benchmark that becomes slower, each with a session and a trace."""
    on = {"ph": "X", "pid": 1, "tid": 1}
    events = [
        {**on, "cat": "user_annotation", "name": f"ProfilerStep#{step}", "ts": step * 1000, "dur": 900}
        for step in range(5)
    ]
    events += [
        {**on, "cat": "cpu_op", "name": f"aten::op{at}", "ts": step * 1000 + 10 + at * 100, "dur": 80}
        for step in range(5)
        for at in range(6)
    ]
    declared = {"name": CELL, "type": "time", "unit": "seconds", "version": "1", "param_names": [], "params": []}
    for run in range(RUNS):
        commit = f"{run:08x}" + "0" * 32
        path = results / "box" / f"{commit[:8]}-env.json"
        folder = path.with_suffix(".traces") / CELL
        folder.mkdir(parents=True)
        value = (1.0 if run < RUNS // 2 else 2.0) + 0.01 * (run % 5)
        path.write_text(json.dumps({
            "version": 2, "commit_hash": commit, "env_name": "env", "date": 1_700_000_000_000 + run * 86_400_000,
            "params": {"machine": "box"}, "python": "3", "requirements": {}, "result_columns": COLUMNS,
            "results": {CELL: [[value], [], "1"]},
        }))  # fmt: skip
        facts = {"benchmark": CELL, "parameters": {}, "commit": commit, "torch": "2", "device": "cpu"}
        _pack(folder / "0.s.pt.trace.json.gz", {"tbp": facts, "traceEvents": events})
        _pack(folder / "0.s.session.json.gz", {
            "format": 1, "run": "1", "session": "s", "benchmark": CELL, "parameters": {}, "commit": commit,
            "environment": "env", "machine": "box", "started": "2026-01-01T00:00:00+00:00", "wall_s": [value] * 10,
            "trace": "0.s.pt.trace.json.gz",
        })  # fmt: skip
    (results / "benchmarks.json").write_text(json.dumps({CELL: declared, "version": 2}))


def _pack(path: Path, content: object) -> None:
    path.write_bytes(gzip.compress(json.dumps(content).encode(), 1))


def is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def is_packed(path: Path) -> bool:
    try:
        return is_json(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError):
        return False


def is_recording(path: Path) -> bool:
    try:
        read_recording(path)
    except TbpError:
        return False
    return True
