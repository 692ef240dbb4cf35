"""A pool of runners on the command line: every night another host, and one name for all of them by a project's rule."""

import json
from pathlib import Path

import pytest

from tbp.asv.ratios import Ratio
from tbp.history.stored import stored
from tbp.nightly.night_pairs import measure_in_turns, tracked_series
from tbp.project.asv_config import read_config
from tbp.report.site.load import report_data

from ..command_line import Run
from ..fleets import POOL, PROCESSORS, commit_hash, hosted_nights
from ..repositories import new_repository
from ..result_folders import ASV_CONFIG

HINT = "20 machines have one or two runs each, so nothing can be judged"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = hosted_nights(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def rule(project: Path, *lines: str) -> None:
    (project / "pyproject.toml").write_text("\n".join(["[tool.tbp.machines]", *lines, ""]))


def summary(project: Path) -> dict[str, list[dict[str, object]]]:
    return json.loads((project / "reports" / "site" / "summary.json").read_text())


def test_without_a_rule_there_is_no_verdict_and_a_hint_that_gives_one(project: Path, run: Run):
    code, out, _ = run("report")
    assert code == 0
    line = '"^fv-az" = "fv-az {processor}"'
    assert f"{HINT}: " in out
    assert f"in pyproject.toml with {line}" in out.replace("\n", " ")
    assert HINT in (project / "reports" / "site" / "index.html").read_text()
    rule(project, line)
    code, out, _ = run("report")
    assert (code, HINT in out) == (3, False)


def test_with_the_rule_each_processor_is_a_machine_and_a_step_on_both_is_one_event(project: Path, run: Run):
    rule(project, POOL)
    code, out, _ = run("report")
    assert code == 3
    assert "on both machines that measured it" in out
    whole = summary(project)
    assert {series["machine"] for series in whole["series"]} == {f"hosted {processor}" for processor in PROCESSORS}
    (event,) = whole["events"]
    assert (event["series"], event["first"]["commit"]) == (2, commit_hash(10))
    page = (project / "reports" / "site" / "machines.html").read_text()
    assert "fv-az" not in page
    assert PROCESSORS[0] in page


def test_machine_takes_the_name_and_an_identifier_that_asv_has_for_one_of_it(project: Path, run: Run):
    rule(project, POOL)
    for machine in (f"hosted {PROCESSORS[1]}", "fv-az963-1"):
        assert run("report", "--machine", machine)[0] == 3
        assert [series["machine"] for series in summary(project)["series"]] == [f"hosted {PROCESSORS[1]}"]
    code, _, err = run("report", "--machine", "fv-az")
    assert (code, f"there are results of hosted {PROCESSORS[0]}" in err.replace("\n", " ")) == (2, True)


def test_compare_judges_commits_of_two_hosts(project: Path, run: Run):
    commits = commit_hash(9), commit_hash(11)
    code, _, err = run("compare", *commits)
    assert (code, "no machine and environment has results of both" in err.replace("\n", " ")) == (4, True)
    rule(project, POOL)
    assert run("compare", *commits)[0] == 3
    assert run("compare", *commits, "--machine", "fv-az963-1")[0] == 3
    assert run("compare", *commits, "--machine", f"hosted {PROCESSORS[0]}")[0] == 4


def test_a_name_is_harmless_wherever_it_is_shown(project: Path, run: Run):
    rule(project, '''"^fv" = "a'b\\"c | <script>alert(1)</script> [x](y) ../{processor}"''')
    assert run("report")[0] == 3
    pages = [path.read_text() for path in (project / "reports" / "site").rglob("*.html")]
    assert pages
    assert all("<script>alert" not in page for page in pages)
    names = {series["machine"] for series in summary(project)["series"]}
    assert all(name.startswith("a'b\"c | <script>alert(1)<-script> [x](y) ..-") for name in names)
    assert run("compare", commit_hash(9), commit_hash(11), "--markdown", "comment.md")[0] == 3
    assert "<script>" not in (project / "comment.md").read_text()


def test_a_changed_rule_changes_what_is_known_from_earlier_reports(
    project: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Everything is worth keeping here: as it was read, judged, and written."""
    for module, name in (("asv.result_cache", "WORTH_BYTES"), ("history.known_series", "WORTH_RUNS")):
        monkeypatch.setattr(f"tbp.{module}.{name}", 0)

    def judged() -> dict[tuple[str, int], list[int]]:
        histories = report_data(read_config(Path("asv.conf.json")), None).histories
        return {
            (history.key.machine, len(history.points)): [each.change.index for each in history.changes]
            for history in histories
        }

    apart, mixed = {(f"hosted {processor}", 10): [5] for processor in PROCESSORS}, ("all", 20)
    assert len(judged()) == 20
    rule(project, POOL)
    assert judged() == apart
    rule(project, '"." = "all"')
    assert list(judged()) == [mixed]
    rule(project, POOL)
    assert judged() == apart
    assert store_folder.exists()


def test_pairs_of_a_night_are_stored_with_its_host_and_found_again_by_the_pool(project: Path):
    """Measured on the newest host, against a commit that another one measured."""
    rule(project, POOL)
    config, newest = read_config(Path("asv.conf.json")), commit_hash(19)
    host = "fv-az297-19"
    tracked = tracked_series(stored(config, None), host)
    (series,) = tracked
    assert (series.key.machine, len(series.points)) == (f"hosted {PROCESSORS[1]}", 10)
    ratio = Ratio(commit_hash(11), newest, (0.01, 0.02))
    series.add(ratio)
    measure_in_turns(config, tracked, [newest], 0.0, print)  # no time for more
    assert [path.relative_to(project / "results").parts[0] for path in project.rglob("*.paired")] == [host]
    assert stored(config, None).ratios.of == {series.key: (ratio,)}
    rule(project)
    assert [key.machine for key in stored(config, None).ratios.of] == [host]


def test_traces_are_found_by_the_name_and_by_the_identifier(traced_results: Path, run: Run, monkeypatch):
    project = traced_results.parent
    monkeypatch.chdir(project)
    (project / "asv.conf.json").write_text('{"version": 1, "project": "p", "repo": ".", "results_dir": "results"}')
    first, second = sorted(path.name[:8] for path in traced_results.glob("box/*.json"))
    rule(project, '"^box" = "pool"')
    for machine in ("box", "pool"):
        assert run("hotspots", first, second, "--machine", machine)[0] == 0
    code, _, err = run("hotspots", first, "--machine", "bo")
    assert (code, "no trace is of it; there are traces of pool" in err) == (2, True)


def test_check_has_the_line_without_reading_a_result(project: Path, run: Run):
    new_repository(project)
    (project / "benchmarks").mkdir()
    (project / "benchmarks" / "__init__.py").touch()
    (project / "asv.conf.json").write_text(json.dumps(ASV_CONFIG | {"results_dir": "results"}))
    for path in (project / "results").glob("*/*-*.json"):
        path.write_text("no result")
    code, out, _ = run("check")
    assert (code, f"hint: {HINT}" in out, '"^fv-az" = "fv-az {processor}"' in out) == (0, True, True)
    rule(project, POOL)
    assert "hint" not in run("check")[1]


def test_a_rule_that_merges_unlike_machines_is_told_the_line_that_does_not(project: Path, run: Run):
    rule(project, '"^fv-az" = "hosted"')
    code, _, err = run("report")
    words = " ".join(err.split())
    assert code in (0, 3)
    assert "machines named hosted take turns with another processor, and each turn is a break" in words
    assert '"^fv-az" = "hosted {processor}"' in words
    rule(project, POOL)
    assert "take turns" not in run("report")[2]


def test_a_machine_may_be_left_out_of_a_pool(project: Path, run: Run):
    rule(project, '"^fv-az1000-0$" = false', POOL)
    run("report")
    names = {series["machine"] for series in summary(project)["series"]}
    assert names == {"fv-az1000-0", *(f"hosted {processor}" for processor in PROCESSORS)}
