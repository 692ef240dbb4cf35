"""The comparison's page in a real browser: any commits, machines and environments beside each other."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.comparison.judgements import judgements, series_of_points
from tbp.model.changes import History, LineRuns, State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.measured_with import MeasuredWith
from tbp.model.points import Points, columns
from tbp.model.runs import Run
from tbp.model.series import Better, Commit, Line, Outcome, Point, SeriesKey
from tbp.project.lines import compared
from tbp.report.base.report_data import ReportData
from tbp.report.parts.addresses import series_href
from tbp.report.site.build import write_site

from .opening import DESKTOP, PHONE, opened, overflow, reload, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLACE = ("bench-1", "virtualenv-py3.13-torch2.13")
OTHER = ("bench-1", "virtualenv-py3.13-torch2.12")
READY = "#compare-form[data-ready]"


def in_another_environment(history: History) -> History:
    """The same series with torch 2.12, half as fast, measured on every other commit, not on the newest ten."""
    points = tuple(
        replace(point, value=point.value * 2, low=point.low * 2, high=point.high * 2)
        for place, point in enumerate(history.points[:-10])
        if place % 2
    )
    key = replace(history.key, machine=OTHER[0], environment=OTHER[1])
    return replace(history, key=key, points=points, changes=(), state=State.NO_CHANGE)


def with_two_torches(data: ReportData) -> ReportData:
    kept = [one for one in data.histories if (one.key.machine, one.key.environment) == PLACE]
    attention = [in_another_environment(one) for one in kept if one.key.benchmark.startswith("attention")]
    commit = data.histories[0].points[0].commit
    runs = [Run(commit, *PLACE, "3.13", (("torch", "2.13"),)), Run(commit, *OTHER, "3.13", (("torch", "2.12"),))]
    return replace(data, histories=(*kept, *attention), runs=tuple(runs))


@pytest.fixture(scope="module")
def site(plausible_data, tmp_path_factory) -> Path:
    """Two environments that differ in one requirement."""
    return write_site(with_two_torches(plausible_data), tmp_path_factory.mktemp("compare")).parent / "compare.html"


@pytest.fixture(scope="module")
def machines(plausible_site) -> Path:
    return plausible_site.parent / "compare.html"


def test_it_begins_with_a_judged_pair_that_can_be_filtered_at_once(browser, machines) -> None:
    with opened(browser, machines, ready=READY) as page:
        everything = page.locator("#compare-default-rows tbody tr").count()
        assert page.inner_text("#shown") == f"{everything} of {everything} series"
        assert "regression" in page.inner_text("#compare-title")
        assert page.locator("#compare-default .command .copy").count() == 2
        page.fill("#compare-q", "sdpa 1024")
        rows = page.locator("#compare-default-rows tbody tr:visible")
        assert 0 < rows.count() < everything
        assert all("1024" in text for text in rows.all_inner_texts())
        reload(page, READY)
        assert "1024" in rows.first.inner_text()
        page.fill("#compare-q", "")
        page.check("#compare-far")
        assert all("~" not in text and "no change" not in text for text in rows.all_inner_texts())
        page.fill("#compare-q", "no such series")
        assert page.inner_text("#shown") == f"0 of {everything} series: no matching series is known to have changed"


def test_any_two_commits_are_judged_as_the_first_two_and_linked_to(browser, machines) -> None:
    with opened(browser, machines, ready=READY) as page:
        page.select_option("#compare-commit-1", "110")
        page.select_option("#compare-commit-0", "85")
        first = page.locator("#compare-table tbody tr").first.inner_text()
        assert "sequence_length=1024" in first
        assert "slower" in first
        assert "(99 % CI " in first
        assert "undecided" in page.inner_text("#compare-table")
        commands = page.locator("#compare-command .command")
        shorts = page.eval_on_selector_all("#compare-sides .commit", "all => all.map((one) => one.textContent)")
        assert (
            commands.nth(0).locator("code").inner_text().startswith(f"tbp compare {' '.join(shorts)} --machine bench-1")
        )
        assert commands.nth(1).locator("code").inner_text() == f"tbp gate --tip {' '.join(shorts)}"
        assert commands.locator(".copy").count() == 2
        assert "UTC" in page.inner_text("#compare-sides")
        said = page.inner_text("main")
        reload(page, READY)
        assert page.inner_text("main") == said
        page.click("#compare-swap")
        assert "faster" in page.locator("#compare-table tbody tr").first.inner_text()
        page.click("#compare-reset")
        assert page.locator("#compare-default").is_visible()


def test_a_commit_without_values_is_said_so_with_the_nearest_that_have_some(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        last = page.locator("#compare-commit-0 option").first.get_attribute("value")
        page.select_option("#compare-part-0-0", label="2.12")
        page.select_option("#compare-part-1-0", label="2.12")
        page.select_option("#compare-commit-1", last)
        assert page.inner_text("#compare-title").startswith("Nothing to compare: ")
        assert "the commit was not measured there" in page.inner_text("#compare-nothing")
        assert page.locator("#compare-table").is_hidden()
        assert page.locator("#compare-filter").is_hidden()
        assert violations(page) == []
        nearest = page.locator("#compare-nothing button").last
        assert nearest.inner_text().endswith("commits before)")
        page.locator("#compare-nothing button").last.click()
        assert page.locator("#compare-nothing").is_hidden() or "Baseline" in page.inner_text("#compare-nothing")
        groups = page.eval_on_selector_all("#compare-commit-1 optgroup", "all => all.map((one) => one.label)")
        assert groups == ["Measured here, newest first", "Tags", "Without values here"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("v0.9", "v0.9"), ("2026-04-01", "2026-04-01"), ("1999", ""), ("nosuchthing", ""), ("HASH", "HASH")],
)
def test_a_commit_is_found_by_what_is_typed(browser, machines, text, found) -> None:
    with opened(browser, machines, ready=READY) as page:
        hash_ = page.evaluate("tbp.runs.commits[30].short")
        page.fill("#compare-type-0", text.replace("HASH", f"{hash_}00ff"))
        page.keyboard.press("Enter")
        said = page.inner_text("#compare-found")
        if found:
            assert found.replace("HASH", hash_) in said
            assert found.replace("HASH", hash_) in page.locator("#compare-sides li").first.inner_text()
            assert page.evaluate("document.activeElement.id") == "compare-type-0"
        else:
            assert said.startswith("No commit has")
            assert page.locator("#compare-default").is_visible()


def test_one_part_of_an_environment_is_changed_and_all_else_stays(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        assert page.locator("#compare-part-0-0 option").all_inner_texts() == ["2.12", "2.13"]
        page.get_by_role("button", name="torch 2.13 against 2.12").click()
        assert page.inner_text("#compare-title").startswith("torch 2.13 against torch 2.12 at ")
        first = page.locator("#compare-table tbody tr").first.inner_text()
        assert "faster" in first
        assert "(99 % CI " in first
        assert page.locator("#compare-table .badge.improvement").count() == 0  # nobody's merit
        assert page.locator("#compare-elsewhere").is_visible()
        said = page.inner_text("#compare-title")
        reload(page, READY)
        assert page.inner_text("#compare-title") == said


@pytest.mark.parametrize(
    ("systems", "packages", "label", "told"),
    [
        (("Linux", "Linux"), (("six", "1"),), "Compare with all else equal:", "another torch 2.12 → 2.13."),
        (("Linux", "Linux"), (),
         "Compare with all else equal, as far as is recorded (not recorded: installed packages):",
         "Not recorded on both sides: installed packages."),
        (("Linux", "Windows 11"), (("six", "1"),), "Compare with more than one difference (system too):",
         "another system Linux → Windows 11, torch 2.12 → 2.13."),
    ],
)  # fmt: skip
def test_all_else_is_equal_only_where_it_is(browser, plausible_data, tmp_path, systems, packages, label, told) -> None:
    data = with_two_torches(plausible_data)
    new, old = data.runs
    hardware = [(("processor", "Z80"), ("system", system)) for system in systems]
    runs = (
        replace(old, hardware=hardware[0], packages=packages), replace(new, hardware=hardware[1], packages=packages)
    )  # fmt: skip
    index = write_site(replace(data, runs=runs), tmp_path)
    with opened(browser, index.parent / "compare.html", ready=READY) as page:
        assert page.inner_text("#compare-presets").startswith(label)
        page.get_by_role("button", name="torch 2.13 against 2.12").click()
        assert told in page.inner_text("#compare-sides")
        assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_chosen_columns_fit_and_are_accessible(browser, machines, size, scheme) -> None:
    with opened(browser, machines, size, scheme, ready=READY) as page:
        page.select_option("#compare-commit-0", "85")
        assert overflow(page) <= 0
        assert violations(page) == []
        for column in ("#compare-means td", "#compare-table td.number"):
            box = page.locator(column).first.bounding_box()
            assert box["x"] + box["width"] <= size[0]
        page.click("#compare-add")
        page.select_option("#compare-part-2-0", label="bench-2")
        page.fill("#compare-q", "tokens_per_second")
        row = page.locator("#compare-table tbody tr").first.inner_text()
        assert row.count("tokens/s") == 3
        assert overflow(page) <= 0
        assert violations(page) == []
        page.get_by_role("button", name="Remove Contender 2").click()
        assert page.locator("#compare-columns li").count() == 2


WHOLE = """(one) => {
  const pen = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(one);
  pen.font = style.font;
  const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  return pen.measureText(one.selectedOptions[0].label).width + padding <= one.clientWidth;
}"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_what_is_chosen_is_not_cut(browser, plausible_data, tmp_path, size) -> None:
    histories = tuple(
        replace(one, key=replace(one.key, machine=one.key.machine.replace("bench", "hosted-runner-of-a-pool")))
        for one in plausible_data.histories
    )
    index = write_site(replace(plausible_data, histories=histories, machines=(), runs=()), tmp_path)
    with opened(browser, index.parent / "compare.html", size, ready=READY) as page:
        machine = page.locator("#compare-part-0-0")
        assert "hosted-runner-of-a-pool-" in machine.evaluate("one => one.selectedOptions[0].label")
        assert machine.evaluate(WHOLE)
        if size == DESKTOP:  # the hash, the day and the subject of a commit need more than a phone has
            assert page.locator("#compare-commit-1").evaluate(WHOLE)
        assert overflow(page) <= 0


