"""``tbp bisect`` as a user runs it: git, asv, environments, workers, a kill in the middle, and exit codes."""

import json
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tbp.bisect.search import LineSearch
from tbp.bisect.stored import Question, StoredSearch, digest_of_suites
from tbp.bisect.turns import CannotMeasure
from tbp.statistics.paired_ratios import Pair
from tbp.turns.evidence import Limits

from ..command_line import Run
from ..processes import clean_environment
from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG
from .test_search import levels, searched

pytest.importorskip("asv")

WORK = "def total(n):\n    return sum(i * i for i in range(n))\n"
SLOWER = WORK.replace("range(n)", "range(2 * n)")
SUITE = """
from thing import work


def time_total():
    work.total(3000)


def time_total_twice():
    work.total(2)
"""
FILES = {
    "asv.conf.json": json.dumps(ASV_CONFIG | {"project": "thing"}),
    "benchmarks/__init__.py": "",
    "benchmarks/speed.py": SUITE,
    "thing/__init__.py": "",
    "thing/work.py": WORK,
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the tag ``good``, to which tests add commits."""
    folder = new_repository(tmp_path / "thing")
    commit(folder, "good", files=FILES)
    git(folder, "tag", "good")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return clean_environment() | {"HOME": str(tmp_path), "TBP_NO_CACHE": "1"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tbp", "bisect", *arguments]


@pytest.mark.slow
def test_a_killed_search_goes_on_and_names_the_range_with_what_does_not_import(
    repository: Path, environment: dict[str, str]
):
    commit(repository, "one", files={"thing/one.py": "1"})
    broken = commit(repository, "two", files={"thing/work.py": "raise ImportError('thing is broken')\n"})
    slower = commit(repository, "three", files={"thing/work.py": SLOWER})
    question = ("speed.time_total", "good", "main", "--json")
    process = subprocess.Popen(command(*question), cwd=repository, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "BAD: differs from GOOD" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()

    done = subprocess.run(
        command(*question), cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "going on with" in done.stderr
    result = json.loads(done.stdout)
    assert result["ending"] == "range"
    assert [each["commit"] for each in result["suspects"]] == [broken, slower]
    judgement = result["culprit"]["judgement"]
    assert judgement["low"] < 1.3  # twice the work; a busy machine moves the effect, and widens its interval
    assert judgement["high"] > 0.7
    assert [each["role"] for each in result["probes"]].count("ends") == 1
    assert "the suite does not offer it there" in result["probes"][-1]["reason"]
    assert git(repository, "status", "--porcelain", "--", ".", ":!.asv") == ""


def stored(repository: Path, bench: str, base: str, head: str, step: int) -> None:
    """Leaves the finished search of a line, as if its pairs had been measured; the commit ``step`` is 10 % slower."""
    line = [
        git(repository, "rev-parse", base),
        *git(repository, "rev-list", "--first-parent", "--reverse", f"{base}..{head}").split(),
    ]
    search = searched(levels(len(line) - 1, (step, 0.10)))
    for trial in search.trials:
        trial.operators = ()
    suites = digest_of_suites(repository / "benchmarks")
    question = Question(bench, tuple(line), "", 1, platform.node(), suites, Limits().relevant)
    StoredSearch(repository / ".asv" / "env", question).write(("speed.time_total", ()), search)


def test_a_merge_is_searched_inside_and_what_was_measured_is_not_again(
    repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch
):
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, "side 1", files={"thing/side.py": "1"})
    slower = commit(repository, "side 2", files={"thing/work.py": SLOWER})
    git(repository, "checkout", "-q", "main")
    commit(repository, "one", files={"thing/one.py": "1"})
    git(repository, "merge", "-q", "--no-ff", "-m", "merge the side", "side")
    merge = git(repository, "rev-parse", "HEAD")
    stored(repository, "time_total", "good", "main", 2)
    stored(repository, "time_total", "good", "side", 2)
    monkeypatch.chdir(repository)
    code, out, err = run("bisect", "time_total", "good", "main", "--into-merges", "--json")
    assert code == 3, err
    result = json.loads(out)
    assert [each["commit"] for each in result["suspects"]] == [merge]
    assert [each["commit"] for each in result["inside"]["suspects"]] == [slower]
    assert result["next"][1].startswith("inside the merge: tbp bisect time_total")
    _, out, _ = run("bisect", "time_total", "good", "main", "--into-merges")
    assert out.startswith(f"{merge[:8]} made speed.time_total +10 % slower")
    assert f"Inside the merge\n{slower[:8]} made speed.time_total" in out


def test_a_search_that_is_not_finished_is_gone_on_with(repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    """Its pairs are counted, and a budget that is too short for more says how to go on."""
    commit(repository, "one", files={"thing/one.py": "1"})
    commit(repository, "two", files={"thing/two.py": "1"})
    question_line = (
        git(repository, "rev-parse", "good"),
        *git(repository, "rev-list", "--reverse", "good..main").split(),
    )
    question = Question(
        "time_total", question_line, "", 1, platform.node(), digest_of_suites(repository / "benchmarks"), 0.02
    )
    begun = LineSearch((1.0, 1.0), Limits())
    trial = begun.next()
    assert trial is not None
    trial.pairs = [Pair(0.1, 0.1, 1e-3, 1.1e-3)] * 2
    StoredSearch(repository / ".asv" / "env", question).write(("speed.time_total", ()), begun)
    monkeypatch.chdir(repository)
    code, out, err = run("bisect", "time_total", "good", "main", "--budget", "0.00001")
    assert code == 5
    assert "going on with 2 pairs of an earlier try" in err
    assert "the budget of 1e-05 min ended; 2 commits left" in out
    assert "the same command again # go on" in out


def test_an_end_that_fails_is_named_as_the_user_did(repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise CannotMeasure("head raised ValueError: no")

    commit(repository, "one", files={"thing/one.py": "1"})
    monkeypatch.setattr("tbp.bisect.turns.Turns.resolved", refused)
    monkeypatch.chdir(repository)
    code, _, err = run("bisect", "time_total", "good", "main")
    assert (code, err) == (
        4,
        "tbp: GOOD (base) and BAD (head) cannot both be measured: head raised ValueError: no\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("time_total", "good", "good"), 2, "are the same commit"),
        (("time_total", "nothing", "good"), 2, "names no commit"),
    ],
)
def test_questions_that_cannot_be_meant(
    repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, why: str
):
    monkeypatch.chdir(repository)
    exit_code, _, err = run("bisect", *arguments)
    assert exit_code == code
    assert why in err
