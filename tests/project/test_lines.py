"""Projects whose results are not all of one branch, made with git and reported as users report them."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tbp.comparison.stored_commits import CompareRequest, compared
from tbp.errors import NothingMeasured, UsageError
from tbp.model.changes import State
from tbp.project.asv_config import AsvConfig, read_config
from tbp.report.base.report_data import ReportData
from tbp.report.data.points_csv import points
from tbp.report.data.summary_json import summary_json
from tbp.report.site.load import View, report_data

from ..histories import page_of
from ..repositories import git, new_repository
from ..result_folders import write_result

NAME = "solve.time_solve"


class Project:
    """A repository whose commits have results, and its asv.conf.json."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.folder = folder
        self.measured = 0
        new_repository(folder)
        results = folder / "results"
        results.mkdir()
        entry = {"name": NAME, "code": "", "params": [], "param_names": [], "type": "time", "unit": "seconds"}
        (results / "benchmarks.json").write_text(json.dumps({NAME: entry | {"version": "1"}, "version": 2}))
        content = {"version": 1, "project": "p", "repo": ".", "branches": ["main"], "results_dir": "results"} | config
        (folder / "asv.conf.json").write_text(json.dumps(content))

    def git(self, *arguments: str, day: float = 0) -> str:
        return git(self.folder, *arguments, day=day)

    def commit(self, day: float, value_s: float | None) -> str:
        """The hash of a commit on what is checked out, with a result where there is a value."""
        self.git("commit", "-q", "--allow-empty", "-m", f"day {day}", day=day)
        return self.measure(day, value_s)

    def measure(self, day: float, value_s: float | None) -> str:
        """The hash of the commit that is checked out, with a result where there is a value."""
        commit = self.git("rev-parse", "HEAD")
        if value_s is None:
            return commit
        self.measured += 1
        digest = hashlib.sha256(str(self.measured).encode()).digest()
        value_s *= 1 + 0.01 * (digest[0] / 255 - 0.5)  # a noise of half a per cent
        row = [[value_s], [], "1", 0, 1.0, None, None, [value_s], [value_s], [1]]
        write_result(self.folder / "results", commit, {NAME: row}, day)
        return commit

    @property
    def config(self) -> AsvConfig:
        return read_config(self.folder / "asv.conf.json")

    def report(self, branch: str = "", **view: str) -> ReportData:
        config = read_config(self.folder / "asv.conf.json", branch)
        return report_data(config, None, view=View(**view))  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def found(data: ReportData) -> tuple[State, list[str]]:
    """The only series: its state and the commits of its confirmed changes."""
    (history,) = data.histories
    confirmed = (what.change for what in history.changes if what.change.confirmed)
    return history.state, [history.points[change.index].commit.hash for change in confirmed]


def measured(project: Project, days: Iterable[float], value_s: float) -> list[str]:
    return [project.commit(day, value_s) for day in days]


def with_backports(project: Project, before_s: float, after_s: float) -> Sequence[str]:
    """main moves at its 16th commit; a maintenance branch from before goes on, in between and after all others."""
    old = measured(project, range(15), before_s)
    project.git("tag", "v1.0", old[9])
    new = measured(project, range(15, 30), after_s)
    project.git("tag", "v2.0", new[5])
    project.git("checkout", "-q", "-b", "maint", "v1.0")
    for number, day in enumerate((17.5, 19.5, 21.5, 23.5, 25.5, 27.5, 31.5), 1):
        project.commit(day, before_s)
        project.git("tag", f"v1.0.{number}")
    project.git("checkout", "-q", "main")
    return new


@pytest.mark.parametrize(
    ("before_s", "after_s", "state"), [(0.6, 1.0, State.REGRESSION), (1.0, 0.6, State.IMPROVEMENT)]
)
def test_backports_hide_no_change_of_the_branch(project: Project, before_s: float, after_s: float, state: State):
    new = with_backports(project, before_s, after_s)
    assert found(project.report()) == (state, [new[0]])
    # The maintenance branch is a line like any other, for who asks for it.
    assert found(project.report("maint")) == (State.NO_CHANGE, [])
    assert found(project.report(base="v1.0.3"))[0] is state
    assert found(project.report(base="v2.0"))[0] is State.NO_CHANGE


@pytest.mark.parametrize(
    ("baseline", "contender", "state"),
    [
        ("v1.0", "v2.0", State.REGRESSION),
        ("v1.0.7", "v2.0", State.REGRESSION),
        ("v2.0", "v1.0.7", State.IMPROVEMENT),
        ("v1.0.3", "main", State.REGRESSION),
        ("v1.0", "v1.0.7", State.NO_CHANGE),
        ("v1.0.6", "v1.0.2", State.NO_CHANGE),
    ],
)
def test_two_tags_are_compared_by_the_runs_of_their_own_lines(
    project: Project, baseline: str, contender: str, state: State
):
    with_backports(project, 0.6, 1.0)
    comparison = compared(project.config, None, CompareRequest(baseline, contender))
    assert [judgement.state for judgement in comparison.judgements] == [state]
    names = {"main": "main", "v1.0": "main", "v2.0": "main"}
    old, new = (names.get(revision, "maint") for revision in (baseline, contender))
    said = f"{baseline} is of {old} and {contender} of {new}: runs of other lines are left out"
    assert (said in comparison.notes) == (old != new)


