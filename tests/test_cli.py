"""The command line as a user meets it: verbs, exit codes, one clear line for every kind of bad input."""

import errno
import json
import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tbp import commands
from tbp.cli import VERBS

from .command_line import Run
from .repositories import new_repository
from .result_folders import write_result

COMMITS = [f"{index:08x}{index:032x}" for index in range(1, 41)]


def write_results(folder: Path, values: list[float], benchmark: str = "suite.time_thing") -> Path:
    """A results folder of one benchmark, one run per value, as asv 0.6 writes it."""
    for place, value in enumerate(values):
        write_result(folder, COMMITS[place], {benchmark: [[value], [], "1"]}, place)
    return folder


STEADY = [1.0, 1.01, 0.99, 1.0, 1.01, 0.98] * 5


SLOWER = [*STEADY[:15], *(2 * value for value in STEADY[15:])]


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        (STEADY, 0, "none stands."),
        (SLOWER, 3, "suite.time_thing: ▲ +1"),
        (SLOWER[::-1], 0, "1 series is better, from 1 commit"),
    ],
    ids=["no regression is 0", "a standing regression is 3", "an improvement is no regression"],
)
def test_a_report_s_code_is_its_verdict(tmp_path: Path, run: Run, values: list[float], code: int, words: str):
    results = write_results(tmp_path / "results", values)
    arguments = ("report", "--results", results, "--out", tmp_path / "site")
    found, out, _ = run(*arguments)
    assert (found, words in out) == (code, True), out
    assert f"report: {tmp_path / 'site' / 'index.html'}" in out
    assert (tmp_path / "site" / "index.html").exists()
    assert run(*arguments, "--exit-zero")[0] == 0


def test_a_report_of_one_machine_has_nothing_of_the_others(tmp_path: Path, run: Run):
    for machine, values in (("ci-1", STEADY), ("ci-2", SLOWER)):
        for place, value in enumerate(values):
            write_result(tmp_path, COMMITS[place], {"suite.time_thing": [[value], [], "1"]}, place, machine)
    arguments = ("report", "--results", tmp_path, "--out", tmp_path / "site")
    assert [run(*arguments, "--machine", machine)[0] for machine in ("", "ci-1", "ci-2")] == [3, 0, 3]
    stored = json.loads((tmp_path / "site" / "summary.json").read_text())
    assert {series["machine"] for series in stored["series"]} == {"ci-2"}
    code, _, err = run(*arguments, "--machine", "ci-3")
    assert (code, "no result is of it; there are results of ci-1, ci-2" in err) == (2, True)


@pytest.mark.parametrize("name", ["../out", "a/b", "-x", "", "x" * 101, ".hidden", "a\nb"])
def test_a_night_takes_no_machine_whose_name_is_no_folder(tmp_path: Path, name: str, run: Run):
    with pytest.raises(SystemExit) as refused:
        run("nightly", f"--machine={name}")
    assert refused.value.code == 2


FAILED, SKIPPED, GOOD = None, float("nan"), 1.0


@pytest.mark.parametrize(
    ("newest", "code"),
    [
        ((FAILED, FAILED), 4),
        ((SKIPPED, SKIPPED), 4),
        ((FAILED, SKIPPED), 4),
        ((FAILED, GOOD), 0),
        ((SKIPPED, GOOD), 0),
    ],
)
@pytest.mark.parametrize("before", [(), (GOOD,) * 20], ids=["never measured", "measured before"])
def test_a_report_of_nothing_measured_is_4(
    tmp_path: Path, before: tuple[float, ...], newest: tuple[float | None, ...], code: int, run: Run
):
    for place in range(len(before) + 1):
        values = newest if place == len(before) else (GOOD, GOOD)
        rows = {f"suite.time_{letter}": [[value], [], "1"] for letter, value in zip("ab", values, strict=True)}
        write_result(tmp_path / "results", COMMITS[place], rows, place)
    arguments = ("report", "--results", tmp_path / "results", "--out", tmp_path / "site")
    found, _, err = run(*arguments)
    assert (found, "nothing was measured" in err) == (code, code == 4)
    assert run(*arguments, "--exit-zero")[0] == code, "of regressions only"