def expected(histories: Sequence[History], before: ComparedCommit, after: ComparedCommit) -> dict[str, Judgement]:
    href = {(one.key.benchmark, one.key.parameters): series_href(one) for one in histories}
    series = (series_of_points(one.key, one.unit, one.better, one.points) for one in histories)
    found = judgements(series, before, after)
    return {href[one.benchmark, one.parameters]: one for one in found}


def judged_by_the_script(page, before: int, after: int, sides: Sequence[ComparedCommit]) -> dict[str, list]:
    """State, interval, reason and verdict by the address of the series, of the columns ``before`` and ``after``."""
    judge = """([from, to, names]) => {
      const pairs = tbp.runs.rows.map((row) => ({ row, base: row, from, to, names }));
      return tbp.judgements(pairs).map((one, i) => (
        [pairs[i].row.href, one && [one.state, one.low, one.high, one.reason, tbp.verdict(one)]]));
    }"""
    rows = page.evaluate(judge, [before, after, [side.revision for side in sides]])
    return {href: judgement for href, judgement in rows if judgement}


def without_sessions(history: History) -> History:
    return replace(history, points=tuple(replace(point, sessions=()) for point in history.points))


def stepped(commits, name: str, unit: str, better: Better, before: float, after: float) -> History:
    """A series with one value in its first sixty runs, and another one in the rest."""
    values = [before if place < 60 else after for place in range(len(commits))]
    points = tuple(Point(commit, Outcome.MEASURED, value) for commit, value in zip(commits, values, strict=True))
    return History(SeriesKey(name, (), *PLACE), unit, better, points, State.NO_CHANGE)


