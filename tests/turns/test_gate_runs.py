"""``tbp gate`` as a user runs it: git, asv, environments, workers, exit codes, and what it leaves behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tbp.system.children import processes

from ..processes import clean_environment
from ..repositories import git, new_repository
from ..result_folders import ASV_CONFIG

pytest.importorskip("asv")
pytestmark = pytest.mark.slow

WORK = """
def total(n):
    return sum(i * i for i in range(n))


def ordered(n):
    return sorted((i * 7919) % n for i in range(n))
"""

SUITE = """
import os

from thing import work


with open(os.environ["TBP_MARKS"] + ".names", "w") as file:
    file.write(" ".join(os.environ))


def mark(what):
    with open(os.environ["TBP_MARKS"], "a") as file:
        file.write(what + "\\n")


def time_total():
    work.total(3000)


class Cached:
    def setup_cache(self):
        mark("setup_cache")
        return 2000

    def time_ordered(self, n):
        work.ordered(n)
"""

TOTAL, ORDERED = "speed.time_total", "speed.Cached.time_ordered"

CONFIG = ASV_CONFIG | {"project": "thing"}
SECRETS = dict.fromkeys(("GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "TBP_TOKEN", "GITHUB_ENV"), "secret")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tags: base; same, which changes no code; slower, where ``total`` works twice; broken, which does not import."""
    folder = new_repository(tmp_path_factory.mktemp("gated") / "thing")
    (folder / "thing").mkdir()
    (folder / "benchmarks").mkdir()
    (folder / "asv.conf.json").write_text(json.dumps(CONFIG))
    (folder / "pyproject.toml").write_text('[tool.tbp]\npass_environment = ["MY_DATA"]\n')
    (folder / "benchmarks" / "__init__.py").touch()
    (folder / "benchmarks" / "speed.py").write_text(SUITE)
    (folder / "thing" / "__init__.py").touch()
    for tag, work in (
        ("base", WORK),
        ("same", WORK + "# nothing of it changed\n"),
        ("broken", "raise ImportError('thing is broken')\n"),
        ("slower", slower(WORK)),
    ):
        (folder / "thing" / "work.py").write_text(work)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", tag)
        git(folder, "tag", tag)
    stored = folder / ".asv" / "results" / "machine" / "stored.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("{}")
    return folder


def slower(work: str) -> str:
    return work.replace("return sum(i * i for i in range(n))", "return sum(i * i for i in range(2 * n))")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home of its own, and a file that suites leave marks in."""
    home = tmp_path_factory.mktemp("home")
    return (
        clean_environment()
        | {"HOME": str(home), "TBP_MARKS": str(home / "marks"), "TBP_NO_CACHE": "1"}
        | SECRETS
        | {"MY_DATA": "x"}
    )


Gate = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def gate(repository: Path, environment: dict[str, str]) -> Gate:
    """Run ``tbp gate`` to its end."""
    return lambda *arguments: subprocess.run(
        command(*arguments), cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def started(repository: Path, environment: dict[str, str]) -> Start:
    """Start ``tbp gate``."""
    return lambda *arguments: subprocess.Popen(
        command(*arguments),
        cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def elsewhere(repository: Path, tmp_path: Path) -> Iterator[str]:
    """The name of a configuration whose environments, in ``tmp_path``, asv has yet to install."""
    config = repository / "elsewhere.json"
    config.write_text(json.dumps(CONFIG | {"env_dir": str(tmp_path / "env")}))
    yield config.name
    config.unlink()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tbp", "gate", *arguments]


def states(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.stdout, done.stderr
    return {one["benchmark"]: one["state"] for one in json.loads(done.stdout)["judgements"]}


def visible(repository: Path) -> list[str]:
    """All that a user sees of a repository, and what is stored beside it."""
    questions = ("status --porcelain", "for-each-ref", "stash list", "ls-files --stage", "rev-parse HEAD")
    stored = [f"{path} {path.stat().st_mtime_ns}" for path in sorted((repository / ".asv" / "results").rglob("*"))]
    return [git(repository, *question.split()) for question in questions] + stored


def related(repository: Path) -> list[str]:
    """The command lines of all processes that name the repository."""
    found = []
    for pid in processes():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended while we looked
        if str(repository) in line:
            found.append(f"{pid} {line}")
    return found


def wait_until(holds: Callable[[], object]) -> None:
    end_s = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


COUNTS = """
from thing import work


class Counted:
    params = [3, 5]
    param_names = ["n"]

    def setup(self, n):
        if n == 5:
            raise NotImplementedError("not five")

    def track_total(self, n):
        return work.total(n)

    def peakmem_total(self, n):
        work.total(n)


