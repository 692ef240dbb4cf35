"""`tbp report --base` and `--acks`, and `tbp ack`, on a real repository with results of asv's form."""

import json
from pathlib import Path

import pytest

from ..repositories import commit, git, new_repository
from ..result_folders import write_result

RUNS = 31
STEADY = (1.0, 1.01, 0.99, 1.0, 1.01, 0.98)
SLOWER_AT = 15


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """31 commits in January, one a day, all but the 13th measured; twice as slow from the 16th on."""
    folder = new_repository(tmp_path_factory.mktemp("project"))
    hashes = [commit(folder, f"day {day}", day=day + 0.5) for day in range(1, RUNS + 1)]
    for place, measured in enumerate(hashes):
        if place != 12:
            value = STEADY[place % 6] * (2 if place >= SLOWER_AT else 1)
            write_result(folder / "results", measured, {"suite.time_thing": [[value], [], "1"]}, place)
    (folder / "asv.conf.json").write_text(json.dumps({"repo": ".", "project": "mine"}))
    return folder


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The working directory, with no acknowledgements yet."""
    monkeypatch.chdir(project)
    (project / "reports" / "acks.toml").unlink(missing_ok=True)
    return tmp_path


def slow_commit(project: Path) -> str:
    return git(project, "rev-list", "--reverse", "main").split()[SLOWER_AT]


@pytest.mark.parametrize(
    ("base", "measured", "code", "words"),
    [
        ("main~20", "main~20", 3, "no new regression in the 7 days to 2026-01-31; 1 stands."),
        ("main~18", "main~19", 3, "no new regression in the 7 days"),  # not measured: the one before it is
        ("main~15", "main~15", 0, "no new regression in the 7 days to 2026-01-31; none stands."),
    ],
)
def test_a_base_leaves_earlier_changes_out(inside, project, run, base, measured, code, words) -> None:
    found, out, _ = run("report", "--out", inside, "--base", base)
    assert found == code
    assert out.startswith(f"Since {base}: {words}")
    page = (inside / "index.html").read_text("utf-8")
    assert f"Judged since {base}, measured at" in page
    told = json.loads((inside / "summary.json").read_text())["base"]
    assert (told["revision"], told["commit"]) == (base, git(project, "rev-parse", measured))


def test_a_base_nobody_knows_is_said(inside, run) -> None:
    code, _, err = run("report", "--out", str(inside), "--base", "v9")
    assert code == 2
    assert "v9 names no stored commit" in err


def test_an_acknowledged_regression_sets_no_exit_code(inside, project, run) -> None:
    assert run("report", "--out", str(inside))[0] == 3
    slow = slow_commit(project)
    code, out, _ = run("ack", "suite.*", f"main~{RUNS - 1 - SLOWER_AT}", "--reason", "worth it")
    assert (code, out) == (0, f"suite.* at {slow[:8]} is acknowledged in {Path('reports/acks.toml').resolve()}\n")
    assert f'commit = "{slow}"' in Path("reports/acks.toml").read_text("utf-8")
    code, out, _ = run("report", "--out", str(inside))
    assert code == 0
    assert out.startswith("No new regression in the 7 days to 2026-01-31; none stands.")
    assert "acknowledged: worth it" in (inside / "index.html").read_text("utf-8")
    code, _, err = run("ack", "suite.*", slow, "--reason", "again")
    assert code == 2
    assert "already" in err


def test_an_event_is_accepted_by_its_commit_alone(inside, project, run) -> None:
    slow = slow_commit(project)
    before = git(project, "rev-parse", f"{slow}~1")
    code, out, _ = run("ack", slow[:10], "--owner", "Ada", "--status", "investigating", "--link", "https://e.org/7")
    place = f"the event {before[:8]}..{slow[:8]} (1 series on 1 machine)"
    assert (code, out) == (0, f"{place} is investigating in {Path('reports/acks.toml').resolve()}\n")
    assert f'event = "{before[:12]}..{slow[:12]}"' in Path("reports/acks.toml").read_text("utf-8")
    code, out, _ = run("report", "--out", inside)
    assert code == 3  # it still counts
    assert "; investigating, Ada (https://e.org/7)\n" in out
    for page in ("index.html", "changes.html"):
        text = (inside / page).read_text("utf-8")
        assert "<bdi>investigating, Ada</bdi> " in text
        assert 'href="https://e.org/7" rel="noreferrer"' in text
    summary = json.loads((inside / "summary.json").read_text())
    (told,) = summary["events"][0]["triage"]
    assert (told["owner"], told["status"], told["accepted"]) == ("Ada", "investigating", False)
    assert summary["series"][0]["changes"][0]["triage"] == told
    assert run("ack", slow, "--status", f"fixed in {slow}", "--update")[0] == 0
    code, out, _ = run("report", "--out", inside)
    assert code == 3
    assert f"not fixed by {slow[:8]}: " in out
    assert run("ack", slow, "--status", "expected", "--reason", "meant", "--update")[0] == 0
    assert run("report", "--out", inside)[0] == 0
    assert "<bdi>expected, Ada: meant</bdi>" in (inside / "changes.html").read_text("utf-8")


def test_an_event_that_made_nothing_worse_is_not_accepted(inside, project, run) -> None:
    code, _, err = run("ack", "main", "--reason", "r")
    slow = slow_commit(project)
    before = git(project, "rev-parse", f"{slow}~1")
    assert code == 2
    assert f"made nothing worse here; the newest events that have are {before[:8]}..{slow[:8]}: write one of" in err
    assert not Path("reports/acks.toml").exists()


def test_an_event_is_accepted_where_nothing_is_measured_yet(inside, project, run, tmp_path) -> None:
    slow, file = slow_commit(project), tmp_path / "acks.toml"
    code, _, err = run("ack", slow, "--reason", "r", "--acks", file, "--results", tmp_path / "none")
    assert code == 0
    assert "the event is not looked up: there is no results folder" in err
    assert f'event = "{slow}"' in file.read_text("utf-8")


def test_an_acknowledgement_ends_with_its_last_day(inside, project, run) -> None:
    file = inside / "acks.toml"
    accept = ["ack", "suite.*", slow_commit(project), "--reason", "r", "--acks", file, "--until"]
    code, _, err = run(*accept, "2026-01-30")
    assert (code, file.exists()) == (2, False)
    assert "--until 2026-01-30 is before the newest result, of 2026-01-31" in err
    assert run(*accept, "2026-01-31")[0] == 0
    assert run("report", "--out", str(inside / "site"), "--acks", file)[0] == 0
    file.write_text(file.read_text("utf-8").replace("2026-01-31", "2026-01-30"))
    assert run("report", "--out", str(inside / "site"), "--acks", file)[0] == 3
    page = (inside / "site" / "index.html").read_text("utf-8")
    assert "acknowledgement expired on 2026-01-30: r" in page


def test_an_acknowledgement_of_nothing_is_refused_with_what_would_fit(inside, project, run) -> None:
    slow = slow_commit(project)
    for benchmark, revision in (("suite.tpyo", slow), ("suite.*", "main"), ("suite.tpyo", "main")):
        code, _, err = run("ack", benchmark, revision, "--reason", "r")
        assert code == 2
        assert f"there is no regression of {benchmark} at " in err
        assert "; write one of suite.time_" in err
        assert f" {slow[:8]}" in err
    assert not Path("reports/acks.toml").exists()


def test_an_acknowledgement_of_nothing_is_a_problem_that_is_said(inside, run) -> None:
    Path("reports").mkdir(exist_ok=True)
    Path("reports/acks.toml").write_text('[[ack]]\nbenchmark = "suite.tpyo"\ncommit = "0123abcd"\nreason = "r"\n')
    code, _, err = run("report", "--out", str(inside))
    assert code == 3
    assert "there is no regression of suite.tpyo" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "--acks", "nowhere.toml"], "there is no file nowhere.toml"),
        (["ack", "b", "nothing", "--reason", "r"], "nothing is no commit that git knows here"),
        (["ack", "b", "main", "--reason", ""], "--reason is empty"),
        (["ack", "b", "main"], "--reason is empty"),
        (["ack", "b", "main", "--reason", "r", "--status", "done"], "--status must be investigating, expected,"),
        (["ack", "b", "main", "--reason", "r", "--status", "fixed in nothing"], "nothing is no commit that git knows"),
        (["ack", "b", "main", "--reason", "r", "--link", "javascript:alert(1)"], "--link must be an address"),
        (["ack", "b", "main", "--reason", "r", "--until", "x"], "--until must be a day"),
    ],
)
def test_what_cannot_be_meant_is_one_line(inside, run, arguments, words) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err
    assert err.count("\n") == 1


def test_one_file_holds_the_report(inside, run) -> None:
    code, out, _ = run("report", "--out", str(inside), "--single-file")
    assert code == 3
    assert f"report: {inside / 'report.html'}" in out
    assert [path.name for path in inside.iterdir()] == ["report.html"]


def test_the_same_results_give_the_same_bytes(inside, run) -> None:
    sites = []
    for name in ("one", "two"):
        run("report", "--out", str(inside / name))
        files = [path for path in sorted((inside / name).rglob("*")) if path.is_file()]
        sites.append({path.relative_to(inside / name): path.read_bytes() for path in files})
    assert sites[0] == sites[1]
    assert b"2026-01-31 12:00 UTC</span>. Made by tbp" in sites[0][Path("index.html")]


def test_open_shows_it_in_the_browser(inside, run, monkeypatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: shown.append(address) or True)
    run("report", "--out", str(inside), "--open")
    assert shown == [(inside / "index.html").as_uri()]


@pytest.mark.parametrize(
    ("since", "sentence"),
    [
        ("20", "1 new regression in the 20 days to 2026-01-31, from 1 commit; 1 stands."),
        ("2026-01-15", "1 new regression since 2026-01-15, from 1 commit; 1 stands."),
        ("2026-01-17", "No new regression since 2026-01-17; 1 stands."),
        ("main~16", "1 new regression since main~16, from 1 commit; 1 stands."),
        ("main~15", "No new regression since main~15; 1 stands."),
    ],
)
def test_since_says_what_is_new_and_changes_no_verdict(inside, run, since: str, sentence: str) -> None:
    code, out, _ = run("report", "--out", inside, "--since", since)
    assert (code, out.splitlines()[0]) == (3, sentence)
    assert json.loads((inside / "summary.json").read_text())["answer"]["sentence"] == sentence


@pytest.mark.parametrize("since", ["v9", "2026-13-01", "0", "12345678901234567890"])
def test_a_time_that_is_none_is_said(inside, run, since: str) -> None:
    code, _, err = run("report", "--out", str(inside), "--since", since)
    assert code == 2
    assert f"{since} names no stored commit" in err
    assert "--since takes a number of days (7), a day (2026-05-01) or a revision" in err


def test_results_of_elsewhere_bring_their_project_with_them(project, run, tmp_path, monkeypatch) -> None:
    """Its name, its subjects, its branch, and the direction that its pyproject.toml sets."""
    monkeypatch.chdir(tmp_path)
    policy = project / "pyproject.toml"
    policy.write_text("[tool.tbp.better]\n'time_thing' = 'higher'\n")
    try:
        code, _, err = run("report", "--results", project / "results", "--out", tmp_path / "site")
        compared = run("compare", "main~16", "main~15", "--results", project / "results")
    finally:
        policy.unlink()
    assert err == f"tbp: the results are those of {project / 'asv.conf.json'}\n"
    summary = json.loads((tmp_path / "site" / "summary.json").read_text())
    (series,) = summary["series"]
    assert (code, summary["project"], summary["branch"], series["better"]) == (0, "mine", "main", "higher")
    assert series["changes"][0]["first"]["subject"] == f"day {SLOWER_AT + 1}"
    assert (compared[0], compared[2]) == (0, err)
    assert run("report", "--results", project / "results", "--out", tmp_path / "site", "--branch", "main")[0] == 3


def test_results_that_are_those_of_this_folder_need_no_word(inside, project, run) -> None:
    code, _, err = run("report", "--results", "results", "--out", inside)
    assert (code, err) == (3, "")
    assert json.loads((inside / "summary.json").read_text())["project"] == "mine"


def test_a_configuration_that_is_named_goes_before_what_lies_above(project, run, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.json").write_text(json.dumps({"project": "other", "repo": "https://e.org/x"}))
    results = ("--results", project / "results", "--config", "other.json")
    assert run("report", *results, "--out", tmp_path / "site")[0] == 3
    assert json.loads((tmp_path / "site" / "summary.json").read_text())["project"] == "results"


def test_an_event_of_results_elsewhere_is_accepted_in_their_project(inside, project, run, monkeypatch) -> None:
    slow = slow_commit(project)
    monkeypatch.chdir(inside)
    code, out, _ = run("ack", slow, "--reason", "r", "--results", project / "results")
    assert (code, out.endswith(f"is acknowledged in {project / 'reports' / 'acks.toml'}\n")) == (0, True)


def test_a_night_measures_into_its_own_results_only(inside, run, tmp_path) -> None:
    code, _, err = run("nightly", "--results", tmp_path)
    assert code == 2
    assert "a night measures into results_dir of " in err
