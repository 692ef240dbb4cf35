"""The lines that ``tbp report`` and ``tbp nightly`` print."""

from pathlib import Path

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.series import Better
from tbp.report.base.report_data import ReportData
from tbp.report.parts.answer import answer
from tbp.report.parts.series_names import SetupNames
from tbp.report.site.terminal import MOST_LINES, event_lines, report_summary

NAN = float("nan")
NAME = "attention.Quick.torchtime_step"
CELL = r"'^attention\.Quick\.torchtime_step\([^-.\w]?sdpa[^-.\w]?\)$'"


def lines_of(data: ReportData, room: int = 30) -> tuple[str, ...]:
    """The lines of events, without the next steps of new ones."""
    lines = event_lines(answer(data), data, SetupNames.of(data.histories, data.faces), room)
    return tuple(line.replace("  new: ", "  ") for line in lines if "next: " not in line)


def test_an_event_of_several_machines_is_one_line_with_what_to_do_next(make_history, make_report, tmp_path) -> None:
    histories = [make_history(machine=machine) for machine in ("bench-1", "bench-2")]
    assert report_summary(make_report(*histories), tmp_path).lines == (
        "2 new regressions in the 7 days to 2026-05-05, from 1 commit; 2 stand.",
        f"  new: 2 regressions of {NAME}: ▲ +20 % slower since 03c0ffee; on both machines that measured it",
        f"       next: tbp gate 02c0ffee 03c0ffee --bench {CELL}",
        f"report: {tmp_path.resolve()}",
    )


def test_the_author_and_the_subject_are_on_the_line(make_history, make_report) -> None:
    plain = make_history()
    by = replace(plain.points[3].commit, author="Ann Author", subject="Fuse the\u202emask")
    points = (*plain.points[:3], replace(plain.points[3], commit=by), plain.points[4])
    (line,) = lines_of(make_report(replace(plain, points=points)))
    assert line == f"  {NAME} variant=sdpa: ▲ +20 % slower since 03c0ffee by Ann Author (Fuse the\ufffdmask)"


def test_an_event_shows_that_it_was_measured_in_turns(make_history, make_change, make_report) -> None:
    plain = make_history(benchmark="a.track_operators")
    what = make_change(3, 1e-3, 1.2e-3)
    paired = replace(what, change=replace(what.change, in_turns="00c0ffee" * 5))
    timed = make_history(benchmark="b.time", changes=(paired,))
    (line,) = lines_of(make_report(plain, timed))
    moved = "2 regressions of 2 benchmarks (a.track_operators, b.time): ▲ +20 % slower since 03c0ffee"
    assert line == f"  {moved}; measured in turns against 00c0ffee"


def test_the_only_machine_that_measured_it_is_named_where_there_are_several(make_history, make_report) -> None:
    moved = [make_history(parameters=(("variant", value),)) for value in ("sdpa", "naive")]
    elsewhere = make_history(benchmark="other.Quick.time", state=State.NO_CHANGE, machine="bench-2")
    assert lines_of(make_report(*moved)) == (f"  2 regressions of {NAME}: ▲ +20 % slower since 03c0ffee",)
    assert lines_of(make_report(*moved, elsewhere)) == (
        f"  2 regressions of {NAME}: ▲ +20 % slower since 03c0ffee; on bench-1",
    )


def test_the_line_of_one_series_says_the_machine_where_there_are_several(make_history, make_report) -> None:
    histories = make_history(), make_history(benchmark="other.Quick.time", state=State.NO_CHANGE, machine="bench-2")
    (line,) = lines_of(make_report(*histories))
    assert line == f"  {NAME} variant=sdpa bench-1: ▲ +20 % slower since 03c0ffee"


def test_a_line_of_a_benchmark_without_parameters_has_no_gap(make_history, make_report) -> None:
    (line,) = lines_of(make_report(make_history(parameters=())))
    assert line.startswith(f"  {NAME}: ▲ +20 % slower")


def test_the_commits_are_those_that_all_series_leave(make_history, make_change, make_report) -> None:
    """One series did not measure commits 1 and 2, the other one neither 2 nor 3: one of 2 and 3 is the cause."""
    early = make_history((1e-3, NAN, NAN, 1.2e-3, 1.2e-3), benchmark="a.time")
    late = make_history((1e-3, 1e-3, NAN, NAN, 1.5e-3), benchmark="b.time", changes=(make_change(4, 1e-3, 1.5e-3),))
    (line,) = lines_of(make_report(early, late))
    moved = "2 regressions of 2 benchmarks (b.time, a.time): ▲ +20 % to +50 % slower"
    assert line == f"  {moved} by one of 2 commits, 01c0ffee..03c0ffee"


def test_a_commit_that_noise_leaves_unsure_is_the_most_likely_of_several(make_history, make_report, tmp_path) -> None:
    loud = (1e-3, 1.05e-3, 1e-3, 1.1e-3, 1.15e-3, 1.1e-3, 1.15e-3)
    line, following = report_summary(make_report(make_history(loud)), tmp_path).lines[1:3]
    assert "slower most likely since 03c0ffee; noise leaves 2 commits possible, 02c0ffee..04c0ffee" in line
    assert following == f"       next: tbp bisect {CELL} 02c0ffee 04c0ffee"


