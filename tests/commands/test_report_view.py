"""`tbp report --base` and `--acks`, and `tbp ack`, on a real repository with results of asv's form."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tbp.__main__ import main

RUNS = 31
STEADY = (1.0, 1.01, 0.99, 1.0, 1.01, 0.98)
SLOWER_AT = 15


def git(folder: Path, *arguments: str, day: int = 1) -> str:
    when = f"2026-01-{day:02d}T12:00:00+00:00"
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_COMMITTER_DATE": when}
    identity |= {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=os.environ | identity, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """31 commits in January, one a day, all but the 13th measured; twice as slow from the 16th on."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q", "-b", "main")
    for day in range(1, RUNS + 1):
        git(folder, "commit", "-q", "--allow-empty", "-m", f"day {day}", day=day)
    hashes = git(folder, "rev-list", "--reverse", "main").split()
    machine = folder / "results" / "box"
    machine.mkdir(parents=True)
    (machine / "machine.json").write_text(json.dumps({"machine": "box", "version": 1}))
    for place, commit in enumerate(hashes):
        value = STEADY[place % 6] * (2 if place >= SLOWER_AT else 1)
        content = {
            "version": 2, "commit_hash": commit, "env_name": "env", "date": 1_767_268_800_000 + place * 86_400_000,
            "params": {"machine": "box", "python": "3.11"}, "python": "3.11", "requirements": {}, "env_vars": {},
            "result_columns": ["result", "params", "version"], "results": {"suite.time_thing": [[value], [], "1"]},
            "durations": {},
        }  # fmt: skip
        if place != 12:
            (machine / f"{commit[:8]}-env.json").write_text(json.dumps(content))
    (folder / "asv.conf.json").write_text(json.dumps({"repo": ".", "project": "mine"}))
    return folder


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The working directory, with no acknowledgements yet."""
    monkeypatch.chdir(project)
    (project / "reports" / "acks.toml").unlink(missing_ok=True)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def slow_commit(project: Path) -> str:
    return git(project, "rev-list", "--reverse", "main").split()[SLOWER_AT]


@pytest.mark.parametrize(
    ("base", "code", "words"),
    [
        ("main~20", 3, "Since main~20: 1 regression in 1 series; it is suite.time_thing: ▲ +100 % slower"),
        ("main~18", 3, "Since main~18: 1 regression"),  # not measured: the one before it is
        ("main~15", 0, "Since main~15: no confirmed regression in 1 series."),
    ],
)
def test_a_base_leaves_earlier_changes_out(inside, project, capsys, base, code, words) -> None:
    found, out, _ = run(capsys, "report", "--out", str(inside), "--base", base)
    assert found == code
    assert out.startswith(words)
    page = (inside / "index.html").read_text("utf-8")
    assert f"Judged since {base}, measured at" in page
    assert json.loads((inside / "summary.json").read_text())["base"]["revision"] == base


def test_a_base_that_was_never_measured_takes_the_one_before(inside, project, capsys) -> None:
    run(capsys, "report", "--out", str(inside), "--base", "main~18")
    measured = git(project, "rev-parse", "main~19")
    assert json.loads((inside / "summary.json").read_text())["base"]["commit"] == measured


def test_a_base_nobody_knows_is_said(inside, capsys) -> None:
    code, _, err = run(capsys, "report", "--out", str(inside), "--base", "v9")
    assert code == 2
    assert "v9 names no stored commit" in err


def test_an_acknowledged_regression_sets_no_exit_code(inside, project, capsys) -> None:
    assert run(capsys, "report", "--out", str(inside))[0] == 3
    slow = slow_commit(project)
    code, out, _ = run(capsys, "ack", "suite.*", f"main~{RUNS - 1 - SLOWER_AT}", "--reason", "worth it")
    assert (code, out) == (0, f"suite.* at {slow[:8]} is acknowledged in {Path('reports/acks.toml').resolve()}\n")
    assert f'commit = "{slow}"' in Path("reports/acks.toml").read_text("utf-8")
    code, out, _ = run(capsys, "report", "--out", str(inside))
    assert code == 0
    assert out.startswith("No confirmed regression in 1 series; 1 acknowledged.")
    assert "acknowledged: worth it" in (inside / "index.html").read_text("utf-8")
    code, _, err = run(capsys, "ack", "suite.*", slow, "--reason", "again")
    assert code == 2
    assert "already" in err


def test_an_acknowledgement_ends_with_its_last_day(inside, project, capsys) -> None:
    file = str(inside / "acks.toml")
    for until, code in (("2026-01-31", 0), ("2026-01-30", 3)):  # the newest commit is of the 31st
        Path(file).unlink(missing_ok=True)
        run(capsys, "ack", "suite.*", slow_commit(project), "--reason", "r", "--until", until, "--acks", file)
        assert run(capsys, "report", "--out", str(inside / "site"), "--acks", file)[0] == code
    page = (inside / "site" / "index.html").read_text("utf-8")
    assert "acknowledgement expired on 2026-01-30: r" in page


def test_an_acknowledgement_of_nothing_is_a_problem_that_is_said(inside, capsys) -> None:
    run(capsys, "ack", "suite.tpyo", "main", "--reason", "r")
    code, _, err = run(capsys, "report", "--out", str(inside))
    assert code == 3
    assert "there is no regression of suite.tpyo" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "--acks", "nowhere.toml"], "there is no file nowhere.toml"),
        (["ack", "b", "nothing", "--reason", "r"], "nothing is no commit that git knows here"),
        (["ack", "b", "main", "--reason", ""], "--reason is empty"),
        (["ack", "b", "main", "--reason", "r", "--until", "x"], "--until must be a day"),
    ],
)
def test_what_cannot_be_meant_is_one_line(inside, capsys, arguments, words) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert words in err
    assert err.count("\n") == 1


def test_one_file_holds_the_report(inside, capsys) -> None:
    code, out, _ = run(capsys, "report", "--out", str(inside), "--single-file")
    assert code == 3
    assert f"report: {inside / 'report.html'}" in out
    assert [path.name for path in inside.iterdir()] == ["report.html"]


def test_the_same_results_give_the_same_bytes(inside, capsys) -> None:
    sites = []
    for name in ("one", "two"):
        run(capsys, "report", "--out", str(inside / name))
        files = [path for path in sorted((inside / name).rglob("*")) if path.is_file()]
        sites.append({path.relative_to(inside / name): path.read_bytes() for path in files})
    assert sites[0] == sites[1]
    assert b"2026-01-31 12:00 UTC</span>. Made by tbp" in sites[0][Path("index.html")]


def test_open_shows_it_in_the_browser(inside, capsys, monkeypatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: shown.append(address) or True)
    run(capsys, "report", "--out", str(inside), "--open")
    assert shown == [(inside / "index.html").as_uri()]
