import math

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.series import Commit, Tag
from tbp.report.base.report_data import Base
from tbp.report.data.run_grid import payload
from tbp.report.pages.compare.page import compare_page
from tbp.report.pages.compare.pairs import pairs

from ..histories import commit_order

CALM = [1.0, 1.001, 0.999, 1.0, 1.001, 0.999] * 4
# Long enough that its newest run, which none after it confirms, is believed.
SLOWER = [*CALM, *(1.2 * value for value in CALM)]

STEADY = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99]


def page(make_report, *histories):
    return compare_page(make_report(*histories), commit_order(histories))


def test_the_default_is_the_newest_commit_against_the_one_before_it(make_history, make_report) -> None:
    own = make_history(STEADY, State.NO_CHANGE)
    said = page(make_report, own)
    assert tuple(side.commit.hash for side in said.sides) == (own.points[-2].commit.hash, own.points[-1].commit.hash)
    assert said.default == "10 11 0"
    assert said.sides[0].why == "the run before"
    hashes = " ".join(side.commit.short for side in said.sides)
    assert said.commands == (f"tbp compare {hashes}", f"tbp gate {hashes}")


def rows_of(said):
    return [row for group in said.groups for row in group.rows]


def test_the_pair_is_judged_as_tbp_compare_does(make_history, make_report) -> None:
    # The newest run has none after it to confirm it, so one that is twice as slow is undecided.
    spike = make_history([*STEADY[:-1], 2.0], State.NO_CHANGE, benchmark="a.time_spike")
    few = make_history([1.0, 1.0, 2.0], State.NOT_ENOUGH_DATA, benchmark="a.time_few")
    same = make_history([100.0] * 12, State.NO_CHANGE, benchmark="a.track_count", unit="operators")
    moved = make_history([100.0] * 11 + [120.0], State.NO_CHANGE, benchmark="a.track_moved", unit="operators")
    rows = {row.benchmark: row for row in rows_of(page(make_report, spike, few, same, moved))}
    assert rows["a.time_spike"].state is State.UNDECIDED
    assert rows["a.time_spike"].verdict == "undecided, +98 %"
    assert "a.time_few" not in rows  # of neither commit
    assert rows["a.track_count"].state is State.NO_CHANGE
    assert rows["a.track_moved"].verdict == "▲ +20 % higher (worse)"


def test_runs_of_another_benchmark_version_compare_with_nothing(make_history, make_report) -> None:
    plain = make_history(STEADY, State.NO_CHANGE)
    points = [type(p)(**{**_fields(p), "comparable": place != 10}) for place, p in enumerate(plain.points)]
    other = replace(plain, points=tuple(points))
    newest = make_history(STEADY, State.NO_CHANGE, benchmark="b.time_x")
    row = next(row for row in rows_of(page(make_report, other, newest)) if row.benchmark == other.key.benchmark)
    assert row.reason == "the benchmark itself differs between the two"


def test_the_place_with_most_series_of_the_newest_commit_is_compared(make_history, make_report) -> None:
    many = [make_history(STEADY, State.NO_CHANGE, benchmark=f"a.time_{n}", machine="many") for n in range(3)]
    few = make_history(STEADY, State.NO_CHANGE, machine="few")
    pair = next(pairs([few, *many], commit_order([few, *many])))
    assert pair.setup.machine == "many"
    said = page(make_report, few, *many)
    assert said.setup_name == "many · py3.13"
    assert said.commands[0].endswith(" --machine many")


def test_with_a_base_the_newest_commit_is_held_against_it(make_history, make_report) -> None:
    own = make_history(STEADY, State.NO_CHANGE)
    base = own.points[4].commit
    said = compare_page(make_report(own, base=Base("v1.0", base)), commit_order([own]))
    assert (said.sides[0].commit.hash, said.sides[0].why) == (base.hash, "the base")
    elsewhere = make_report(own, base=Base("v1.0", Commit("f" * 40, base.date)))
    assert compare_page(elsewhere, commit_order([own])).default == "10 11 0"


