"""``tbp bisect`` as a user runs it: git, asv, environments, workers, a kill in the middle, and exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG

pytest.importorskip("asv")
pytestmark = pytest.mark.slow

WORK = "def total(n):\n    return sum(i * i for i in range(n))\n"
SLOWER = WORK.replace("range(n)", "range(2 * n)")
SUITE = """
from thing import work


def time_total():
    work.total(3000)


def time_total_twice():
    work.total(2)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """good – 1 – 2, which does not import – 3 – a merge of two commits, the second of which works twice – 5."""
    folder = new_repository(tmp_path_factory.mktemp("bisected") / "thing")
    start = {
        "asv.conf.json": json.dumps(ASV_CONFIG | {"project": "thing"}),
        "benchmarks/__init__.py": "",
        "benchmarks/speed.py": SUITE,
        "thing/__init__.py": "",
        "thing/work.py": WORK,
    }
    commit(folder, "good", files=start)
    git(folder, "tag", "good")
    commit(folder, "one", files={"thing/one.py": "1"})
    commit(folder, "two", files={"thing/work.py": "raise ImportError('thing is broken')\n"})
    commit(folder, "three", files={"thing/work.py": WORK})
    git(folder, "checkout", "-q", "-b", "side")
    commit(folder, "side 1", files={"thing/side.py": "1"})
    commit(folder, "side 2", files={"thing/work.py": SLOWER})
    git(folder, "tag", "slower")
    git(folder, "checkout", "-q", "main")
    commit(folder, "four", files={"thing/four.py": "1"})
    git(folder, "merge", "-q", "--no-ff", "-m", "merge the side", "side")
    git(folder, "tag", "merged")
    commit(folder, "five", files={"thing/five.py": "1"})
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASV_", "TBP_"))}
    return kept | {"HOME": str(tmp_path_factory.mktemp("home")), "TBP_NO_CACHE": "1"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tbp", "bisect", *arguments]


def bisect(repository: Path, environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments), cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


def test_a_killed_search_goes_on_to_the_merge_and_into_it(repository: Path, environment: dict[str, str]):
    question = ("speed.time_total", "good", "main", "--into-merges", "--json")
    process = subprocess.Popen(command(*question), cwd=repository, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "BAD: differs from GOOD" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    begun = next((repository / ".asv" / "env" / "bisect").iterdir()).stat().st_mtime_ns
    time.sleep(0.01)

    done = bisect(repository, environment, *question)
    assert done.returncode == 3, done.stderr
    assert "going on with" in done.stderr
    result = json.loads(done.stdout)
    assert result["probes"][0]["role"] == "ends"
    assert [each["commit"] for each in result["suspects"]] == [git(repository, "rev-parse", "merged")], done.stderr
    assert 0.7 < result["culprit"]["judgement"]["effect"] < 1.3
    assert [each["commit"] for each in result["inside"]["suspects"]] == [git(repository, "rev-parse", "slower")]
    assert begun

    again = bisect(repository, environment, "speed.time_total", "good", "main")
    assert again.returncode == 3
    assert "going on with" in again.stderr
    assert again.stdout.startswith(f"{git(repository, 'rev-parse', '--short=8', 'merged')} made speed.time_total +")
    assert git(repository, "status", "--porcelain", "--", ".", ":!.asv") == ""


def test_questions_without_an_answer(repository: Path, environment: dict[str, str]):
    several = bisect(repository, environment, "total", "good", "good~0^{}")
    assert several.returncode == 2
    assert "are the same commit" in several.stderr
    several = bisect(repository, environment, "speed", "good", "main~4", "--budget", "1")
    assert several.returncode == 2, several.stderr
    assert "matches 2 benchmarks, name one of them: speed.time_total, speed.time_total_twice" in several.stderr
    nothing = bisect(repository, environment, "time_nothing", "good", "main~4")
    assert nothing.returncode == 4
    assert "the suites have speed.time_total" in nothing.stderr