def test_the_script_judges_as_tbp_compare_does(browser, plausible_data, tmp_path) -> None:
    # Without what it does not know: how far the processes of one run disagree.
    order = plausible_data.commits
    own = [one for one in plausible_data.histories if (one.key.machine, one.key.environment) == PLACE]
    counter = stepped(order, "train_step.Nightly.track_operators", "operators", Better.LOWER, 100.0, 120.0)
    share = stepped(order, "s.track_share", "%", Better.UNKNOWN, 61.0, 64.0)
    still = stepped(order, "s.time_nothing", "seconds", Better.LOWER, 0.0, 0.0)
    own = [*map(without_sessions, own), counter, share, still]
    index = write_site(replace(plausible_data, histories=tuple(own), machines=()), tmp_path)
    pairs = [(88, 95), (95, 88), (59, 61), (40, 100), (100, 119), (118, 119), (2, 5), (0, 119), (85, 118), (69, 71)]
    states = set()
    with opened(browser, index.parent / "compare.html", ready=READY) as page:
        for before, after in pairs:
            sides = [ComparedCommit(order[at].short, order[at].hash) for at in (before, after)]
            found = judged_by_the_script(page, before, after, sides)
            wanted = expected(own, *sides)
            assert found.keys() == wanted.keys()
            for href, judgement in wanted.items():
                state, low, high, reason, words = found[href]
                assert state == judgement.state.name.lower(), (before, after, judgement)
                assert math.isnan(low) == math.isnan(judgement.low)
                if not math.isnan(low):
                    assert (low, high) == pytest.approx((judgement.low, judgement.high), rel=0.01, abs=1e-3)
                if not judgement.reason.startswith(("two runs of it", "it was skipped", "it failed")):
                    assert reason == judgement.reason
                states.add(judgement.state)
                if judgement.state is State.CHANGED:
                    assert words == "▲ +3.0 points higher"
    assert states == {
        State.REGRESSION, State.CHANGED, State.IMPROVEMENT, State.UNDECIDED, State.NO_CHANGE, State.SKIPPED,
        State.FAILED,
    }  # fmt: skip


