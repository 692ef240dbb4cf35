"""Nights of several runners over one remote, with real processes and a real asv: nothing is lost, nothing doubled."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from tbp.cli import VERBS

from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG

pytest.importorskip("asv")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# Each measuring leaves a line; where the file HOLD names the commit, it does not end.
SUITE = """
import os
import time
from pathlib import Path

import tiny

SHARED = Path(os.environ["TBP_TEST_SHARED"])


def track_calls():
    with (SHARED / "measured").open("a") as log:
        log.write(os.environ["ASV_COMMIT"] + "\\n")
    if (SHARED / "HOLD").exists() and (SHARED / "HOLD").read_text() == os.environ["ASV_COMMIT"]:
        (SHARED / "held").touch()
        time.sleep(120)
    return tiny.calls()
"""


class Fleet:
    """A remote with commits of a package, and clones of it that measure them under one machine's name."""

    shared = ("--data",)  # the branch, by options of a night

    def __init__(self, folder: Path, commits: int = 3) -> None:
        self.folder = folder
        self.remote = folder / "remote.git"
        self.remote.mkdir()
        git(self.remote, "init", "-q", "--bare", "-b", "main")
        source = new_repository(folder / "source")
        suite = {"benchmarks/__init__.py": "", "benchmarks/suite.py": SUITE}
        suite["asv.conf.json"] = json.dumps(ASV_CONFIG | {"project": "tiny"})
        self.commits = []
        for number in range(commits):
            module = f"def calls():\n    return 1  # {number}\n"
            self.commits.append(commit(source, f"{number}", files=suite | {"tiny/__init__.py": module}))
        git(source, "remote", "add", "origin", str(self.remote))
        git(source, "push", "-q", "origin", "main")

    def clone(self, name: str) -> Path:
        git(self.folder, "clone", "-q", str(self.remote), name)
        return self.folder / name

    def start(self, clone: Path, *arguments: str) -> subprocess.Popen[str]:
        arguments = arguments or ("nightly", *self.shared, "--machine=fleet", "--paired-budget=0")
        return subprocess.Popen(
            [sys.executable, "-m", "tbp", *arguments],
            cwd=clone, env=self.variables(clone), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def shell(self, clone: Path, script: str, outputs: Path) -> int:
        """The exit code of a step, run as GitHub does."""
        variables = self.variables(clone) | {"GITHUB_OUTPUT": str(outputs)}
        variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
        return subprocess.run(
            ["bash", "-e", "-c", script], cwd=clone, env=variables, timeout=120, check=False
        ).returncode

    def variables(self, clone: Path) -> dict[str, str]:
        removed = ("ASV_", "TBP_", "GIT_", "GITHUB_")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
        home = clone.parent / f"home of {clone.name}"
        home.mkdir(exist_ok=True)
        return variables | {
            "HOME": str(home), "PYTHONPATH": str(ROOT), "TBP_NO_CACHE": "1", "TBP_TEST_SHARED": str(self.folder),
        }  # fmt: skip

    def run(self, clone: Path, *arguments: str) -> tuple[int, str]:
        process = self.start(clone, *arguments)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def measured(self) -> Counter[str]:
        """How often each commit was measured, by whichever runner."""
        return Counter((self.folder / "measured").read_text().split())

    def results(self) -> list[str]:
        """The commits with shared results, one for each file of the branch."""
        files = git(self.remote, "ls-tree", "-r", "--name-only", "tbp-data", "results/fleet/").splitlines()
        return sorted(Path(name).name.partition("-")[0] for name in files if not name.endswith("machine.json"))

    def wait_for(self, name: str, process: subprocess.Popen[str]) -> None:
        end_s = time.monotonic() + 60
        while not (self.folder / name).exists() and time.monotonic() < end_s and process.poll() is None:
            time.sleep(0.02)

    def leases(self) -> list[str]:
        return git(self.remote, "ls-tree", "--name-only", "tbp-data", "leases/").splitlines()


class StoreFleet(Fleet):
    """A ``Fleet`` whose nights share their results and leases in a store, where those of a plain one use a branch."""

    def __init__(self, folder: Path, commits: int = 3) -> None:
        pytest.importorskip("duckdb")
        super().__init__(folder, commits)
        self.shared = (f"--store={folder / 'store'}",)

    def results(self) -> list[str]:
        query = "SELECT DISTINCT commit FROM runs"
        code, output = self.run(self.folder / "source", "sql", query, *self.shared, "--csv")
        assert code == 0, output
        return sorted(line[:8] for line in output.split() if re.fullmatch("[0-9a-f]{40}", line))

    def leases(self) -> list[str]:
        return [path.name for path in (self.folder / "store" / "leases").glob("*/*")]


@pytest.fixture
def small_fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, commits=2)