def test_a_mean_is_geometric_and_over_one_unit(make_history, make_report) -> None:
    half = make_history([1.0, 0.5], State.NOT_ENOUGH_DATA, benchmark="a.time_x")
    double = make_history([1.0, 2.0], State.NOT_ENOUGH_DATA, benchmark="a.time_y")
    larger = make_history([100.0, 110.0], State.NOT_ENOUGH_DATA, benchmark="a.peakmem_x", unit="bytes")
    means = {mean.quantity: mean for mean in page(make_report, half, double, larger).means}
    assert (means["time"].words, means["time"].series) == ("undecided, no difference", 2)
    assert means["size"].words == "undecided, +10 %"  # of two runs


def test_a_suite_is_called_slower_only_with_an_interval_and_a_series_that_is(make_history, make_report) -> None:
    slower = make_history(SLOWER, State.NO_CHANGE, benchmark="a.time_x")
    noisy = make_history([1.0, 1.4, 0.8] * 15 + [1.0, 0.8, 1.5], State.NO_CHANGE, benchmark="b.time_y")
    data = make_report(slower, noisy, base=Base("v1.0", slower.points[23].commit))
    said = {mean.suite: mean for mean in compare_page(data, commit_order([slower, noisy])).means}
    assert said["a"].words == "▲ +20 % slower"
    assert said["a"].interval.startswith("99 % CI 19")
    assert said["b"].words.startswith("undecided, +")
    assert said["b"].interval.startswith("99 % CI −")


def test_many_series_of_a_suite_make_its_mean_no_surer(make_history, make_report) -> None:
    # They share the machine's luck, so sixteen that are 3 % up within their noise are no sixteen sightings.
    values = [1.0, 1.02, 0.98] * 6 + [1.0, 1.03]
    own = [make_history(values, State.NO_CHANGE, benchmark=f"a.time_{n}") for n in range(16)]
    one, all_ = (page(make_report, *few).means[0] for few in (own[:1], own))
    assert (one.state, one.interval) == (all_.state, all_.interval) == (State.UNDECIDED, one.interval)


def test_a_series_without_an_interval_leaves_its_suite_undecided(make_history, make_report) -> None:
    slower = make_history(SLOWER, State.NO_CHANGE, benchmark="a.time_x")
    few = make_history([math.nan] * 23 + [1.0] + [math.nan] * 23 + [1.2], State.NO_CHANGE, benchmark="a.time_y")
    data = make_report(slower, few, base=Base("v1.0", slower.points[23].commit))
    (mean,) = compare_page(data, commit_order([slower, few])).means
    assert (mean.words, mean.interval, mean.series) == ("undecided, +20 %", "", 2)


def test_it_begins_behind_a_standing_regression_that_the_newest_commit_still_has(
    make_history, make_change, make_report
) -> None:
    own = make_history(SLOWER, State.REGRESSION, changes=(make_change(24, 1.0, 1.2),))
    said = page(make_report, own)
    assert said.default == "23 47 0"
    assert said.sides[0].why == "the last run before a standing regression"
    assert said.verdict.endswith(": 1 regression.")


def test_a_tag_is_what_the_newest_commit_is_held_against(make_history, make_report) -> None:
    own = make_history(STEADY, State.NO_CHANGE)
    tags = [Tag(name, own.points[place].commit.hash) for name, place in (("v1", 3), ("v2", 7), ("v3", 11))]
    said = compare_page(make_report(own, tags=tuple(tags)), commit_order([own]))
    # v3 is the newest commit itself.
    assert (said.sides[0].tags, said.sides[0].why) == ("v2", "the tag v2")
    assert said.sides[1].tags == "v3"


