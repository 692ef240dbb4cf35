"""The lines that ``tbp report`` and ``tbp nightly`` print."""

from pathlib import Path

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.report.base.report_data import ReportData
from tbp.report.parts.series_order import ranked
from tbp.report.site.terminal import event_lines, report_summary

NAN = float("nan")
NAME = "attention.Quick.torchtime_step"


def lines_of(data: ReportData) -> tuple[str, ...]:
    return event_lines(data, ranked(data.histories))


def test_an_event_of_several_machines_is_one_line(make_history, make_report, tmp_path: Path) -> None:
    histories = [make_history(machine=machine) for machine in ("bench-1", "bench-2")]
    assert report_summary(make_report(*histories), tmp_path).lines[1:] == (
        f"  2 regressions of {NAME}: +20 % since 03c0ffee; on both machines that measured it",
        f"report: {tmp_path.resolve()}",
    )


def test_an_event_shows_a_series_that_was_measured_in_turns(make_history, make_change, make_report) -> None:
    plain = make_history(benchmark="a.track_operators")
    what = make_change(3, 1e-3, 1.2e-3)
    paired = replace(what, change=replace(what.change, in_turns="00c0ffee" * 5))
    timed = make_history(benchmark="b.time", changes=(paired,))
    event, evidence = lines_of(make_report(plain, timed))
    assert event == "  2 regressions of 2 benchmarks (a.track_operators, b.time): +20 % since 03c0ffee"
    assert evidence.startswith("    b.time variant=sdpa: ▲ +20 % slower since 03c0ffee: ")
    assert evidence.endswith("measured in turns against 00c0ffee.")


def test_the_only_machine_that_measured_it_is_named_where_there_are_several(make_history, make_report) -> None:
    moved = [make_history(parameters=(("variant", value),)) for value in ("sdpa", "naive")]
    elsewhere = make_history(benchmark="other.Quick.time", state=State.NO_CHANGE, machine="bench-2")
    assert lines_of(make_report(*moved)) == (f"  2 regressions of {NAME}: +20 % since 03c0ffee",)
    assert lines_of(make_report(*moved, elsewhere)) == (f"  2 regressions of {NAME}: +20 % since 03c0ffee; on bench-1",)


def test_the_line_of_one_series_says_the_machine_where_there_are_several(make_history, make_report) -> None:
    histories = make_history(), make_history(benchmark="other.Quick.time", state=State.NO_CHANGE, machine="bench-2")
    (line,) = lines_of(make_report(*histories))
    assert line.startswith(f"  {NAME} variant=sdpa bench-1: ▲ +20 % slower since 03c0ffee: 1.00 ms → 1.20 ms")


def test_a_line_of_a_benchmark_without_parameters_has_no_gap(make_history, make_report) -> None:
    (line,) = lines_of(make_report(make_history(parameters=())))
    assert line.startswith(f"  {NAME}: ▲ +20 % slower")


def test_the_commits_are_those_that_all_series_leave(make_history, make_change, make_report) -> None:
    """One series did not measure commits 1 and 2, the other one neither 2 nor 3: one of 2 and 3 is the cause."""
    early = make_history((1e-3, NAN, NAN, 1.2e-3, 1.2e-3), benchmark="a.time")
    late = make_history((1e-3, 1e-3, NAN, NAN, 1.5e-3), benchmark="b.time", changes=(make_change(4, 1e-3, 1.5e-3),))
    (line,) = lines_of(make_report(early, late))
    moved = "2 regressions of 2 benchmarks (b.time, a.time): +20 % to +50 %"
    assert line == f"  {moved} by one of 2 commits, 01c0ffee..03c0ffee"


def test_one_series_is_told_with_the_commits_of_its_event(make_history, make_change, make_report) -> None:
    late = make_history((1e-3, 1e-3, NAN, NAN, 1.5e-3), benchmark="b.time", changes=(make_change(4, 1e-3, 1.5e-3),))
    gone = make_history(benchmark="a.time", state=State.VANISHED, changes=(make_change(3, 1e-3, 1.2e-3),))
    (line,) = lines_of(make_report(late, gone))
    assert line.startswith("  b.time variant=sdpa: ▲ +50 % slower since 04c0ffee: ")
    assert line.endswith(". With the other series of its event: since 03c0ffee.")


def test_states_of_one_event_are_counted_apart(make_history, make_report) -> None:
    worse = [make_history(benchmark=f"{letter}.time") for letter in "abc"]
    better = make_history((1e-3, 1e-3, 1e-3, 8e-4, 8e-4), State.IMPROVEMENT, benchmark="d.time")
    assert lines_of(make_report(*worse, better)) == (
        "  3 regressions, 1 improvement of 4 benchmarks (a.time, b.time and 2 more): −20 % to +20 % since 03c0ffee",
    )


def test_regressions_come_first_and_events_with_most_of_them_before(make_history, make_change, make_report) -> None:
    improved = make_history((1e-3, 1e-3, 1e-3, 1e-4, 1e-4), State.IMPROVEMENT, benchmark="improved.time")
    large = make_history((1e-3, 1e-3, 5e-3), benchmark="large.time", changes=(make_change(2, 1e-3, 5e-3),))
    early = [
        make_history((1e-3, 1.1e-3, 1.1e-3), benchmark=name, changes=(make_change(1, 1e-3, 1.1e-3),))
        for name in ("a.time", "b.time")
    ]
    first, second, third = lines_of(make_report(improved, large, *early))
    assert first == "  2 regressions of 2 benchmarks (a.time, b.time): +10 % since 01c0ffee"
    assert second.startswith("  large.time variant=sdpa: ▲ +400 % slower since 02c0ffee")
    assert third.startswith("  improved.time variant=sdpa: ▼ −90 % faster since 03c0ffee")


def test_a_series_with_two_regressions_is_one_line_that_names_both(make_history, make_change, make_report) -> None:
    values, changes = (1.0, 1.5, 1.5, 1.8, 1.8), (make_change(1, 1.0, 1.5), make_change(3, 1.5, 1.8))
    (line,) = lines_of(make_report(make_history(values, changes=changes)))
    assert "of which ▲ +50 % at 01c0ffee, ▲ +20 % at 03c0ffee" in line


def test_every_regression_of_an_event_counts_also_the_smaller_one_of_a_series(
    make_history, make_change, make_report
) -> None:
    values, changes = (1.0, 1.5, 1.5, 1.8, 1.8), (make_change(1, 1.0, 1.5), make_change(3, 1.5, 1.8))
    twice = make_history(values, benchmark="a.time", changes=changes)
    first, second = lines_of(make_report(twice, make_history(benchmark="b.time")))
    assert first == "  2 regressions of 2 benchmarks (a.time, b.time): +20 % since 03c0ffee"
    assert second.startswith("  a.time variant=sdpa: ▲ +80 % slower since 01c0ffee")


def test_twenty_events_are_named_and_the_others_counted(make_history, make_change, make_report) -> None:
    def moved(place: int):
        values = [1e-3] * place + [1.2e-3] * (23 - place)
        return make_history(values, benchmark=f"b{place}.time", changes=(make_change(place, 1e-3, 1.2e-3),))

    assert len(lines_of(make_report(*map(moved, range(1, 21))))) == 20
    lines = lines_of(make_report(*map(moved, range(1, 23))))
    assert len(lines) == 21
    assert lines[-1] == "  … and 2 more: see the report"