def killed(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


@pytest.mark.parametrize("kind", [Fleet, StoreFleet])
def test_two_nights_at_once_measure_each_commit_once_and_all_results_are_shared(tmp_path: Path, kind: type[Fleet]):
    fleet = kind(tmp_path, commits=2)
    ada, bob = fleet.clone("ada"), fleet.clone("bob")
    nights = [fleet.start(clone) for clone in (ada, bob)]
    outputs = [night.communicate(timeout=120) for night in nights]
    assert [night.returncode for night in nights] == [0, 0], outputs
    assert fleet.measured() == Counter(fleet.commits), outputs
    assert fleet.results() == sorted(commit[:8] for commit in fleet.commits)
    assert fleet.leases() == []
    for clone in (ada, bob) if kind is Fleet else ():
        assert fleet.run(clone, "data", "pull")[0] == 0
        files = (clone / ".asv" / "results" / "fleet").glob("*-*.json")
        assert sorted(path.name[:8] for path in files) == fleet.results()


@pytest.mark.parametrize("kind", [Fleet, StoreFleet])
def test_a_killed_night_blocks_its_commit_for_others_and_goes_on_itself(tmp_path: Path, kind: type[Fleet]):
    fleet = kind(tmp_path)
    ada, bob = fleet.clone("ada"), fleet.clone("bob")
    *_, second, newest = fleet.commits
    (fleet.folder / "HOLD").write_text(second)
    night = fleet.start(ada)
    fleet.wait_for("held", night)
    killed(night)
    (fleet.folder / "HOLD").unlink()
    assert fleet.results() == [newest[:8]], "sent before the next commit began"

    code, output = fleet.run(bob)
    assert code == 0, output
    assert fleet.measured() == Counter(fleet.commits), "bob leaves alone what ada has a lease of"
    code, output = fleet.run(ada)
    assert code == 0, output
    assert fleet.measured() == Counter([*fleet.commits, second]), "the one that was cut off, and nothing else"
    assert fleet.results() == sorted(commit[:8] for commit in fleet.commits)
    assert fleet.leases() == []


def test_a_night_killed_while_it_sends_and_one_that_is_refused_lose_nothing(small_fleet: Fleet):
    ada = small_fleet.clone("ada")
    hook = small_fleet.remote / "hooks" / "pre-receive"
    # The first push takes the lease; the second one has results.
    hook.write_text(
        f'#!/bin/sh\ncd "{small_fleet.folder}"\nif [ -e once ]; then touch sending; sleep 60; fi\ntouch once\n'
    )
    hook.chmod(0o755)
    night = small_fleet.start(ada)
    small_fleet.wait_for("sending", night)
    killed(night)
    assert small_fleet.results() == []
    before = small_fleet.measured()

    hook.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
    code, output = small_fleet.run(ada)
    assert code == 4, output
    assert "no space left" in output
    assert "are kept in" in output
    assert small_fleet.measured() == Counter(small_fleet.commits), (
        "nothing is measured again, and a refusal ends no night"
    )
    assert sum(before.values()) == 1

    hook.unlink()
    assert small_fleet.run(ada, "data", "push")[0] == 0
    assert small_fleet.results() == sorted(commit[:8] for commit in small_fleet.commits)


def test_a_night_ends_within_its_budget_and_says_what_is_left(small_fleet: Fleet):
    ada = small_fleet.clone("ada")
    (small_fleet.folder / "HOLD").write_text(small_fleet.commits[-1])
    code, output = small_fleet.run(ada, "nightly", "--machine=fleet", "--paired-budget=0", "--budget=0.1")
    assert code == 4, output
    assert f"{small_fleet.commits[-1][:8]} took longer than the budget had time for" in output
    assert "0 commits measured; 2 commits left for the next night: 2 new" in output


def steps(job: str) -> list[str]:
    """The scripts of a job of tbp's own workflow that call tbp, in their order."""
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text("utf-8")
    (of_job,) = re.findall(rf"^  {job}:\n((?:    .*\n)+)", text, re.MULTILINE)
    scripts = re.findall(r"run: (?:\|\n((?:          .*\n)+)|(.*)\n)", of_job)
    return [textwrap.dedent(block) if block else line for block, line in scripts if "tbp " in (block or line)]


def test_the_jobs_of_the_workflow_hand_results_on_and_the_one_that_measures_never_writes(tmp_path: Path):
    """Each job has a clone, as on GitHub; the artifact is a copy of the folder."""
    small_fleet = Fleet(tmp_path, commits=1)
    clones = {job: small_fleet.clone(job) for job in ("measure", "store", "notify", "report")}
    hook = small_fleet.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    outputs = small_fleet.folder / "outputs"
    for script in steps("measure"):
        assert small_fleet.shell(clones["measure"], script, outputs) == 0, script
    assert outputs.read_text() == "code=0\n"
    hook.unlink()
    shutil.copytree(clones["measure"] / ".asv" / "results", clones["store"] / ".asv" / "results")
    for job in ("store", "notify", "report"):
        scripts = steps(job)
        assert scripts, job
        for script in scripts:
            offline = script.replace("--github-issue", "--dry-run")
            if offline.split()[1] in VERBS or offline.startswith("tbp data"):
                assert small_fleet.shell(clones[job], offline, outputs) == 0, script
    assert (clones["report"] / "reports" / "site" / "index.html").exists()
    files = git(small_fleet.remote, "ls-tree", "-r", "--name-only", "tbp-data", "results/github-hosted/").split()
    results = sorted(Path(name).name[:8] for name in files if name.endswith("-tbp-py3.11.json"))
    assert results == sorted(commit[:8] for commit in small_fleet.commits)
