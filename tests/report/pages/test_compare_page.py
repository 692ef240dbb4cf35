import math

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.series import Commit, Tag
from tbp.report.base.report_data import Base
from tbp.report.data.run_grid import payload
from tbp.report.pages.compare.page import compare_page
from tbp.report.pages.compare.pairs import pairs

from ...histories import change, commit_order, history, report

CALM = [1.0, 1.001, 0.999, 1.0, 1.001, 0.999] * 4
# Long enough that its newest run, which none after it confirms, is believed.
SLOWER = [*CALM, *(1.2 * value for value in CALM)]

STEADY = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99]


def page(*histories, **fields):
    return compare_page(report(*histories, **fields))


def test_the_default_is_the_newest_commit_against_the_one_before_it() -> None:
    own = history(STEADY, State.NO_CHANGE)
    said = page(own)
    assert tuple(side.commit.hash for side in said.sides) == (own.points[-2].commit.hash, own.points[-1].commit.hash)
    assert said.default == "10 11 0"
    assert said.sides[0].why == "the run before"
    hashes = " ".join(side.commit.short for side in said.sides)
    assert said.commands == (f"tbp compare {hashes}", f"tbp gate --tip {hashes}")


def rows_of(said):
    return [row for group in said.groups for row in group.rows]


def test_the_pair_is_judged_as_tbp_compare_does() -> None:
    # The newest run has none after it to confirm it, so one that is twice as slow is undecided.
    spike = history([*STEADY[:-1], 2.0], State.NO_CHANGE, benchmark="a.time_spike")
    few = history([1.0, 1.0, 2.0], State.NOT_ENOUGH_DATA, benchmark="a.time_few")
    same = history([100.0] * 12, State.NO_CHANGE, benchmark="a.track_count", unit="operators")
    moved = history([100.0] * 11 + [120.0], State.NO_CHANGE, benchmark="a.track_moved", unit="operators")
    rows = {row.benchmark: row for row in rows_of(page(spike, few, same, moved))}
    assert rows["a.time_spike"].state is State.UNDECIDED
    assert rows["a.time_spike"].verdict == "undecided, +98 %"
    assert "a.time_few" not in rows  # of neither commit
    assert rows["a.track_count"].state is State.NO_CHANGE
    assert rows["a.track_moved"].verdict == "▲ +20 % higher (worse)"


def test_runs_of_another_benchmark_version_compare_with_nothing() -> None:
    plain = history(STEADY, State.NO_CHANGE)
    points = [replace(point, comparable=place != 10) for place, point in enumerate(plain.points)]
    other = replace(plain, points=tuple(points))
    newest = history(STEADY, State.NO_CHANGE, benchmark="b.time_x")
    row = next(row for row in rows_of(page(other, newest)) if row.benchmark == other.key.benchmark)
    assert row.reason == "the two commits have different versions of the benchmark"


def test_the_place_with_most_series_of_the_newest_commit_is_compared() -> None:
    many = [history(STEADY, State.NO_CHANGE, benchmark=f"a.time_{n}", machine="many") for n in range(3)]
    few = history(STEADY, State.NO_CHANGE, machine="few")
    pair = next(pairs([few, *many], commit_order([few, *many])))
    assert pair.setup.machine == "many"
    said = page(few, *many)
    assert said.setup_name == "many · py3.13"
    assert said.commands[0].endswith(" --machine many")


def test_with_a_base_the_newest_commit_is_held_against_it() -> None:
    own = history(STEADY, State.NO_CHANGE)
    base = own.points[4].commit
    said = page(own, base=Base("v1.0", base))
    assert (said.sides[0].commit.hash, said.sides[0].why) == (base.hash, "the base")
    assert page(own, base=Base("v1.0", Commit("f" * 40, base.date))).default == "10 11 0"


def test_a_mean_is_geometric_and_over_one_unit() -> None:
    half = history([1.0, 0.5], State.NOT_ENOUGH_DATA, benchmark="a.time_x")
    double = history([1.0, 2.0], State.NOT_ENOUGH_DATA, benchmark="a.time_y")
    larger = history([100.0, 110.0], State.NOT_ENOUGH_DATA, benchmark="a.peakmem_x", unit="bytes")
    means = {mean.quantity: mean for mean in page(half, double, larger).means}
    assert (means["time"].words, means["time"].series) == ("undecided, no difference", 2)
    assert means["size"].words == "undecided, +10 %"  # of two runs


def test_a_suite_is_called_slower_only_with_an_interval_and_a_series_that_is() -> None:
    slower = history(SLOWER, State.NO_CHANGE, benchmark="a.time_x")
    noisy = history([1.0, 1.4, 0.8] * 15 + [1.0, 0.8, 1.5], State.NO_CHANGE, benchmark="b.time_y")
    said = {mean.suite: mean for mean in page(slower, noisy, base=Base("v1.0", slower.points[23].commit)).means}
    assert said["a"].words == "▲ +20 % slower"
    assert said["a"].interval.startswith("99 % CI 19")
    assert said["b"].words.startswith("undecided, +")
    assert said["b"].interval.startswith("99 % CI −")


