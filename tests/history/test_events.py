"""One event, once: literal ranges on machines that measure different commits, with literal answers."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tbp.history.events import Event, events
from tbp.history.ranges import CommitOrder, range_of
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey

START = datetime(2026, 1, 1, tzinfo=UTC)
COMMITS = tuple(Commit(f"c{place}", START + timedelta(days=place)) for place in range(40))
ORDER = tuple(commit.hash for commit in COMMITS)
NAN = math.nan


def series(
    at: Sequence[int],
    *moves: tuple[int, float],
    on: str = "m",
    name: str = "a",
    noise: float = 0.0,
    spread: float = 0.0,
    **change: object,
) -> History:
    """A series measured at the commits ``at``; at each (commit, factor) of ``moves`` its level is multiplied.

    ``spread`` moves every other run by as much, ``noise`` is what the series says of it; further fields are the
    changes'.
    """
    level, points, changes = 1.0, [], []
    factors = dict(moves)
    for index, place in enumerate(at):
        before, level = level, level * factors.get(place, 1.0)
        points.append(Point(COMMITS[place], Outcome.MEASURED, level * (1 + spread * (index % 2))))
        if place in factors:
            fields: dict[str, object] = {"p_value": 0.001, "confirmed": True, **change}
            changes.append(ChangeEvidence(Change(index, before, level, **fields)))  # type: ignore[arg-type]
    of = SeriesKey(name, (), on, "e"), "seconds", Better.LOWER
    return History(*of, tuple(points), State.REGRESSION, tuple(changes), noise_between=noise)


def found(*histories: History, order: Sequence[str] = ORDER) -> tuple[Event, ...]:
    return events(histories, CommitOrder(order, COMMITS))


def told(event: Event) -> tuple[str, str, int, list[str]]:
    """From which commit (exclusive) to which, how many that are, and who moved."""
    between = event.range
    before = between.last_before.hash if between.last_before else "-"
    return before, between.first.hash, between.commits, sorted(one.history.key.machine for one in event.changes)


# The range of a change


def test_a_range_counts_every_commit_measured_or_not():
    history = series((0, 4, 8), (8, 1.5))
    between = range_of(history.points, 1 + 1, CommitOrder(ORDER, COMMITS))
    assert (between.last_before, between.first, between.commits) == (COMMITS[4], COMMITS[8], 4)


def test_a_run_without_a_value_or_of_another_version_is_part_of_the_range():
    history = series((0, 1, 2, 3, 4), (4, 1.5))
    failed = replace(history.points[3], outcome=Outcome.FAILED, value=NAN)
    other = replace(history.points[2], comparable=False)
    points = (*history.points[:2], other, failed, history.points[4])
    between = range_of(points, 4, CommitOrder(ORDER, COMMITS))
    assert (between.last_before, between.commits) == (COMMITS[1], 3)


def test_a_change_with_nothing_before_it_may_be_any_commit_before():
    between = range_of(series((3, 4)).points, 0, CommitOrder(ORDER, COMMITS))
    assert (between.last_before, between.first, between.commits) == (None, COMMITS[3], 4)


def test_a_place_that_is_none_has_no_range():
    history = series((0, 1))
    assert range_of(history.points, 2, CommitOrder(ORDER, COMMITS)) is None
    assert range_of(history.points, -1, CommitOrder(ORDER, COMMITS)) is None
    assert range_of(history.points, 1, CommitOrder(ORDER[:1], COMMITS[:1])) is None


def test_without_a_repository_only_what_was_measured_is_counted():
    history = series((0, 4, 8), (8, 1.5))
    between = range_of(history.points, 2, CommitOrder((), (COMMITS[0], COMMITS[4], COMMITS[8])))
    assert between.commits == 1


def test_a_commit_that_the_repository_lacks_stands_behind_the_one_measured_before_it():
    order = CommitOrder(("c0", "c1", "c3"), COMMITS[:4])
    assert order.hashes == ("c0", "c1", "c2", "c3")
    assert CommitOrder(("c2", "c3"), COMMITS[:4]).hashes == ("c0", "c1", "c2", "c3")


# Events


def test_ranges_of_several_machines_are_intersected():
    (event,) = found(
        series((0, 4, 8, 12), (8, 1.5), on="x"),  # 5 to 8
        series((1, 6, 11), (11, 1.5), on="y"),  # 7 to 11
        series((2, 5, 9), (9, 1.4), on="z"),  # 6 to 9
    )
    assert told(event) == ("c6", "c8", 2, ["x", "y", "z"])
    assert [(one.history.key.machine, one.range and one.range.commits) for one in event.changes] == [
        ("x", 4),
        ("y", 5),
        ("z", 4),
    ]


def test_other_benchmarks_and_other_directions_are_the_same_event():
    (event,) = found(series(range(9), (5, 1.5)), series(range(9), (5, 0.5), name="b"))
    assert [one.worsening for one in event.changes] == [0.5, -0.5]


def test_a_chain_is_not_one_event():
    """A and B overlap, B and C, but not A and C: as many agree on both, so the older one has B."""
    two = found(
        series((0, 5), (5, 1.5), on="a"),  # 1 to 5
        series((3, 9), (9, 1.5), on="b"),  # 4 to 9
        series((7, 12), (12, 1.5), on="c"),  # 8 to 12
    )
    assert [told(event) for event in two] == [("c7", "c12", 5, ["c"]), ("c3", "c5", 2, ["a", "b"])]


def test_the_middle_of_a_chain_goes_where_more_agree():
    two = found(
        series((0, 5), (5, 1.5), on="a"),
        series((3, 9), (9, 1.5), on="b"),
        series((7, 12), (12, 1.5), on="c"),
        series((6, 11), (11, 1.5), on="d"),
    )
    assert [told(event)[3] for event in two] == [["b", "c", "d"], ["a"]]


def test_a_wide_range_goes_to_its_own_benchmark_first():
    """The slow machine measured every tenth commit: at c4 other benchmarks moved, its own at c8."""
    two = found(
        series((0, 10), (10, 1.5), on="slow"),
        series(range(11), (8, 1.5), on="quick"),
        *(series(range(11), (4, 1.5), on="quick", name=f"other{number}") for number in range(5)),
    )
    assert [told(event)[:3] for event in two] == [("c7", "c8", 1), ("c3", "c4", 1)]
    assert told(two[0])[3] == ["quick", "slow"]


def test_of_two_steps_of_its_benchmark_a_wide_range_holds_the_larger():
    two = found(series((0, 10), (10, 1.6), on="slow"), series(range(11), (4, 1.05), (8, 1.5), on="quick"))
    assert [told(event)[3] for event in two] == [["quick", "slow"], ["quick"]]


def test_two_changes_of_a_series_are_never_one_event():
    two = found(series(range(9), (4, 1.05), (5, 1.05), noise=0.1))
    assert [told(event)[:3] for event in two] == [("c4", "c5", 1), ("c3", "c4", 1)]


def test_ties_do_not_depend_on_the_order_of_series():
    own = [series((0, 5), (5, 1.5), on="a"), series((3, 9), (9, 1.5), on="b"), series((7, 12), (12, 1.5), on="c")]
    assert [told(event) for event in found(*own)] == [told(event) for event in found(*reversed(own))]


def test_an_event_has_the_commits_that_noise_leaves_possible_beside_its_range():
    loud = series(range(20), (10, 1.05), on="loud", spread=0.04)
    sharp = series(range(20), (9, 1.05), on="calm", spread=0.001)
    (alone,) = found(loud)
    assert told(alone)[:3] == ("c9", "c10", 1)
    assert alone.credible is not None
    assert (alone.credible.last_before, alone.credible.first) == (COMMITS[8], COMMITS[11])
    (event,) = found(loud, sharp)
    assert told(event) == ("c8", "c9", 1, ["calm", "loud"])
    assert event.credible is None, "the calm series leaves no other"
    far = series(range(20), (6, 1.05), on="calm", spread=0.001)
    assert len(found(loud, far)) == 2


def test_exact_changes_and_those_measured_in_turns_leave_one_range():
    for fields in ({"p_value": 0.0}, {"in_turns": "c9"}):
        (event,) = found(series(range(20), (10, 1.05), spread=0.04, **fields))
        assert event.credible is None


def test_a_suspect_step_is_no_part_of_the_noise_that_places_it():
    unsure = series(range(9), (4, 1.5), spread=0.001, confirmed=False)
    other = series(range(9), (6, 1.1), name="b", spread=0.001, confirmed=False)
    assert [event.range.first.hash for event in found(unsure, other)] == ["c6", "c4"]


def test_where_noise_parts_all_of_them_the_event_is_what_it_leaves_possible():
    (event,) = found(
        series(range(20), (10, 1.05), on="x", spread=0.045), series(range(20), (9, 1.05), on="y", spread=0.045)
    )
    assert told(event) == ("c8", "c11", 3, ["x", "y"])


def test_a_suspect_joins_and_narrows_nothing():
    sure = series((0, 8), (8, 1.5), on="x")
    unsure = series(range(9), (5, 1.1), on="y", confirmed=False)
    (event,) = found(sure, unsure)
    assert told(event) == ("c0", "c8", 8, ["x"])
    assert [one.history.key.machine for one in event.suspects] == ["y"]


def test_of_two_events_a_suspect_goes_to_that_of_its_benchmark():
    two = found(
        series(range(11), (8, 1.5), on="x"),
        *(series(range(11), (4, 1.5), on="x", name=f"other{number}") for number in range(3)),
        series((0, 10), (10, 1.1), on="y", confirmed=False),
    )
    assert [len(event.suspects) for event in two] == [1, 0]


def test_suspects_by_themselves_are_an_event_that_is_no_verdict():
    unsure = [series((0, at), (at, 1.1), on=f"m{at}", confirmed=False) for at in (5, 7)]
    (event,) = found(*unsure)
    assert (event.range.commits, event.changes, event.is_verdict) == (5, (), False)
    assert len(event.suspects) == 2


def test_what_is_certainly_too_small_to_matter_is_no_event():
    assert found(series(range(9), (5, 1.0001), confirmed=False, p_value=0.0)) == ()


def test_changes_put_down_to_something_else_are_events_of_their_kind():
    torch = {"kind": ChangeKind.DEPENDENCY, "explanation": "torch 2.12 → 2.13"}
    numpy = {"kind": ChangeKind.DEPENDENCY, "explanation": "numpy 1.26 → 2.0"}
    processor = {"kind": ChangeKind.HARDWARE, "explanation": "processor A → B"}
    kinds = found(
        series(range(9), (5, 1.5), on="x"),
        series(range(9), (5, 1.5), on="x", name="b", **torch),
        series((0, 8), (8, 1.5), on="y", **torch),
        series((0, 8), (8, 1.5), on="z", **numpy),
        series(range(9), (5, 1.5), on="v", **processor),
        series(range(9), (5, 1.5), on="w", **processor),  # another machine, another processor
    )
    assert [(event.kind, event.cause, told(event)[2:]) for event in kinds] == [
        (ChangeKind.DEPENDENCY, "numpy 1.26 → 2.0", (8, ["z"])),
        (ChangeKind.CODE, "", (1, ["x"])),
        (ChangeKind.DEPENDENCY, "torch 2.12 → 2.13", (1, ["x", "y"])),
        (ChangeKind.HARDWARE, "v", (1, ["v"])),
        (ChangeKind.HARDWARE, "w", (1, ["w"])),
    ]
    assert [event.is_verdict for event in kinds] == [False, True, False, False, False]


def test_a_change_from_zero_is_the_worst():
    history = series(range(9), (5, 1.5))
    change = Change(5, 0.0, 4.0, 0.001, True)
    from_zero = replace(history, key=replace(history.key, benchmark="zero"), changes=(ChangeEvidence(change),))
    (event,) = found(history, from_zero)
    assert [one.worsening for one in event.changes] == [math.inf, 0.5]
    assert event.worst == math.inf


def test_thirteen_machines_with_different_commits_are_one_event_a_step():
    """Each measures every n-th commit; c17 slowed all of them, c29 half of the benchmarks."""
    fleet = []
    for number in range(13):
        at = tuple(range(number % 5, 40, 3 + number % 4))
        first = [next(place for place in at if place >= step) for step in (17, 29)]
        fleet += [
            series(at, (first[0], 1.3), (first[1], 1.2), on=f"m{number:02d}"),
            series(at, (first[0], 1.3), on=f"m{number:02d}", name="b"),
        ]
    alone = [event.range.commits for history in fleet for event in found(history)]
    joined = found(*fleet)
    assert [(event.range.first.hash, event.range.commits, len(event.changes)) for event in joined] == [
        ("c29", 1, 13),
        ("c17", 1, 26),
    ]
    assert (len(alone), max(alone), sum(size > 1 for size in alone)) == (39, 6, 39)
    assert joined[1].sightings.moved == tuple(f"m{number:02d}" for number in range(13))


# Sightings


EVERY = range(24)


def test_a_step_on_all_machines_that_measured_it_is_seen_by_all():
    (event,) = found(*(series(EVERY, (12, 1.2), on=on) for on in "xyz"), series(range(12), on="gone"))
    seen = event.sightings
    assert (seen.moved, seen.suspect, seen.still, seen.measured) == (("x", "y", "z"), (), (), 3)
    assert not seen.is_alone


def test_a_step_on_one_machine_while_others_stood_still_is_asked_about():
    (event,) = found(series(EVERY, (12, 1.2), on="x"), *(series(EVERY, on=on, spread=0.01) for on in "yz"))
    seen = event.sightings
    assert (seen.moved, seen.still, seen.firm) == (("x",), ("y", "z"), ("y", "z"))
    assert seen.is_alone
    assert event.is_verdict  # asked about, and as confirmed as before


def test_one_other_machine_is_not_enough_to_ask():
    (event,) = found(series(EVERY, (12, 1.2), on="x"), series(EVERY, on="y"))
    assert event.sightings.firm == ("y",)
    assert not event.sightings.is_alone


def test_a_machine_too_noisy_to_exclude_half_of_it_is_not_sure():
    (event,) = found(series(EVERY, (12, 1.2), on="x"), *(series(EVERY, on=on, spread=0.3) for on in "yz"))
    assert (event.sightings.still, event.sightings.firm) == (("y", "z"), ())


def test_a_suspect_elsewhere_is_for_the_code():
    others = [series(EVERY, on=on) for on in "yz"]
    unsure = series(EVERY, (12, 1.1), on="v", confirmed=False)
    (event,) = found(series(EVERY, (12, 1.2), on="x"), unsure, *others)
    assert (event.sightings.suspect, event.sightings.is_alone) == (("v",), False)


@pytest.mark.parametrize(
    "other",
    [
        series(EVERY, on="y", name="b"),  # another benchmark
        series(range(13, 24), on="y"),  # no run before
        series(range(12), on="y"),  # no run after
        series((), on="y"),
    ],
)
def test_who_did_not_measure_the_same_on_both_sides_says_nothing(other: History):
    (event,) = found(series(EVERY, (12, 1.2), on="x"), other)
    assert event.sightings.measured == 1


def test_another_environment_of_the_same_machine_is_no_other_machine():
    still = series(EVERY, on="x")
    (event,) = found(series(EVERY, (12, 1.2), on="x"), replace(still, key=replace(still.key, environment="other")))
    assert event.sightings.measured == 1


def test_runs_beyond_the_next_change_say_nothing_of_this_one():
    """It fell by half at c6 and doubled at c18: at c12 its level is the same on both sides."""
    moved: Mapping[int, float] = {6: 0.5, 18: 2.0}
    (_, event, _) = found(series(EVERY, (12, 1.2), on="x"), series(EVERY, *moved.items(), on="y"))
    assert (event.range.first.hash, event.sightings.firm) == ("c12", ("y",))