def test_compare_is_3_for_a_regression_unless_told_otherwise(tmp_path: Path, run: Run):
    results = write_results(tmp_path / "results", SLOWER)
    arguments = ("compare", COMMITS[14][:8], COMMITS[15], "--results", results)
    code, out, _ = run(*arguments)
    assert code == 3
    assert out.startswith("1 regression in 1 benchmark; it is suite.time_thing: +102 % slower (99 % CI ")
    assert run(*arguments, "--exit-zero")[0] == 0
    assert run("compare", COMMITS[15], COMMITS[14], "--results", results)[0] == 0


@pytest.mark.parametrize(
    ("better", "code", "compared", "report"),
    [
        ("", 0, "No regression, 1 changed in 1 benchmark; it is suite.track_thing: +100 % higher", "+100 % higher"),
        ("lower", 3, "1 regression in 1 benchmark; it is suite.track_thing: +100 % higher (worse)", "1 stands"),
        (
            "higher",
            0,
            "No regression, 1 improvement in 1 benchmark; it is suite.track_thing: +100 %",
            "1 series is better",
        ),
    ],
)
def test_report_and_compare_ask_the_project_which_direction_is_better(
    tmp_path: Path, run: Run, better: str, code: int, compared: str, report: str
):
    write_results(tmp_path / "results", [30.0] * 15 + [60.0] * 15, "suite.track_thing")
    (tmp_path / "asv.conf.json").write_text('{"version": 1, "project": "p", "repo": ".", "results_dir": "results"}')
    if better:
        (tmp_path / "pyproject.toml").write_text(f"[tool.tbp.better]\n'track_thing' = '{better}'\n")
    config = ("--config", str(tmp_path / "asv.conf.json"))
    found, out, _ = run("compare", COMMITS[14], COMMITS[15], *config)
    assert found == code
    assert out.startswith(compared)
    hint = '"track_thing$" = "lower"'
    assert (hint in out.replace("\n", " ")) is not bool(better)
    found, out, _ = run("report", "--out", str(tmp_path / "site"), *config)
    assert found == code
    assert report in out
    assert out.count(hint) == (0 if better else 1)


def test_compare_is_5_for_undecided_only_if_strict(tmp_path: Path, run: Run):
    results = write_results(tmp_path / "results", [1.0, 1.2])
    arguments = ("compare", COMMITS[0], COMMITS[1], "--results", results)
    code, out, err = run(*arguments)
    assert code == 0
    assert f"run `tbp gate --tip {COMMITS[0]}" in out.replace("\n", " ")
    assert "1 undecided" in err
    assert run(*arguments, "--strict")[0] == 5


def test_compare_takes_only_the_benchmarks_asked_for(tmp_path: Path, run: Run):
    results = write_results(tmp_path / "results", SLOWER)
    arguments = ("compare", COMMITS[14], COMMITS[15], "--results", results, "--bench")
    assert run(*arguments, "time_th")[0] == 3
    code, _, err = run(*arguments, "nothing")
    assert code == 4
    assert "--bench nothing finds no benchmark" in err
    assert err.endswith("known: suite.time_thing\n")
    for option in ("--machine", "--environment"):
        code, _, err = run(*arguments, "time_th", option, "nosuch")
        assert (code, f"{option} nosuch: no result is of it; " in err) == (2, True)