class Cached:
    def setup_cache(self):
        return [1, 2, 3]

    def track_length(self, cache):
        return len(cache)
"""


def test_benchmarks_that_are_not_timed_are_counted(gate: Gate, repository: Path):
    (repository / "counts").mkdir()
    try:
        for name, text in (("__init__.py", ""), ("suite.py", COUNTS)):
            (repository / "counts" / name).write_text(text)
        (repository / "counts.json").write_text(json.dumps(CONFIG | {"benchmark_dir": "counts"}))
        done = gate("base", "slower", "--config", "counts.json", "--json")
        assert done.returncode == 0, done.stderr
        judged = json.loads(done.stdout)["judgements"]
        seen = {f"{one['benchmark']} {dict(one['parameters']).get('n', '')}".strip(): one for one in judged}
        assert {name.replace("suite.", ""): one["state"] for name, one in seen.items()} == {
            "Counted.track_total 3": "changed", "Counted.track_total 5": "skipped",
            "Counted.peakmem_total 3": "no change", "Counted.peakmem_total 5": "skipped",
            "Cached.track_length": "no change",
        }  # fmt: skip
        total = seen["suite.Counted.track_total 3"]
        assert (total["before"], total["after"]) == (5.0, 55.0)
    finally:
        shutil.rmtree(repository / "counts")
        (repository / "counts.json").unlink(missing_ok=True)


def test_two_gates_at_once_judge_each_the_commits_it_was_given(started: Start):
    arguments = ("--bench", TOTAL, "--relevant", "30", "--excluded", "60")
    gates = [started("base", "slower", *arguments), started("base", "same", *arguments)]
    (slower, waits), (same, also) = [gate.communicate() for gate in gates]
    assert [gate.returncode for gate in gates] == [3, 0], slower + waits + same + also
    assert (waits + also).count("another gate or night measures with the same environments") == 1


def test_a_slower_commit_is_named_and_nothing_else(gate: Gate, environment: dict[str, str]):
    done = gate("base", "slower", "--json")
    assert done.returncode == 3, done.stderr
    assert states(done)[TOTAL] == "regression"
    assert states(done)[ORDERED] not in ("regression", "improvement", "failed")
    (total,) = [one for one in json.loads(done.stdout)["judgements"] if one["benchmark"] == TOTAL]
    assert total["low"] < 1.3  # twice the work; a busy machine moves the effect, and widens its interval
    assert total["high"] > 0.7
    assert Path(environment["TBP_MARKS"]).read_text().split() == ["setup_cache"] * 2, "once a side in the whole gate"
    variables = set(Path(environment["TBP_MARKS"] + ".names").read_text().split())
    assert {"PATH", "HOME", "MY_DATA", "ASV_COMMIT", "OMP_NUM_THREADS"} <= variables
    assert not variables & SECRETS.keys()


def test_the_gate_of_a_script_is_that_of_the_verb(repository: Path, environment: dict[str, str]):
    program = (
        "import tbp\n"
        f"comparison = tbp.gate('base', 'slower', bench={TOTAL!r}, relevant=0.3, excluded=0.6)\n"
        "print(comparison.is_regressed, *comparison.frame[['benchmark', 'state']].iloc[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"True {TOTAL} regression\n", done.stderr
    assert "measuring 1 benchmark" in done.stderr


def test_a_commit_that_changes_no_code_changes_nothing(gate: Gate):
    done = gate("base", "same", "--json", "--bench", TOTAL)
    assert done.returncode == 0, done.stderr
    assert set(states(done)) == {TOTAL}
    assert not {"regression", "improvement", "failed", "skipped"} & set(states(done).values())


def test_the_working_tree_is_judged_as_it_is_and_left_as_it_was(gate: Gate, repository: Path):
    """Its edit is not committed, and what makes it slower is in a file that git does not know yet."""
    git(repository, "checkout", "-q", "same")
    work = repository / "thing" / "work.py"
    work.write_text(WORK.replace("range(n))", "range(factor() * n))", 1) + "from thing.extra import factor\n")
    (repository / "thing" / "extra.py").write_text("def factor():\n    return 2\n")
    before = visible(repository)
    try:
        done = gate("HEAD", ".", "--json", "--bench", TOTAL)
        assert done.returncode == 3, done.stderr
        assert states(done) == {TOTAL: "regression"}
        assert json.loads(done.stdout)["contender"]["revision"] == "."
        assert visible(repository) == before
    finally:
        git(repository, "checkout", "-qf", "main")
        (repository / "thing" / "extra.py").unlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_with_what_is_known_and_leaves_nobody_behind(
    repository: Path, started: Start, number: signal.Signals
):
    before = visible(repository)
    with started("base", "same") as process:
        # A server of each side and the process that each has forked for the cell.
        wait_until(lambda: len([line for line in related(repository) if "worker.py" in line]) == 4)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out.startswith("Cannot tell: 2 undecided of 2 benchmarks")
    assert "not measured: interrupted" in out
    assert "interrupted with 2 of 2 benchmarks undecided" in out
    assert "Traceback" not in err
    wait_until(lambda: not related(repository))
    assert visible(repository) == before


def test_ctrl_c_while_asv_installs_leaves_nobody_behind(started: Start, elsewhere: str, tmp_path: Path):
    with started("base", "same", "--config", elsewhere) as process:
        wait_until((tmp_path / "env" / "gate-base").exists)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("tbp: interrupted")
    assert "Traceback" not in err
    wait_until(lambda: not related(tmp_path))


def test_a_worker_that_is_killed_fails_its_benchmark(repository: Path, started: Start):
    with started("base", "same", "--json", "--bench", TOTAL) as process:
        wait_until(lambda: len([line for line in related(repository) if "worker.py" in line]) == 4)
        for line in related(repository):
            if "worker.py" in line:
                with suppress(ProcessLookupError):  # a cell's process ends with its server
                    os.kill(int(line.split()[0]), signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    (judgement,) = json.loads(out)["judgements"]
    assert judgement["state"] == "failed"
    assert "SIGKILL" in judgement["reason"]
    wait_until(lambda: not related(repository))


def test_a_commit_that_does_not_exist_is_a_wrong_call(gate: Gate):
    done = gate("base", "no-such-commit")
    assert done.returncode == 2
    assert done.stderr.startswith("tbp: 'no-such-commit' names no commit")
    assert done.stderr.count("\n") == 1


def test_a_contender_that_does_not_import_is_not_measured(gate: Gate):
    done = gate("base", "broken", "--json")
    assert done.returncode == 4, done.stderr
    assert states(done) == {TOTAL: "skipped", ORDERED: "skipped"}
    reasons = {one["reason"] for one in json.loads(done.stdout)["judgements"]}
    assert all(reason.startswith("not in head") for reason in reasons)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"environment_type": "existing"}, "existing cannot hold two commits: "),
        ({"plugins": []}, "Unknown environment type 'tbp'"),
        ({"environment_type": ""}, "Environment type must be specified: "),
    ],
)
def test_an_environment_that_cannot_be_is_refused_with_those_that_can(
    gate: Gate, repository: Path, tmp_path: Path, values: dict[str, object], words: str
):
    (tmp_path / "other.json").write_text(json.dumps(CONFIG | {"repo": str(repository)} | values))
    done = gate("base", "same", "--config", str(tmp_path / "other.json"))
    assert done.returncode == 4
    assert words in done.stderr
    assert "set environment_type to virtualenv or conda, or to tbp with .tbp.asv.environment among" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_budget_that_is_too_short_says_what_is_undecided(gate: Gate):
    """Eight seconds: what asv has installed before is ready in three, and no benchmark gets four pairs.

    On a busy machine nothing may be ready by then: seven seconds more are too few for pairs, too.
    """
    gate("base", "same", "--bench", TOTAL)  # installs both
    for budget_s in range(8, 60, 7):
        budget, start_s = f"{budget_s / 60:.2f}", time.monotonic()
        done = gate("base", "same", "--budget", budget)
        assert time.monotonic() - start_s < budget_s + 52, "without a budget it takes as long as it needs"
        if done.returncode != 4:
            break
    assert done.returncode == 0, done.stderr
    assert "undecided" in done.stdout
    assert f"the budget of {budget} min ended" in done.stdout


def test_a_budget_that_ends_while_asv_installs_is_one_line(gate: Gate, elsewhere: str, tmp_path: Path):
    done = gate("base", "same", "--config", elsewhere, "--budget", "0.001")
    assert done.returncode == 4
    assert done.stderr.startswith("tbp: the budget ended while asv installed the commits")
    assert done.stderr.count("\n") == 1
    wait_until(lambda: not related(tmp_path))


@pytest.mark.parametrize("text", ["0", "-1", "nan", "soon"])
def test_a_budget_is_a_number_above_0(gate: Gate, text: str):
    done = gate("base", "same", f"--budget={text}")
    assert done.returncode == 2