def test_better_series_are_counted_apart(make_history, make_report, tmp_path) -> None:
    worse = [make_history(benchmark=f"{letter}.time") for letter in "abc"]
    better = make_history((1e-3, 1e-3, 1e-3, 8e-4, 8e-4), State.IMPROVEMENT, benchmark="d.time")
    data = make_report(*worse, better)
    assert lines_of(data) == (
        "  3 regressions of 3 benchmarks (a.time, b.time and 1 more): ▲ +20 % slower since 03c0ffee",
    )
    assert report_summary(data, tmp_path).lines[-2] == "1 series is better, from 1 commit"


def test_new_events_come_first_then_those_with_most_regressions(make_history, make_change, make_report) -> None:
    def moved(place: int, size: float, name: str):
        values = [1e-3] * place + [1e-3 * size] * (30 - place)
        return make_history(values, benchmark=name, changes=(make_change(place, 1e-3, 1e-3 * size),))

    several = [moved(3, 1.1, name) for name in ("a.time", "b.time")]
    data = make_report(moved(5, 4.0, "large.time"), *several, moved(27, 1.05, "new.time"))
    lines = event_lines(answer(data), data, SetupNames.of(data.histories, data.faces), 30)
    assert [line.split(":")[0] for line in lines] == [
        "  new",
        "       next",
        "  2 regressions of 2 benchmarks (a.time, b.time)",
        "  large.time variant=sdpa",
    ]


def test_each_regression_of_a_series_that_stands_is_of_its_event(make_history, make_change, make_report) -> None:
    values, changes = (1.0, 1.5, 1.5, 1.8, 1.8), (make_change(1, 1.0, 1.5), make_change(3, 1.5, 1.8))
    twice = make_history(values, benchmark="a.time", changes=changes)
    first, second = lines_of(make_report(twice, make_history(benchmark="b.time")))
    assert first == "  2 regressions of 2 benchmarks (a.time, b.time): ▲ +20 % slower since 03c0ffee"
    assert second == "  a.time variant=sdpa: ▲ +50 % slower since 01c0ffee"


def test_the_largest_suspicion_is_named_and_the_others_counted(
    make_history, make_change, make_report, tmp_path: Path
) -> None:
    def suspected(name: str, size: float):
        move = make_change(3, 1e-3, 1e-3 * size, 0.2, False, doubt="too few runs to tell")
        values = [1e-3] * 3 + [1e-3 * size] * 2
        return make_history(values, State.SUSPECT, benchmark=name, parameters=(), changes=(move,))

    two = make_report(suspected("a.time", 1.1), suspected("b.time", 1.3))
    summary = report_summary(two, tmp_path)
    largest = "suspect: b.time: ▲ +30 % slower since 03c0ffee: 1.00 ms → 1.30 ms, too few runs to tell"
    assert summary.lines[1:-1] == (f"{largest}; 1 more",)
    assert not summary.is_regressed
    assert report_summary(make_report(suspected("b.time", 1.3)), tmp_path).lines[1] == largest


def test_benchmarks_that_are_not_measured_are_named(make_history, make_report, tmp_path: Path) -> None:
    long_name = f"suite.{'Long' * 20}.time"
    gone = [
        *(make_history((NAN,) * 5, State.FAILED, benchmark=name) for name in ("a.time", "b.time", "c.time")),
        make_history((NAN,) * 5, State.FAILED, benchmark="a.time", parameters=(("variant", "naive"),)),
        make_history((NAN,) * 5, State.VANISHED, benchmark=long_name),
    ]
    few = make_history((1e-3, 1e-3), State.NOT_ENOUGH_DATA, benchmark="few.time")
    (line,) = [text for text in report_summary(make_report(*gone, few), tmp_path).lines if "without a verdict" in text]
    shortened = f"suite.{'Long' * 5}Lon…g{'Long' * 6}.time"
    assert line == (
        f"without a verdict: 4 failed (3 benchmarks: a.time, b.time and 1 more), 1 vanished ({shortened}), "
        "1 with too few runs"
    )


def test_a_report_is_thirty_lines_with_its_problems_unless_all_are_asked_for(
    make_history, make_change, make_report, tmp_path: Path
) -> None:
    def moved(place: int):
        values = [1e-3] * place + [1.2e-3] * (60 - place)
        return make_history(values, benchmark=f"b{place}.time", changes=(make_change(place, 1e-3, 1.2e-3),))

    unknown = make_history(benchmark="u.track", better=Better.UNKNOWN, state=State.CHANGED)
    failed = make_history((NAN,) * 5, State.FAILED, benchmark="f.time")
    problems = tuple(f"file {number} is no JSON" for number in range(1000))
    data = make_report(*map(moved, range(1, 58)), unknown, failed, problems=problems)
    summary = report_summary(data, tmp_path)
    assert len(summary.lines) + len(summary.problems) == MOST_LINES
    assert summary.problems[-1] == "997 more problems: --all prints them"
    (rest,) = [line for line in summary.lines if "more events: --all prints them" in line]
    named = sum(": ▲ " in line for line in summary.lines)
    assert rest == f"  … and {57 - named} more events: --all prints them"
    whole = report_summary(data, tmp_path, is_whole=True)
    assert (len(whole.problems), sum(": ▲ " in line for line in whole.lines)) == (1000, 57)
    assert summary.lines[0] == whole.lines[0]