def test_what_was_measured_beside_the_branch_is_shown_apart(project: Project):
    with_backports(project, 0.6, 1.0)
    data = project.report()
    (beside,) = data.beside
    assert (beside.line.name, [point.commit.subject for point in beside.points][-1]) == ("maint", "day 31.5")
    others = page_of(NAME, data).other_lines
    assert others.summary == "Beside main: 7 commits on 1 other line"
    (row,) = others.rows
    assert (row.line, row.runs, row.state, row.verdict) == ("maint", 7, State.NO_CHANGE, "no change")
    assert (row.origin.subject, row.newest.subject) == ("day 9", "day 31.5")
    text = b"".join(make() for make in points(data)).decode()
    lines = [row["line"] for row in csv.DictReader(io.StringIO(text))]
    assert (lines.count(""), lines.count("maint")) == (30, 7)
    summary = json.loads(summary_json(data))
    assert summary["branch"] == "main"
    assert [(line["name"], line["origin"]["subject"], len(line["commits"])) for line in summary["lines"]] == [
        ("maint", "day 9", 7)
    ]


def test_a_line_that_became_slower_says_so_and_is_no_regression_of_the_branch(project: Project):
    old = measured(project, range(20), 1.0)
    project.git("checkout", "-q", "-b", "1.x", old[12])
    measured(project, (12.5, 13.5, 14.5, 15.5), 1.4)
    data = project.report()
    assert found(data) == (State.NO_CHANGE, [])
    (row,) = page_of(NAME, data).other_lines.rows
    assert row.line == "1.x"
    assert row.state is State.UNDECIDED  # nothing was measured after it: one odd run would look the same
    measured(project, (float(day) for day in range(30, 60)), 1.4)
    (row,) = page_of(NAME, project.report()).other_lines.rows
    assert (row.state, row.runs) == (State.REGRESSION, 34)


@pytest.mark.parametrize(
    ("drivers", "state"),
    [(("550", "570"), State.UNDECIDED), (("550", "550"), State.REGRESSION), (("550", ""), State.REGRESSION)],
)
def test_a_line_that_another_driver_measured_may_be_slower_for_that(
    project: Project, drivers: tuple[str, str], state: State
):
    old = measured(project, range(20), 1.0)
    project.git("checkout", "-q", "-b", "1.x", old[12])
    measured(project, (12.5, *map(float, range(30, 60))), 1.4)
    for file in (project.folder / "results").glob("*/*.json"):
        content = json.loads(file.read_text())
        driver = drivers[content["commit_hash"] not in old]
        file.write_text(json.dumps(content | {"params": content["params"] | {"driver": driver}}))
    (row,) = page_of(NAME, project.report()).other_lines.rows
    assert row.state is state


def test_a_line_of_another_root_is_compared_with_nothing(project: Project):
    measured(project, range(5), 1.0)
    project.git("checkout", "-q", "--orphan", "other")
    project.commit(9, 2.0)
    (row,) = page_of(NAME, project.report()).other_lines.rows
    assert (row.origin, row.verdict) == (None, "no value where it branched off")


def test_a_merged_side_branch_is_no_change_of_the_branch(project: Project):
    measured(project, range(12), 1.0)
    project.git("branch", "feature")
    slow = measured(project, range(12, 24), 1.3)
    project.git("checkout", "-q", "feature")
    measured(project, (day + 0.1 for day in range(12, 22)), 1.0)
    project.git("checkout", "-q", "main")
    project.git("merge", "-q", "--no-ff", "-m", "merge", "feature", day=24)
    project.measure(24, 1.3)
    measured(project, range(25, 37), 1.3)
    assert found(project.report()) == (State.REGRESSION, [slow[0]])


@pytest.mark.parametrize("checked_out", ["orphan", "branch", "detached"])
@pytest.mark.parametrize("branches", [["main"], [None], []])
def test_the_branch_is_reported_whatever_is_checked_out(tmp_path: Path, branches: list[str | None], checked_out: str):
    project = Project(tmp_path, branches=branches)
    # Dates run against the order.
    old = measured(project, range(100, 120), 1.0)
    new = measured(project, range(20), 1.3)
    if checked_out == "detached":
        project.git("checkout", "-q", old[3])
    else:
        project.git("checkout", "-q", *(["--orphan", "site"] if checked_out == "orphan" else ["-b", "site", old[3]]))
        project.commit(200, None)
    assert found(project.report()) == (State.REGRESSION, [new[0]])


def test_results_of_another_branch_alone_are_not_passed_off_as_this_ones(project: Project):
    project.commit(0, None)
    project.git("checkout", "-q", "-b", "dev")
    measured(project, range(1, 4), 1.0)
    with pytest.raises(NothingMeasured, match=r"no commit of main has a result in .*other lines \(dev\)"):
        project.report()
    assert len(project.report("dev").histories) == 1


def test_a_branch_that_is_nowhere_is_an_error(project: Project):
    measured(project, range(3), 1.0)
    with pytest.raises(UsageError, match="has no branch next"):
        project.report("next")
