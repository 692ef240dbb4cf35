"""Why benchmark cells have no value: real runs of asv over a plain project, and literal outputs."""

import json
from pathlib import Path

import pytest

from tbp.asv.failures import failures
from tbp.asv.reasons import essence, read_reasons, write_outputs
from tbp.asv.results import read_results
from tbp.asv.runner import run_asv, run_commits
from tbp.asv.session_files import read_sessions
from tbp.history.build import histories
from tbp.history.trace_evidence import no_trace
from tbp.model.changes import State
from tbp.model.series import SeriesKey
from tbp.project.commits import read_commits
from tbp.wording.verdicts import newest_reason

from ..processes import clean_environment
from ..repositories import commit, new_repository
from ..result_folders import ASV_CONFIG

TRACEBACK = """
before
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    main()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in main
    raise ValueError
ValueError: no rows in
  the table
"""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (TRACEBACK, "ValueError: no rows in"),
        ("asv: skipped: NotImplementedError('needs a GPU')", "needs a GPU"),
        ("asv: skipped: NotImplementedError()", "NotImplementedError()"),
        ("working\n\nasv: benchmark timed out (timeout 60s)\n", "benchmark timed out (timeout 60s)"),
        ("asv: benchmark failed (exit status -11)", "the process was killed by SIGSEGV"),
        ("asv: benchmark failed (exit status -199)", "the process was killed by signal 199"),
        (f"asv: failed (exit status -{'9' * 5000})", f"failed (exit status -{'9' * 479}"),
        ("asv: benchmark failed (exit status 3)", "benchmark failed (exit status 3)"),
        ("one\ntwo\n\n", "two"),
        ("Traceback (most recent call last):\n  cut", "  cut".strip()),
        (" \n", ""),
        ("x" * 10_000, "x" * 500),
    ],
)
def test_the_essence_of_an_output(output: str, reason: str):
    assert essence(output) == reason


def test_the_reason_of_a_cell_is_read_back_and_goes_when_nothing_failed(tmp_path: Path):
    path = tmp_path / "box" / f"{'a' * 8}-env.reasons"
    path.parent.mkdir()
    write_outputs(path, "box", "env", "a" * 40, {("b.time_p", ("'x'", "1")): "ValueError: y", ("b.time_q", ()): "z"})
    reasons = read_reasons(tmp_path)
    assert reasons.of(SeriesKey("b.time_p", (("kind", "x"), ("n", "1")), "box", "env")) == {"a" * 40: "ValueError: y"}
    assert reasons.of(SeriesKey("b.time_q", (), "other", "env")) == {}
    write_outputs(path, "box", "env", "a" * 40, {})
    assert not path.exists()


HEAD = b'{"format":1,"machine":"","environment":"","commit":"","outputs":[],"cells":[]}'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"format": 1', "it holds no reasons"),
        (b'{"format":2,"machine":"","environment":"","commit":"","outputs":[],"cells":[]}', "it has format 2"),
        (HEAD[:-3] + b'[["a",[],0]]}', "it holds no reasons"),
        (
            HEAD[:-3] + b'[{"benchmark":"a","values":[],"output":0}]}',
            "a cell in it names an output that is not there",
        ),
    ],
)
def test_a_damaged_file_is_left_out_with_a_word_on_it(tmp_path: Path, content: bytes, problem: str):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "aaaaaaaa-env.reasons").write_bytes(content)
    (read,) = read_reasons(tmp_path).problems
    assert problem in read
    assert "the next run of its commit writes it anew" in read


SUITE = """
import os, signal, time


def time_well():
    sum(range(1000))


def time_raising():
    raise ValueError("no rows")


def time_killed():
    os.kill(os.getpid(), signal.SIGSEGV)


def time_late():
    time.sleep(20)


time_late.timeout = 0.5


class Sizes:
    params = [[1, 2, 3], ["a b"]]
    param_names = ["n", "kind"]

    def setup(self, n, kind):
        if n == 1:
            raise NotImplementedError("needs a GPU")

    def time_it(self, n, kind):
        if n == 2:
            import nowhere_at_all
"""


EXPECTED = {
    ("time_raising", ()): "ValueError: no rows",
    ("time_killed", ()): "the process was killed by SIGSEGV",
    ("time_late", ()): "benchmark timed out (timeout 0.5s)",
    ("Sizes.time_it", (("n", "1"), ("kind", "a b"))): "needs a GPU",
    ("Sizes.time_it", (("n", "2"), ("kind", "a b"))): "ModuleNotFoundError: No module named 'nowhere_at_all'",
}
NOTHING = ['python -c "pass"']
WITHOUT_PLUGIN = {
    "environment_type": "virtualenv", "plugins": [], "build_command": NOTHING, "install_command": NOTHING,
    "uninstall_command": NOTHING,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("further", [WITHOUT_PLUGIN, {}], ids=["nightly", "plugin"])
def test_a_plain_project_keeps_why_its_benchmarks_failed(further: dict[str, object], tmp_path: Path):
    """As ``tbp nightly`` runs asv in any project, and as asv runs by itself where tbp's environment is its plugin."""
    project = new_repository(tmp_path / "plain")
    config = ASV_CONFIG | {"project": "plain"} | further
    (project / "asv.conf.json").write_text(json.dumps(config))
    head = commit(project, files={"benchmarks/__init__.py": "", "benchmarks/b.py": SUITE})
    home = clean_environment()
    home["HOME"] = str(tmp_path)
    run_asv(["machine", "--yes"], project, environment=home)
    if not further:
        ran = run_asv(["run", "--quick", "HASHFILE:-"], project, environment=home, stdin=head)
    else:
        ran = run_commits(project / "asv.conf.json", [head], options=["--quick"], environment=home)
    assert ran.some_failed, ran.output

    folder = project / ".asv" / "results"
    results = read_results(folder)
    reasons = {
        (history.key.benchmark.removeprefix("b."), history.key.parameters): newest_reason(history)
        for history in histories(results, read_sessions(folder), read_commits(results.commits, project), no_trace)
        if history.state in (State.FAILED, State.SKIPPED)
    }
    assert reasons == EXPECTED

    lines = "\n".join(failures(folder, [head]))
    assert f"tbp: 1 benchmark cell failed: ValueError: no rows\n  b.time_raising at {head[:8]}\n" in lines
    assert "needs a GPU" not in lines, "it was skipped, which is no failure"


def test_one_reason_of_many_cells_is_told_once(tmp_path: Path):
    (tmp_path / "box").mkdir()
    path = tmp_path / "box" / "aaaaaaaa-env.reasons"
    cells = {(f"b.time_{letter}", ()): "ModuleNotFoundError: No module named 'numpy'" for letter in "abcdef"}
    write_outputs(path, "box", "env", "a" * 40, cells)
    assert failures(tmp_path, ["a" * 40]) == [
        "tbp: 6 benchmark cells failed: ModuleNotFoundError: No module named 'numpy'",
        "  b.time_a at aaaaaaaa, b.time_b at aaaaaaaa, b.time_c at aaaaaaaa and 3 more",
    ]
    assert failures(tmp_path, ["b" * 40]) == ["tbp: some benchmarks failed; asv's words are above"]