DRIVERS = ({"driver": "550", "GPU": "H100"}, {"driver": "570", "GPU": "H100"}, {"driver": "570", "GPU": "H200"}, {})


def with_circumstances(history: History, index: Sequence[int], numbers: tuple[tuple[int, str], ...] = ()) -> History:
    """The history whose runs were measured with ``DRIVERS`` of ``index``."""
    runs = columns(history.points)
    known = MeasuredWith(DRIVERS, np.array(index[: len(runs)], np.uint8), numbers)
    return replace(history, points=Points(replace(runs, measured_with=known)))


def test_the_script_puts_a_difference_down_to_circumstances_as_tbp_compare_does(
    browser, plausible_data, tmp_path
) -> None:
    order, half = plausible_data.commits, [0] * 60 + [1] * 60
    plain = {
        "with_driver": stepped(order, "s.time_with_driver", "seconds", Better.LOWER, 1.0, 1.2),
        "refuted": stepped(order, "s.time_refuted", "seconds", Better.LOWER, 1.0, 1.2),
        "back_and_forth": stepped(order, "s.time_back", "seconds", Better.LOWER, 1.2, 1.0),
        "both": stepped(order, "s.time_both", "seconds", Better.LOWER, 1.0, 1.2),
        "number": stepped(order, "s.time_number", "seconds", Better.LOWER, 1.0, 1.2),
        "counter": stepped(order, "s.track_counter", "operators", Better.LOWER, 100.0, 120.0),
        "unknown": stepped(order, "s.time_unknown", "seconds", Better.LOWER, 1.0, 1.2),
        "same": stepped(order, "s.time_same", "seconds", Better.LOWER, 1.0, 1.001),
        "few": stepped(order[-20:], "s.time_few", "seconds", Better.LOWER, 1.2, 1.2),
        "zero": stepped(order, "s.time_zero", "seconds", Better.LOWER, 0.0, 1.0),
    }
    index = {
        "with_driver": half,
        "refuted": [0] * 10 + [1] * 30 + [0] * 40 + [1] * 40,
        "back_and_forth": [0, 1] * 60,
        "both": [0] * 60 + [2] * 60,
        "number": [0] * 120,
        "counter": half,
        "unknown": [0] * 60 + [3] * 60,
        "same": half,
        "few": half[50:70],
        "zero": half,
    }
    numbers = {"number": ((0, "97,915"), (60, "1")), "both": ((0, "10"), (60, "1,000"))}
    measured = [with_circumstances(one, index[name], numbers.get(name, ())) for name, one in plain.items()]
    site = write_site(replace(plausible_data, histories=tuple(measured), machines=(), runs=()), tmp_path)
    pairs = [(58, 61), (61, 58), (40, 100), (59, 95), (119, 0), (62, 61), (20, 45), (105, 115), (59, 60)]
    reasons = set()
    with opened(browser, site.parent / "compare.html", ready=READY) as page:
        for before, after in pairs:
            sides = [ComparedCommit(order[at].short, order[at].hash) for at in (before, after)]
            found, wanted = judged_by_the_script(page, before, after, sides), expected(measured, *sides)
            assert found.keys() == wanted.keys()
            for href, judgement in wanted.items():
                state, low, _, reason, _ = found[href]
                assert (state, math.isnan(low)) == (judgement.state.name.lower(), math.isnan(judgement.low)), judgement
                assert reason == judgement.reason or reason.startswith("two runs of it"), judgement
                reasons.add(reason.removesuffix(": not the code's doing alone"))
        page.select_option("#compare-commit-1", "61")
        page.select_option("#compare-commit-0", "58")
        assert "measured with driver 550 → 570: not the code's doing alone" in page.inner_text("#compare-table")
        assert violations(page) == []
    assert {
        "measured with driver 550 → 570",
        "measured with driver 570 → 550",
        "measured with calls per sample 10 → 1,000, GPU H100 → H200, driver 550 → 570",
        "measured with calls per sample 97,915 → 1",
    } <= reasons


