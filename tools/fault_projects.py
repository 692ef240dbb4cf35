"""Small projects for ``inject_faults.py``: of each verb its command, what may never be lost, and what must be whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tbp.asv.failures import failures
from tbp.asv.ratios import read_ratios
from tbp.asv.session_files import read_sessions
from tbp.errors import TbpError
from tbp.project.acknowledgements import read_acks
from tbp.traces.read_recording import read_recording

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number"]  # fmt: skip
CELL = "suite.time_thing"
RUNS, KEPT_RUNS = 12, 4
GIT = {f"GIT_{who}_{key}": "x@example.invalid" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
GIT |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
CONFIG = {
    "version": 1, "project": "tiny", "repo": ".", "branches": ["main"], "plugins": [".tbp.asv.environment"],
    "environment_type": "tbp", "results_dir": ".asv/results", "env_dir": ".asv/env",
}  # fmt: skip
# Touched by the first call of a benchmark in each process: from then on the verb measures.
MEASURED = "MEASURED"
# With HANG beside it a benchmark ignores all that can be ignored, and does not end. With STRAY it leaves a process in a
# session of its own behind. With STUCK it waits inside of the kernel, for the disk whose file that names.
SUITE = """
import signal, subprocess, time
from functools import cache
from pathlib import Path

import tiny

HERE = Path(__file__).parent

@cache
def begin():
    (HERE / "MEASURED").touch()
    if (HERE / "STRAY").exists():
        subprocess.Popen(["sleep", "300"], start_new_session=True)
    if (HERE / "STUCK").exists():
        Path((HERE / "STUCK").read_text()).write_text("x")
    if (HERE / "HANG").exists():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(300)

def track_calls():
    return tiny.calls()
"""
WITHOUT_TORCH = """
def time_calls():
    begin()
    tiny.calls()

time_calls.number, time_calls.repeat, time_calls.rounds, time_calls.warmup_time, time_calls.timeout = 1, 3, 1, 0.0, 400
"""
WITH_THE_RULER = """
import torch
from tbp import bench

def torchtime_calls():
    begin()
    tiny.calls()
    torch.ones(8).add(1).relu()