def test_compare_writes_every_form(tmp_path: Path, run: Run):
    results = write_results(tmp_path / "results", SLOWER)
    arguments = ("compare", COMMITS[14], COMMITS[15], "--results", results)
    files = [tmp_path / name for name in ("c.json", "c.md", "c.xml")]
    named = [f"--{form}={path}" for form, path in zip(("json", "markdown", "junit"), files, strict=True)]
    _, table, _ = run(*arguments, *named)
    assert table.startswith("1 regression")
    assert json.loads(files[0].read_text())["counts"]["regression"] == 1
    assert files[1].read_text().startswith("### 1 regression")
    assert files[2].read_text().startswith("<?xml")
    assert json.loads(run(*arguments, "--json")[1])["format"] == 1
    assert run(*arguments, "--markdown")[1] == files[1].read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((COMMITS[0], COMMITS[0][:8]), "are the same commit"),
        ((COMMITS[0], "nowhere"), f"nowhere names no stored commit; stored are {COMMITS[1][:8]}, {COMMITS[0][:8]}"),
        ((COMMITS[0], "0000"), "begins 2 stored commits"),
        ((COMMITS[0], COMMITS[1], "--bench", "(" * 10_001), "has 10,001 characters"),
    ],
)
def test_compare_says_which_commit_it_cannot_find(arguments: tuple[str, ...], words: str, tmp_path: Path, run: Run):
    results = write_results(tmp_path / "results", [1.0, 1.0])
    code, _, err = run("compare", *arguments, "--results", str(results))
    assert code == 2
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["report"], 2, "this folder has no asv.conf.json"),
        (["report", "--config", "nowhere.json"], 2, "cannot read nowhere.json"),
        (["report", "--results", "nowhere"], 4, "asv run"),
        (["nightly"], 2, "this folder has no asv.conf.json"),
        (["demo", "--out", "full"], 2, "full is not empty"),
        (["compare", "A", "B"], 2, "this folder has no asv.conf.json"),
        (["compare", "A", "B", "--results", "nowhere"], 4, "asv run"),
        (["compare", "A", "B", "--json", "--markdown"], 2, "only one of --json and --markdown can go to stdout"),
        (["compare", "A", "B", "--junit", "not-there/x.xml"], 2, "there is no folder not-there"),
        (["hotspots", "HEAD"], 2, "this folder has no asv.conf.json"),
        (["hotspots", "HEAD", "--results", "nowhere"], 4, "there is no trace under nowhere"),
        (["export", "--tensorboard", "log"], 2, "this folder has no asv.conf.json"),
        (["trace", "prune"], 2, "this folder has no asv.conf.json"),
        (["trace", "prune", "--results", "nowhere"], 4, "asv run"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("")
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert err.startswith("tbp: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("folder", "words"),
    [("empty", "cannot list the commits of the branch"), ("not-there", "No such file or directory")],
)
def test_nightly_without_a_usable_repository(tmp_path: Path, folder: str, words: str, run: Run):
    new_repository(tmp_path / "empty")
    config = tmp_path / "asv.conf.json"
    config.write_text(json.dumps({"repo": folder}))
    code, _, err = run("nightly", "--config", str(config))
    assert code == 2
    assert words in err


def test_nightly_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run):
    config = tmp_path / "asv.conf.json"
    config.write_text(json.dumps({"repo": "."}))
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = run("nightly", "--config", str(config))
    assert code == 2
    assert "git was not found" in err


def test_every_module_of_a_verb_is_in_the_table():
    folder = Path(commands.__file__).parent
    helpers = {"__init__", "completers", "options", "output"}
    assert {path.stem for path in folder.glob("*.py")} - helpers == set(VERBS.values())


def test_help_imports_nothing_heavy():
    program = (
        "import sys\n"
        "from tbp.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'plotly', 'asv', 'numpy', 'scipy', 'jinja2', 'msgspec', 'rich', 'tomlkit'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_report_never_imports_torch_or_asv_or_scipy_stats(tmp_path: Path):
    results = write_results(tmp_path / "results", STEADY)
    program = (
        "import sys\n"
        "from tbp.__main__ import main\n"
        f"main(['report', '--results', {str(results)!r}, '--out', {str(tmp_path / 'site')!r}])\n"
        "sys.exit(', '.join({'torch', 'asv', 'asv_runner', 'scipy.stats'} & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("closed", ["stdout", "both"])
@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    ("verb", "code"),
    [
        (("report", "--out", "site"), 3),
        (("compare", COMMITS[14], COMMITS[15]), 3),
        (("compare", COMMITS[14], COMMITS[15], "--json"), 3),
        (("compare", COMMITS[14], "nothing"), 2),
        (("trace", "prune"), 0),
    ],
    ids=["report", "compare", "json", "error", "prune"],
)
def test_a_closed_pipe_leaves_the_verdict(tmp_path: Path, verb: tuple[str, ...], code: int, buffered: str, closed: str):
    write_results(tmp_path / "results", SLOWER)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "tbp", *verb, "--results", "results"],
        stdout=writer,
        stderr=writer if closed == "both" else subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": buffered},
        cwd=tmp_path,
        check=False,
    )
    os.close(writer)
    assert done.returncode == code
    assert b"Traceback" not in (done.stderr or b"")