def test_the_script_compares_each_commit_by_the_runs_of_its_own_line(browser, plausible_data, tmp_path) -> None:
    order = plausible_data.commits
    whole = [one for one in plausible_data.histories if (one.key.machine, one.key.environment) == PLACE]
    whole = [replace(without_sessions(one), changes=(), breaks=()) for one in whole]
    line = Line("maint", order[60:90], order[59].hash, order[59])
    branch = (*order[:60], *order[90:])
    aside = {commit.hash for commit in line.commits}
    own = [replace(one, points=tuple(p for p in one.points if p.commit.hash not in aside)) for one in whole]
    beside = [
        LineRuns(one.key, line, tuple(p for p in one.points if p.commit.hash in aside), one.unit, one.better)
        for one in whole
    ]
    data = replace(
        plausible_data, histories=tuple(own), beside=tuple(beside), commits=branch, machines=(), branch="main"
    )
    index = write_site(data, tmp_path)
    column = {commit.hash: place for place, commit in enumerate((*branch, *line.commits))}
    pairs = [(62, 75), (75, 62), (40, 89), (89, 40), (89, 100), (100, 89), (61, 118), (119, 60), (20, 30), (58, 95)]
    with opened(browser, index.parent / "compare.html", ready=READY) as page:
        assert "maint · " in page.locator("#compare-commit-0 optgroup[label='Other lines'] option").first.inner_text()
        for before, after in pairs:
            sides = [ComparedCommit(order[at].short, order[at].hash) for at in (before, after)]
            found = judged_by_the_script(page, *(column[side.commit] for side in sides), sides)
            path = compared(sides[0].commit, sides[1].commit, branch, (line,))
            wanted = expected([_on_path(one, path) for one in whole], *sides)
            assert found.keys() == wanted.keys()
            for href, judgement in wanted.items():
                state, low, high, *_ = found[href]
                assert state == judgement.state.name.lower(), (before, after, judgement)
                if not math.isnan(low):
                    assert (low, high) == pytest.approx((judgement.low, judgement.high), rel=0.01, abs=1e-3)


def _on_path(history: History, path: Sequence[Commit]) -> History:
    points = {point.commit.hash: point for point in history.points}
    return replace(history, points=tuple(points[commit.hash] for commit in path if commit.hash in points))
