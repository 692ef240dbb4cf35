import math

from tbp.history.series import Commit, State
from tbp.report.commits import commit_order
from tbp.report.comparison import compare_page, default_pair
from tbp.report.grid import payload
from tbp.report.model import Base

STEADY = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99]


def page(make_report, *histories):
    return compare_page(make_report(*histories), commit_order(histories))


def test_the_default_is_the_newest_commit_against_the_one_before_it(make_history, make_report) -> None:
    own = make_history(STEADY, State.NO_CHANGE)
    said = page(make_report, own)
    assert said.before is not None
    assert said.after is not None
    assert (said.before.hash, said.after.hash) == (own.points[-2].commit.hash, own.points[-1].commit.hash)
    assert said.default == "10 11 0"
    hashes = f"{said.before.short} {said.after.short}"
    assert said.commands == (f"tbp compare {hashes}", f"tbp gate {hashes}")


def test_the_pair_is_judged_as_tbp_compare_does(make_history, make_report) -> None:
    # The newest run has none after it to confirm it, so one that is twice as slow is undecided.
    spike = make_history([*STEADY[:-1], 2.0], State.NO_CHANGE, benchmark="a.time_spike")
    few = make_history([1.0, 1.0, 2.0], State.NOT_ENOUGH_DATA, benchmark="a.time_few")
    same = make_history([100.0] * 12, State.NO_CHANGE, benchmark="a.track_count", unit="operators")
    moved = make_history([100.0] * 11 + [120.0], State.NO_CHANGE, benchmark="a.track_moved", unit="operators")
    rows = {row.benchmark: row for row in page(make_report, spike, few, same, moved).rows}
    assert rows["a.time_spike"].state is State.UNDECIDED
    assert rows["a.time_spike"].verdict == "undecided, +98 %"
    assert "a.time_few" not in rows  # of neither commit
    assert rows["a.track_count"].state is State.NO_CHANGE
    assert rows["a.track_moved"].verdict == "▲ +20 % higher (worse)"


def test_runs_of_another_benchmark_version_compare_with_nothing(make_history, make_report) -> None:
    plain = make_history(STEADY, State.NO_CHANGE)
    points = [type(p)(**{**_fields(p), "comparable": place != 10}) for place, p in enumerate(plain.points)]
    other = type(plain)(**{**vars(plain), "points": tuple(points)})
    newest = make_history(STEADY, State.NO_CHANGE, benchmark="b.time_x")
    row = next(row for row in page(make_report, other, newest).rows if row.benchmark == other.key.benchmark)
    assert row.reason == "the benchmark itself differs between the two"


def test_the_place_with_most_series_of_the_newest_commit_is_compared(make_history, make_report) -> None:
    many = [make_history(STEADY, State.NO_CHANGE, benchmark=f"a.time_{n}", machine="many") for n in range(3)]
    few = make_history(STEADY, State.NO_CHANGE, machine="few")
    pair = default_pair([few, *many], commit_order([few, *many]))
    assert pair is not None
    assert pair.machine == "many"
    said = page(make_report, few, *many)
    assert said.place == "many · py3.13"
    assert said.commands[0].endswith(" --machine many")


def test_with_a_base_the_newest_commit_is_held_against_it(make_history, make_report) -> None:
    own = make_history(STEADY, State.NO_CHANGE)
    base = own.points[4].commit
    said = compare_page(make_report(own, base=Base("v1.0", base)), commit_order([own]))
    assert said.before is not None
    assert said.before.hash == base.hash
    elsewhere = make_report(own, base=Base("v1.0", Commit("f" * 40, base.date)))
    assert compare_page(elsewhere, commit_order([own])).default == "10 11 0"


def test_a_mean_is_geometric_and_over_one_unit(make_history, make_report) -> None:
    half = make_history([1.0, 0.5], State.NOT_ENOUGH_DATA, benchmark="a.time_x")
    double = make_history([1.0, 2.0], State.NOT_ENOUGH_DATA, benchmark="a.time_y")
    larger = make_history([100.0, 110.0], State.NOT_ENOUGH_DATA, benchmark="a.peakmem_x", unit="bytes")
    means = {mean.what: mean for mean in page(make_report, half, double, larger).means}
    assert (means["time"].words, means["time"].series) == ("no difference", 2)
    assert means["size"].words == "▲ +10 % larger"


def test_hashes_that_are_none_are_no_commands(make_history, make_report) -> None:
    plain = make_history(STEADY, State.NO_CHANGE)
    points = [
        type(p)(**{**_fields(p), "commit": Commit(f"$(x){n}", p.commit.date)}) for n, p in enumerate(plain.points)
    ]
    assert page(make_report, type(plain)(**{**vars(plain), "points": tuple(points)})).commands == ()


def test_one_commit_cannot_be_compared(make_history, make_report) -> None:
    assert page(make_report, make_history((1.0, math.nan), State.FAILED)).before is None
    assert page(make_report).verdict == "Two commits are needed for a comparison."


def test_the_default_columns_are_those_of_the_packed_runs(make_history, make_report) -> None:
    own = make_history([1.0] * 250, State.NO_CHANGE)
    before, after, _ = map(int, page(make_report, own).default.split())
    commits = payload([own], commit_order([own]), "")["commits"]
    assert [commits[before][0], commits[after][0]] == [point.commit.short for point in own.points[-2:]]
    assert page(make_report, own).only_newest


def _fields(point):
    return {name: getattr(point, name) for name in type(point).__dataclass_fields__}