@pytest.mark.parametrize("name", ["numpy.py", "pandas/__init__.py", "joblib/__init__.py", "rich/console.py", "tbp.py"])
def test_a_foreign_folder_s_files_are_no_modules(tmp_path: Path, name: str):
    """Also where Python itself would take them: ``python -m`` puts the current folder first."""
    write_results(tmp_path / "results", SLOWER)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise SystemExit('executed')\n")
    program = [sys.executable, "-m", "tbp"] if name != "tbp.py" else [str(Path(sys.executable).with_name("tbp"))]
    command = [*program, "report", "--results", "results", "--out", "site"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "executed" in done.stderr) == (3, False), done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_arrows_is_no_traceback(tmp_path: Path, encoding: str):
    write_results(tmp_path / "results", SLOWER)
    drawn = {("report", "--out", "site"): b"time_thing: ^ +1", ("compare", COMMITS[14], COMMITS[15]): b" -> 2.0"}
    for verb, shown in drawn.items():
        done = subprocess.run(
            [sys.executable, "-m", "tbp", *verb, "--results", "results"],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            cwd=tmp_path,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (3, False)
        assert shown in done.stdout


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, run: Run, number: int):
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tbp.report.site.load.report_data", full)
    code, out, err = run("report", "--results", "anywhere")
    assert (code, out) == (2, "")
    assert err == f"tbp: {os.strerror(number)}: make room and run it again; what was measured before is kept\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("lines", [1, 10_000], ids=["in the buffer", "more than it takes"])
def test_a_full_disk_behind_the_output_is_no_traceback(tmp_path: Path, lines: int):
    program = (
        "import argparse, tbp.cli, tbp.__main__\n"
        f"options = argparse.Namespace(verb=lambda options: print('x\\n' * {lines}) or 0)\n"
        "tbp.cli.parse = lambda arguments: options\n"
        "tbp.__main__.run()\n"
    )
    with Path("/dev/full").open("wb") as output:
        done = subprocess.run([sys.executable, "-c", program], stdout=output, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("tbp: ")
    assert "Traceback" not in done.stderr


def test_too_little_address_space_is_told_before_a_library_waits_for_it(tmp_path: Path) -> None:
    """OpenBLAS never ends where it is loaded with 260 to 280 MB."""
    limit = 270 << 20
    ended = subprocess.run(
        [sys.executable, "-m", "tbp", "report", "--results", str(tmp_path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    text = "tbp: `ulimit -v` leaves 270 MB of address space, and its libraries need 400 MB; raise it\n"
    assert (ended.returncode, ended.stderr) == (2, text)


@pytest.mark.parametrize("is_hidden", [False, True], ids=["as it is", "made another error by a library"])
def test_an_interrupt_ends_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_hidden: bool):
    """numpy's comparison of structured rows makes a TypeError of an interrupt that comes inside of it."""

    def interrupted(_: object) -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            if is_hidden:
                raise TypeError("Cannot compare structured arrays") from interrupt
            raise

    monkeypatch.setattr(import_module("tbp.commands.check"), "run", interrupted)
    code, out, err = run("check", tmp_path)
    assert (code, out, err) == (130, "", "tbp: interrupted; what was measured before is kept\n")


def test_an_error_that_is_no_interrupt_is_not_hidden(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def failing(_: object) -> int:
        raise TypeError("a fault of tbp")

    monkeypatch.setattr(import_module("tbp.commands.check"), "run", failing)
    with pytest.raises(TypeError, match="a fault of tbp"):
        run("check", tmp_path)