torchtime_calls.device, torchtime_calls.rounds, torchtime_calls.warmup_time = "cpu", 1, 0.0
torchtime_calls.repeat, torchtime_calls.number, torchtime_calls.timeout = 5, 1, 400
"""
SLOWER_AT = 6  # the commit of the results
WORK, SLOWER = 10_000, 20_000  # of one call, in loops


PHASES = ("before", "during", "after")  # what the verb is there for


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

    def renew(self) -> None:
        """Before each command: something to do for it, and nothing of what shows its phase."""
        self.temporary.mkdir(exist_ok=True)
        for path in self.temporary.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def command(self) -> list[str]:
        self.number += 1
        return {
            "report": ["report", "--out", "site", "--exit-zero"],
            "ack": ["ack", self._entry(self.number), f"{SLOWER_AT:08x}", "--reason", "a test"],
            "prune": ["trace", "prune", "--apply"],
            "export": [
                "export",
                f"--{self._form}",
                f"copies/{self._form}",
                "results/box/*.traces/*/*.pt.trace.json.gz",
            ],
        }[self.name]

    def _entry(self, number: int) -> str:
        """A pattern of its own for each command; all of them name the benchmark that became slower."""
        return "suite." + number * "*"

    @property
    def faults_in_a_row(self) -> int:
        """Faults on one project before it is made anew; what these verbs do is done by the first that goes through."""
        return {"prune": 2, "export": 2, "report": 5, "ack": 5}.get(self.name, 10)

    @property
    def temporary(self) -> Path:
        """The folder for temporary files."""
        return self.folder.parent / "temporary"

    def phase(self) -> str:
        """Which of ``PHASES`` the command is in, by the files it has made."""
        if self.name == "prune":
            begun, left = RUNS - KEPT_RUNS, len(list(self.results.glob("*/*.traces/*/*.pt.trace.json.gz"))) - KEPT_RUNS
        elif self.name == "export":
            begun, left = RUNS, RUNS - len(self._copies(self._form))
        else:  # the site is moved into its place in the end
            begun, left = 1, 1 - any(self.watched())
            return PHASES[0] if left else PHASES[1]
        return PHASES[2] if left <= 0 else PHASES[1] if left < begun else PHASES[0]

    def watched(self) -> list[Path]:
        """The folders in which this verb makes, moves and removes files."""
        tops = [self.folder / name for name in ("copies", "site", "reports")]
        # os.walk passes over folders that go meanwhile, as the verb runs.
        return [Path(folder) for top in (*tops, self.results) for folder, _, _ in os.walk(top)]

    def ended(self, code: int | None, number: int) -> None:
        """Notes what the command of this number, which ended with ``code``, must have left."""
        if self.name == "ack" and code == 0:
            self.expected.add(self._entry(number))

    def is_well(self, code: int | None) -> bool:
        """True for an exit status of a command without a fault."""
        return code == 0

    def lost(self, before: set[str]) -> set[str]:
        """Entries that were stored ``before``, or acknowledged as such, and are not any more."""
        return (before | self.expected) - self.stored()

    def stored(self) -> set[str]:
        """The names of all that is complete and must stay so."""
        if self.name == "ack":
            return {ack.benchmark for ack in read_acks(self.folder / "reports" / "acks.toml")}
        if self.name == "export":
            return set(map(str, self._copies()))
        if self.name == "report":
            return {str(path) for path in self._of_site(".html", ".json", ".js")}
        stored = {str(path) for path in self.results.glob("*/*.json") if is_json(path.read_bytes())}
        return stored | {f"{session.commit}: a trace of {operators(session.trace)}"
                         for session in read_sessions(self.results).sessions
                         if session.trace is not None and operators(session.trace)}  # fmt: skip

    def partial(self) -> list[str]:
        """Files under their final names that are not whole. asv writes its own in place, and a night clears them."""
        html = [path for path in self._of_site(".html") if not path.read_bytes().rstrip().endswith(b"</html>")]
        data = [path for path in self._of_site(".json") if not is_json(path.read_bytes())]
        scripts = [path for path in self.folder.glob("site/data/*.js") if not path.read_bytes().endswith(b";\n")]
        copies = [path for path in self._copies() if not is_trace(path)]
        forms = [path for path in self.folder.glob("*.gate.json") if not is_json(path.read_bytes())]
        problems = [*read_sessions(self.results).problems, *read_ratios(self.results).problems]
        broken = [problem for problem in problems if "no session file beside it" not in problem]
        return [*map(str, (*html, *data, *scripts, *copies, *forms)), *broken]

    def untrue(self) -> list[str]:
        """The claims of the outputs that are not so, whatever became of the command."""
        return []

    @property
    def _form(self) -> str:
        """The form of copy that the last command makes, one and the other in turns."""
        return ("tensorboard", "plain")[self.number % 2]

    def _copies(self, form: str = "") -> list[Path]:
        return [path for path in (self.folder / "copies" / form).rglob("*.json*") if path.name[0] != "."]

    def _of_site(self, *ends: str) -> list[Path]:
        """The files of the site with these ends that have their final names."""
        files = (path for path in self.folder.glob("site/**/*") if path.suffix in ends)
        return [path for path in files if not any(part.startswith(".tbp-") for part in path.parts)]

    def leftovers(self) -> list[str]:
        """Hidden files that a command left and the next one should have removed."""
        top = self.folder / "copies" / self._form if self.name == "export" else self.folder
        return [str(path) for path in top.rglob(".*") if path.name.startswith((".tbp-", ".unfinished-"))]

    def verdict(self) -> object:
        """The verdict of a command that ended by itself, which is equal whatever came before."""
        if self.name == "report":
            return (self.folder / "site" / "summary.json").read_bytes()
        if self.name == "export":
            return len(self._copies(self._form))
        if self.name == "prune":
            return sorted(path.name for path in self.results.glob("*/*.traces/*/*"))
        return 0

    @property
    def results(self) -> Path:
        return self.folder / "results"


class Repository(Victim):
    """A verb that measures: a git repository with benchmarks. All but ``run`` need no torch."""

    commits: list[str]

    def make(self) -> None:
        self._git("init", "-q", "-b", "main")
        (self.folder / "asv.conf.json").write_text(json.dumps(CONFIG))
        (self.folder / "benchmarks").mkdir()
        (self.folder / "benchmarks" / "__init__.py").write_text("")
        (self.folder / "benchmarks" / "suite.py").write_text(
            SUITE + (WITH_THE_RULER if self.name == "run" else WITHOUT_TORCH)
        )
        (self.folder / "tiny").mkdir()
        self.commits = []
        for loops in (WORK, SLOWER, WORK) if self.name == "gate" else (WORK, WORK):
            self._commit(loops)
        self.number = 1
        command = [sys.executable, "-m", "tbp", *self.command()]
        environment = os.environ | {"TBP_NO_CACHE": "1"}
        subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, check=False)  # environments

    def renew(self) -> None:
        super().renew()
        known = self._git("log", "--first-parent", "--reverse", "--format=%H").split()  # a copy may have fewer
        self.commits = known
        if self.name != "gate" and not self._missing(known[-1:]):
            self._commit(WORK)
        for path in (self.folder / "benchmarks" / MEASURED, *self.folder.glob("*.gate.json")):
            path.unlink(missing_ok=True)

    def command(self) -> list[str]:
        self.number += 1
        against = "HEAD~1" if self.is_slower() else "HEAD"
        return {
            "nightly": ["nightly", "--out", "site", "--exit-zero", "--paired-budget", "0.3"],
            "run": ["nightly", "--out", "site", "--exit-zero", "--paired-budget", "0"],
            "gate": [
                "gate",
                "HEAD~2",
                against,
                "--json",
                f"{against}.gate.json",
                "--relevant",
                "30",
                "--excluded",
                "60",
            ],
        }[self.name]

    def is_slower(self) -> bool:
        """True where the gate of the last command judges a commit that takes twice the time, which takes more pairs."""
        return self.number % 4 == 1

    def phase(self) -> str:
        if not (self.folder / "benchmarks" / MEASURED).exists():
            return PHASES[0]
        if self.name == "gate":
            return PHASES[1 if any(self.temporary.glob("tbp-gate-*")) else 2]
        made = f"*/{self.commits[-1][:8]}-*{'.json' if self.name == 'run' else '.paired'}"
        return PHASES[2 if any(self.results.glob(made)) else 1]

    def watched(self) -> list[Path]:
        return [self.folder, *super().watched()]

    def is_well(self, code: int | None) -> bool:
        return code == (3 if self.name == "gate" and self.is_slower() else 0)

    def untrue(self) -> list[str]:
        if self.name == "gate":
            possible = {"HEAD~1": ("regression", "undecided"), "HEAD": ("no change", "undecided")}
            return [
                f"{path.name}: {row['state']}"
                for path in self.folder.glob("*.gate.json")
                if is_json(path.read_bytes())
                for row in json.loads(path.read_bytes())["judgements"]
                if row["state"] not in possible[path.name.removesuffix(".gate.json")]
            ]
        summary = self.folder / "site" / "summary.json"
        states = re.findall(r'"state": ?"(regression|improvement)"', summary.read_text()) if summary.exists() else []
        return [f"{summary}: {state}" for state in states]

    def verdict(self) -> object:
        if self.name != "gate":
            return [*self.untrue(), *self._missing(self.commits)]
        judged = [row["state"] for path in self.folder.glob("*.gate.json")
                  for row in json.loads(path.read_bytes())["judgements"]]  # fmt: skip
        well = (["regression"],) if self.is_slower() else (["no change"], ["undecided"])
        return [] if judged in well else judged

    def _missing(self, commits: list[str]) -> list[str]:
        """Results and, with tbp's ruler, sessions with traces of ``commits`` that are not stored."""
        recorded = {session.commit for session in read_sessions(self.results).sessions
                    if session.trace is not None and operators(session.trace)}  # fmt: skip
        missing = [commit for commit in commits if self.name == "run" and commit not in recorded]
        for commit in commits:
            contents = [path.read_bytes() for path in self.results.glob(f"*/{commit[:8]}-*.json")]
            values = [json.loads(content)["results"] for content in contents if is_json(content)]
            cells = [row[0] for results in values for row in results.values() if row and row[0] and row[0][0]]
            missing += [f"{commit}: {len(cells)} cells, {failures(self.results, [commit])}"] * (len(cells) < 2)
        return missing

    def _commit(self, loops: int) -> None:
        number = len(self.commits)
        text = f'"""Commit {number}."""\n\n\ndef calls():\n    return sum(range({loops}))\n'
        (self.folder / "tiny" / "__init__.py").write_text(text)
        self._git("add", "tiny")
        self._git("commit", "-q", "-m", f"commit {number}")
        self.commits.append(self._git("rev-parse", "HEAD").strip())

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=os.environ | GIT, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    @property
    def results(self) -> Path:
        return self.folder / ".asv" / "results"


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


def is_trace(path: Path) -> bool:
    try:
        content = path.read_bytes()
        return is_json(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError):
        return False


def operators(path: Path) -> str:
    """A digest of the operators in a trace, or in the table in its place; empty where it cannot be read."""
    try:
        frame = read_recording(path).session.table.frame
    except TbpError:
        return ""
    return hashlib.sha256(frame.to_csv().encode()).hexdigest()[:12]