def test_many_series_of_a_suite_make_its_mean_no_surer() -> None:
    # They share the machine's luck, so sixteen that are 3 % up within their noise are no sixteen sightings.
    values = [1.0, 1.02, 0.98] * 6 + [1.0, 1.03]
    own = [history(values, State.NO_CHANGE, benchmark=f"a.time_{n}") for n in range(16)]
    one, all_ = (page(*few).means[0] for few in (own[:1], own))
    assert (one.state, one.interval) == (all_.state, all_.interval) == (State.UNDECIDED, one.interval)


def test_a_series_without_an_interval_leaves_its_suite_undecided() -> None:
    slower = history(SLOWER, State.NO_CHANGE, benchmark="a.time_x")
    few = history([math.nan] * 23 + [1.0] + [math.nan] * 23 + [1.2], State.NO_CHANGE, benchmark="a.time_y")
    (mean,) = page(slower, few, base=Base("v1.0", slower.points[23].commit)).means
    assert (mean.words, mean.interval, mean.series) == ("undecided, +20 %", "", 2)


def test_it_begins_behind_a_standing_regression_that_the_newest_commit_still_has() -> None:
    own = history(SLOWER, State.REGRESSION, changes=(change(24, 1.0, 1.2),))
    said = page(own)
    assert said.default == "23 47 0"
    assert said.sides[0].why == "the last run before a standing regression"
    assert said.verdict.endswith(": 1 regression.")


def test_a_tag_is_what_the_newest_commit_is_held_against() -> None:
    own = history(STEADY, State.NO_CHANGE)
    tags = [Tag(name, own.points[place].commit.hash) for name, place in (("v1", 3), ("v2", 7), ("v3", 11))]
    said = page(own, tags=tuple(tags))
    # v3 is the newest commit itself.
    assert (said.sides[0].tags, said.sides[0].why) == ("v2", "the tag v2")
    assert said.sides[1].tags == "v3"


def test_a_place_with_the_newest_tag_comes_before_one_with_more_series() -> None:
    many = [history([1.0] + [math.nan] * 10 + [1.0], State.NO_CHANGE, benchmark=f"a.time_{n}") for n in range(3)]
    tagged = history(STEADY, State.NO_CHANGE, machine="released")
    said = page(*many, tagged, tags=(Tag("v1", tagged.points[5].commit.hash),))
    assert (said.setup_name, said.sides[0].why) == ("released · py3.13", "the tag v1")


def test_behind_a_tag_without_a_change_standing_ones_are_looked_for() -> None:
    own = history(SLOWER, State.REGRESSION, changes=(change(24, 1.0, 1.2),))
    said = page(own)
    tag = Tag("v1", own.points[40].commit.hash)
    assert page(own, tags=(tag,)).sides == said.sides
    base = Base("v1", own.points[40].commit)
    assert page(own, base=base).sides[0].why == "the base"


def test_a_base_older_than_what_can_be_chosen_is_said_so() -> None:
    own = history([1.0] * 250, State.NO_CHANGE)
    said = page(own, base=Base("v0.1", own.points[3].commit))
    assert said.sides[0].commit.hash == own.points[-2].commit.hash
    assert "v0.1 is not one of them" in said.only_newest


def test_a_newest_commit_of_one_benchmark_alone_is_not_begun_with() -> None:
    every = [history([*STEADY, math.nan], State.NO_CHANGE, benchmark=f"a.time_{n}") for n in range(3)]
    alone = history([*STEADY, 1.0], State.NO_CHANGE, benchmark="a.time_alone")
    assert page(*every, alone).default == "10 11 0"


def test_what_failed_before_is_not_called_skipped() -> None:
    failed = history([*STEADY[:-2], math.nan, 1.0], State.NO_CHANGE, benchmark="a.time_failed")
    own = history(STEADY, State.NO_CHANGE)
    said = page(failed, own)
    assert [(group.folded, len(group.rows)) for group in said.groups] == [("", 1), ("not comparable", 1)]
    (row,) = said.groups[1].rows
    assert row.verdict == "not comparable"
    assert row.reason.startswith("it failed in ")
    assert "not comparable" in said.verdict


def test_many_rows_without_a_change_are_folded() -> None:
    quiet = [history(CALM, State.NO_CHANGE, benchmark=f"a.time_{n:02d}") for n in range(21)]
    assert [group.folded for group in page(*quiet).groups] == ["no change"]
    assert [group.folded for group in page(*quiet[:20]).groups] == [""]


def test_hashes_that_are_none_are_no_commands() -> None:
    plain = history(STEADY, State.NO_CHANGE)
    points = [replace(p, commit=Commit(f"$(x){n}", p.commit.date)) for n, p in enumerate(plain.points)]
    assert page(replace(plain, points=tuple(points))).commands == ()


def test_one_commit_cannot_be_compared() -> None:
    assert page(history((1.0, math.nan), State.FAILED)).sides == ()
    assert page().verdict == "Two commits are needed for a comparison."


def test_the_default_columns_are_those_of_the_packed_runs() -> None:
    own = history([1.0] * 250, State.NO_CHANGE)
    before, after, _ = map(int, page(own).default.split())
    commits = payload(report(own))["commits"]
    assert [commits[before]["short"], commits[after]["short"]] == [point.commit.short for point in own.points[-2:]]
    assert page(own).only_newest
