"""One event on machines that measure different commits: `tbp report` on a real repository, up to every output."""

import json
import shutil
from pathlib import Path

import pytest

from tbp.__main__ import main

from ..repositories import commit, git, new_repository
from ..result_folders import write_result
from .test_report_view import STEADY

COMMITS = 64
SLOWER_AT = 32
REQUIREMENTS_AT = 31
MEASURED = {"even": range(0, COMMITS, 3), "odd": range(1, COMMITS, 4)}  # (30, 33] and (29, 33]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_repository(tmp_path_factory.mktemp("project"))
    (folder / "benchmarks").mkdir()
    hashes = []
    for place in range(COMMITS):
        requirements = {"uv.lock": "<b>"} if place == REQUIREMENTS_AT else {}
        hashes.append(commit(folder, f"number {place}", files={"code.py": str(place), **requirements}))
    for machine, measured in MEASURED.items():
        for run, place in enumerate(measured):
            value = STEADY[run % 6] * (2 if place >= SLOWER_AT else 1)
            rows = {"suite.time_thing": [[value], [], "1"]}
            write_result(folder / "results", hashes[place], rows, place / 24, machine)
    (folder / "asv.conf.json").write_text(json.dumps({"repo": ".", "project": "mine"}))
    return folder


def test_every_output_tells_it_once(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert main(["report", "--out", str(tmp_path)]) == 3
    hashes = git(project, "rev-list", "--reverse", "main").split()
    line, following = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert line.startswith("  new: 2 regressions of suite.time_thing: ▲ +100 % slower ")
    between = f"by one of 3 commits, {hashes[30][:8]}..{hashes[33][:8]}"
    assert line.endswith(f" {between} by x (number 33); on both machines that measured it")
    assert following.endswith(f" {hashes[30][:8]} {hashes[33][:8]}")
    assert following.startswith("       next: tbp bisect '^suite")
    content = json.loads((tmp_path / "summary.json").read_bytes())
    (event,) = content["events"]
    assert (event["last_before"]["commit"], event["first"]["commit"]) == (hashes[30], hashes[33])
    assert (event["commits"], sorted(one["commits"] for one in event["changes"])) == (3, [3, 4])
    assert event["machines"]["moved"] == ["even", "odd"]
    assert event["touching"] == [{"commit": hashes[REQUIREMENTS_AT], "files": ["uv.lock"]}]
    touching = (
        f"f 3 commits, 1 changes the benchmark itself or its requirements: {hashes[REQUIREMENTS_AT][:8]} (uv.lock)"
    )
    for page in ("changes.html", "index.html", "feed.xml"):
        text = (tmp_path / page).read_text(encoding="utf-8")
        assert text.count(touching) == 1, page
        assert text.count("n both machines that measured it") == 1, page
    (page_of,) = (tmp_path / "benchmarks").glob("*.html")
    assert touching in page_of.read_text(encoding="utf-8")
    assert (tmp_path / "feed.xml").read_text(encoding="utf-8").count("<entry>") == 1


def test_results_from_elsewhere_have_no_commits_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(project / "results", tmp_path / "results")  # with no configuration beside or above it
    assert main(["report", "--results", "results", "--out", str(tmp_path / "site")]) == 3
    content = json.loads((tmp_path / "site" / "summary.json").read_bytes())
    assert [event["touching"] for event in content["events"]] == [[] for _ in content["events"]]