def test_a_place_with_the_newest_tag_comes_before_one_with_more_series(make_history, make_report) -> None:
    many = [make_history([1.0] + [math.nan] * 10 + [1.0], State.NO_CHANGE, benchmark=f"a.time_{n}") for n in range(3)]
    tagged = make_history(STEADY, State.NO_CHANGE, machine="released")
    said = compare_page(
        make_report(*many, tagged, tags=(Tag("v1", tagged.points[5].commit.hash),)), commit_order([*many, tagged])
    )
    assert (said.setup_name, said.sides[0].why) == ("released · py3.13", "the tag v1")


def test_behind_a_tag_without_a_change_standing_ones_are_looked_for(make_history, make_change, make_report) -> None:
    own = make_history(SLOWER, State.REGRESSION, changes=(make_change(24, 1.0, 1.2),))
    said = page(make_report, own)
    tag = Tag("v1", own.points[40].commit.hash)
    assert compare_page(make_report(own, tags=(tag,)), commit_order([own])).sides == said.sides
    base = Base("v1", own.points[40].commit)
    assert compare_page(make_report(own, base=base), commit_order([own])).sides[0].why == "the base"


def test_a_base_older_than_what_can_be_chosen_is_said_so(make_history, make_report) -> None:
    own = make_history([1.0] * 250, State.NO_CHANGE)
    said = compare_page(make_report(own, base=Base("v0.1", own.points[3].commit)), commit_order([own]))
    assert said.sides[0].commit.hash == own.points[-2].commit.hash
    assert "v0.1 is not one of them" in said.only_newest


def test_a_newest_commit_of_one_benchmark_alone_is_not_begun_with(make_history, make_report) -> None:
    every = [make_history([*STEADY, math.nan], State.NO_CHANGE, benchmark=f"a.time_{n}") for n in range(3)]
    alone = make_history([*STEADY, 1.0], State.NO_CHANGE, benchmark="a.time_alone")
    assert page(make_report, *every, alone).default == "10 11 0"


def test_what_failed_before_is_not_called_skipped(make_history, make_report) -> None:
    failed = make_history([*STEADY[:-2], math.nan, 1.0], State.NO_CHANGE, benchmark="a.time_failed")
    own = make_history(STEADY, State.NO_CHANGE)
    said = page(make_report, failed, own)
    assert [(group.folded, len(group.rows)) for group in said.groups] == [("", 1), ("not comparable", 1)]
    (row,) = said.groups[1].rows
    assert row.verdict == "not comparable"
    assert row.reason.startswith("it failed in ")
    assert "not comparable" in said.verdict


def test_many_rows_without_a_change_are_folded(make_history, make_report) -> None:
    quiet = [make_history(CALM, State.NO_CHANGE, benchmark=f"a.time_{n:02d}") for n in range(21)]
    assert [group.folded for group in page(make_report, *quiet).groups] == ["no change"]
    assert [group.folded for group in page(make_report, *quiet[:20]).groups] == [""]


def test_hashes_that_are_none_are_no_commands(make_history, make_report) -> None:
    plain = make_history(STEADY, State.NO_CHANGE)
    points = [
        type(p)(**{**_fields(p), "commit": Commit(f"$(x){n}", p.commit.date)}) for n, p in enumerate(plain.points)
    ]
    assert page(make_report, replace(plain, points=tuple(points))).commands == ()


def test_one_commit_cannot_be_compared(make_history, make_report) -> None:
    assert page(make_report, make_history((1.0, math.nan), State.FAILED)).sides == ()
    assert page(make_report).verdict == "Two commits are needed for a comparison."


def test_the_default_columns_are_those_of_the_packed_runs(make_history, make_report) -> None:
    own = make_history([1.0] * 250, State.NO_CHANGE)
    before, after, _ = map(int, page(make_report, own).default.split())
    commits = payload(make_report(own))["commits"]
    assert [commits[before][0], commits[after][0]] == [point.commit.short for point in own.points[-2:]]
    assert page(make_report, own).only_newest


def _fields(point):
    return {name: getattr(point, name) for name in type(point).__struct_fields__}
