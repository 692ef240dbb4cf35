"""Nights over real git histories with real asv runs: new commits, interruptions, commits that do not build, alarms."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tbp.asv.results import Results, read_results
from tbp.model.series import Outcome
from tbp.nightly.new_commits import pending
from tbp.project.asv_config import read_config

from ..processes import clean_environment
from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG

pytest.importorskip("asv")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# Of one commit, named by the file HOLD, the second benchmark begins and does not end.
SUITE = """
import os
import time
from pathlib import Path

import tiny

HOLD = Path(__file__).with_name("HOLD")


def track_calls():
    return tiny.calls()


track_calls.unit = "bytes"  # of which less is better


def track_hold():
    if HOLD.exists() and HOLD.read_text() == os.environ["ASV_COMMIT"]:
        HOLD.with_name("held").write_text(str(os.getpid()))
        time.sleep(120)
    return 1


def time_calls():
    tiny.calls()


time_calls.number, time_calls.repeat, time_calls.rounds, time_calls.warmup_time = 1, 3, 1, 0.0
"""

# Python imports it when it starts. These suites are a plain asv project's, so none of this may need torch.
WITHOUT_TORCH = """
import sys


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")


sys.meta_path.insert(0, Missing())
"""

CONFIG = ASV_CONFIG | {"project": "tiny"}


class Project:
    """A repository of a package ``tiny``, with suites and asv's configuration in its working tree only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tiny"
        self.results_dir = self.folder / ".asv" / "results"
        self.environment = clean_environment()
        self.mark = f"tbp-test-{os.getpid()}-{time.monotonic_ns()}"  # in the environment of all that a night starts
        self.environment |= {
            "HOME": str(folder),
            "PYTHONPATH": f"{folder}:{ROOT}",
            "TBP_MARK": self.mark,
            "TBP_NO_CACHE": "1",
        }
        (folder / "sitecustomize.py").write_text(WITHOUT_TORCH)
        new_repository(self.folder)
        (self.folder / "asv.conf.json").write_text(json.dumps(CONFIG))
        (self.folder / "benchmarks").mkdir()
        (self.folder / "benchmarks" / "__init__.py").write_text("")
        (self.folder / "benchmarks" / "suite.py").write_text(SUITE)

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def commit(self, calls: str = "return 1") -> str:
        number = len(self.git("rev-list", "--all").split())
        module = f'"""Commit {number}."""\n\n\ndef calls():\n    {calls}\n'
        return commit(self.folder, f"commit {number}", files={"tiny/__init__.py": module})

    def start(self, paired_budget: float = 0, machine: str = "any night") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tbp", "nightly", f"--machine={machine}", f"--paired-budget={paired_budget}"],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def night(self, paired_budget: float = 0, machine: str = "any night") -> tuple[int, str, str]:
        """Exit code, what it printed, and what it and asv said of their progress."""
        process = self.start(paired_budget, machine)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def interrupted_night(self, commit: str, number: signal.Signals) -> tuple[int, str]:
        """A night that gets a signal, as its whole terminal would, when ``commit`` is half measured."""
        suites = self.folder / "benchmarks"
        (suites / "HOLD").write_text(commit)
        process = self.start()
        end_s = time.monotonic() + 60
        while not (suites / "held").exists() and time.monotonic() < end_s and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
        (suites / "HOLD").unlink()
        (suites / "held").unlink()
        return process.returncode, err

    def orphans(self) -> list[str]:
        """The command lines of processes that a night started and left."""
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"TBP_MARK={self.mark}".encode() in environ.read_bytes().split(b"\0"):
                    found.append(environ.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

    def results(self) -> Results:
        return read_results(self.results_dir, cache=False)

    def outcomes(self) -> dict[str, set[Outcome]]:
        """Of each commit with a result, what became of its benchmarks."""
        frame = self.results().frame
        return {
            str(commit): set(map(Outcome, rows["outcome"])) for commit, rows in frame.groupby("commit", observed=True)
        }

    def result_file(self, commit: str) -> Path | None:
        return next(self.results_dir.glob(f"*/{commit[:8]}-*.json"), None)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


MEASURED, FAILED = {Outcome.MEASURED}, {Outcome.FAILED}


def test_nights_measure_what_is_new_and_a_regression_raises_one_alarm(project: Project):
    old = [project.commit() for _ in range(5)]
    code, out, err = project.night()
    assert (code, project.outcomes()) == (0, dict.fromkeys(old[-3:], MEASURED)), err
    assert "3 new commits to measure" in err
    assert [path.name for path in project.results_dir.iterdir() if path.is_dir()] == ["any night"]
    assert (project.folder / "reports" / "site" / "index.html").exists()
    stored = {path: path.stat().st_mtime_ns for path in project.results_dir.rglob("*-*.json")}

    slower = project.commit("return 2")
    code, out, err = project.night()
    assert code == 3, err
    assert "suite.track_calls" in out
    assert "1 new commit to measure" in err
    assert project.outcomes() == dict.fromkeys([*old[-3:], slower], MEASURED)
    assert {path: path.stat().st_mtime_ns for path in stored} == stored, "the night before is not measured again"

    code, out, err = project.night()
    assert code == 0, err
    assert "suite.track_calls" in out, "it still stands"
    assert "0 new commits to measure" in err


def test_an_interrupted_night_goes_on_where_it_stopped(project: Project):
    third, second, first = (project.commit() for _ in range(3))  # the newest one is measured first
    code, err = project.interrupted_night(first, signal.SIGTERM)
    assert code == 130, err
    assert project.orphans() == []
    assert project.result_file(first) is None, "asv stores a commit when all of its benchmarks are done"

    code, err = project.interrupted_night(second, signal.SIGINT)
    assert code == 130, err
    assert "interrupted; what was measured before is kept" in err
    assert "Traceback" not in err
    assert project.orphans() == []
    assert project.outcomes() == {first: MEASURED}
    kept = project.result_file(first)
    stored_ns = kept.stat().st_mtime_ns
    # A kill while asv writes: it writes in place.
    kept.with_name(kept.name.replace(first[:8], second[:8])).write_bytes(kept.read_bytes()[:300])

    code, _, err = project.night()
    assert code == 0, err
    assert "0 new commits to measure, 2 that earlier nights left" in err
    assert "cut off while it was written" in err
    assert project.outcomes() == dict.fromkeys([first, second, third], MEASURED)
    assert kept.stat().st_mtime_ns == stored_ns
    assert project.results().problems == ()


def test_a_commit_that_does_not_build_is_stored_as_failed_and_not_tried_again(project: Project):
    good = [project.commit() for _ in range(2)]
    assert project.night()[0] == 0

    broken = project.commit("return (")
    code, _, err = project.night()
    assert code == 4, err
    assert "benchmark cells failed: SyntaxError: '(' was never closed" in err
    assert project.outcomes() == {**dict.fromkeys(good, MEASURED), broken: FAILED}
    assert (project.folder / "reports" / "site" / "index.html").exists()

    # A submodule that is nowhere: asv cannot check this one out.
    (project.folder / ".gitmodules").write_text('[submodule "gone"]\n\tpath = gone\n\turl = ./nowhere\n')
    project.git("add", ".gitmodules")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{good[0]},gone")
    unbuildable = project.commit("return 1")
    project.git("rm", "-q", "--cached", "gone", ".gitmodules")
    repaired = project.commit("return 1")
    code, _, err = project.night()
    assert code == 4, err
    assert "2 new commits to measure" in err
    expected = {**dict.fromkeys([*good, repaired], MEASURED), **dict.fromkeys([broken, unbuildable], FAILED)}
    assert project.outcomes() == expected

    assert pending(read_config(project.folder / "asv.conf.json"), "any night").commits == ()


def test_a_first_night_whose_newest_commit_cannot_be_imported_measures_the_older_ones_first(project: Project):
    good = [project.commit() for _ in range(2)]
    broken = project.commit("return (")
    code, _, err = project.night()
    assert code == 4, err
    assert f"nothing of {broken[:8]} could be measured; older commits come first" in err
    assert project.outcomes() == {**dict.fromkeys(good, MEASURED), broken: FAILED}


def test_a_night_in_which_no_commit_can_be_imported_ends_with_the_reason(project: Project):
    for _ in range(2):
        project.commit("return (")
    code, _, err = project.night()
    assert code == 4, err
    assert err.count("older commits come first") == 2
    assert "asv run ended with status" in err
    assert project.result_file(project.git("rev-parse", "HEAD").strip()) is None


LOOP = "sum(range({})); return 1"


def test_a_slower_newest_commit_is_told_the_same_night_because_both_were_measured_in_turns(project: Project):
    for _ in range(3):
        project.commit(LOOP.format(80_000))
    assert project.night()[0] == 0

    same = project.commit(LOOP.format(80_000))
    code, out, err = project.night(paired_budget=3)
    assert code == 0, err
    assert f"measuring in turns {same[:8]}" in err

    slower = project.commit(LOOP.format(100_000))
    code, out, err = project.night(paired_budget=3)
    assert code == 3, err
    (told,) = [line for line in out.splitlines() if line.startswith("  new: suite.time_calls")]
    assert slower[:8] in told
    assert f"measured in turns against {same[:8]}" in told

    assert project.night(paired_budget=3)[0] == 0, "nothing is new"
    assert len(list(project.results_dir.glob("*/*.paired"))) == 2


def test_a_night_on_another_host_of_a_pool_goes_on_where_the_night_before_stopped(project: Project):
    """By a rule of the project with facts that asv finds out, and in turns with a commit of the other host."""
    (project.folder / "pyproject.toml").write_text('[tool.tbp.machines]\n"^host-" = "pool {processor}, {cores}"\n')
    old = [project.commit() for _ in range(3)]
    assert project.night(machine="host-1")[0] == 0

    newest = project.commit()
    _, _, err = project.night(paired_budget=0.5, machine="host-2")
    assert "1 new commit to measure" in err
    assert [path.name[:8] for path in project.results_dir.glob("host-2/*-*.json")] == [newest[:8]]
    assert any(f"measuring in turns {newest[:8]} against {commit[:8]}" in err for commit in old), err

    code, _, err = project.night(machine="host-3")
    assert (code, "0 new commits to measure" in err) == (0, True), err
    assert not list(project.results_dir.glob("host-3/*-*.json"))


def test_a_night_that_measures_nothing_is_no_success(project: Project):
    """Every benchmark skips itself: asv calls that a success."""
    skip = 'raise NotImplementedError("not here")'
    (project.folder / "benchmarks" / "suite.py").write_text(f"def setup():\n    {skip}\n\n\n{SUITE}")
    for _ in range(2):
        project.commit()
    for _ in range(2):  # the second has nothing new to measure, and there still is no value
        code, _, err = project.night()
        assert (code, "nothing was measured" in err) == (4, True), err
    assert project.outcomes()
    assert set.union(*project.outcomes().values()) == {Outcome.SKIPPED}
