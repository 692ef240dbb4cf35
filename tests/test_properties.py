"""Laws that hold for every input: what is written is read back, sums add up, and sides can change places."""

import gzip
import json
import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some
from msgspec.structs import asdict

from tbp.asv.ratios import Ratio, add_ratios, read_ratios
from tbp.asv.session_files import read_sessions
from tbp.comparison.json_form import to_json
from tbp.detection.detector import change_points
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import SeriesKey
from tbp.project.acknowledgements import Ack, read_acks
from tbp.project.new_acknowledgement import write_ack
from tbp.statistics.paired_ratios import Block, Pair, Round, estimate
from tbp.system.foreign_text import visible
from tbp.system.store import Store
from tbp.traces.differences.difference import difference
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.operators.operators import TraceSession
from tbp.traces.read_recording import read_recording
from tbp.turns.cells import Cell
from tbp.turns.evidence import Evidence, Limits
from tbp.turns.judging import judgements

from .trace_events import event

# The same examples on every machine, at most a second or two for each law.
settings.register_profile(
    "laws",
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("laws")

TEXTS = some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)
HASHES = some.text("0123456789abcdef", min_size=40, max_size=40)
EFFECTS = some.floats(-2, 2)
Span = tuple[int, int]


@given(
    some.lists(some.tuples(TEXTS, HASHES, TEXTS, some.none() | some.dates()), max_size=4, unique_by=lambda ack: ack[1])
)
def test_acknowledgements_are_read_as_they_were_written(
    tmp_path: Path, entries: list[tuple[str, str, str, date | None]]
):
    path = tmp_path / "acks.toml"
    path.unlink(missing_ok=True)
    acks = [Ack(*entry) for entry in entries]
    for ack in acks:
        write_ack(ack, path)
    assert read_acks(path) == tuple(Ack(visible(a.benchmark), a.commit, visible(a.reason), a.until) for a in acks)


@given(some.dictionaries(some.binary(min_size=16, max_size=16), some.binary(max_size=200), max_size=5))
def test_the_store_gives_back_what_it_was_given(store_folder: Path, values: dict[bytes, bytes]):
    Store("laws").keep(values)
    assert Store("laws").known(values) == values


MOMENTS = some.datetimes(timezones=some.just(UTC), min_value=datetime(1970, 1, 1))
SAMPLES = some.lists(some.floats(1e-9, 1e9), max_size=20)


@given(TEXTS, TEXTS, MOMENTS, SAMPLES, some.integers(0, 10**6))
def test_a_session_is_read_as_it_was_written(
    tmp_path: Path, name: str, note: str, started: datetime, wall_s: list[float], number: int
):
    path = tmp_path / "results" / "box" / "c.traces" / "suite" / "64-0.s0.session.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {
        "format": 1, "run": "1", "session": "s0", "benchmark": name, "parameters": {name: "64"}, "commit": "a" * 40,
        "environment": "env", "machine": "box", "started": started.isoformat(), "wall_s": wall_s, "number": number,
        "trace": None, "trace_note": note,
    }  # fmt: skip
    path.write_bytes(gzip.compress(json.dumps(fields).encode()))
    (session,) = read_sessions(tmp_path / "results").sessions
    assert session.key == SeriesKey(name, ((name, "64"),), "box", "env")
    assert (session.started, session.wall_s, session.number) == (started, tuple(wall_s), number)
    assert (session.trace, session.trace_note) == (None, note)


@given(TEXTS, TEXTS, some.lists(EFFECTS, min_size=1, max_size=9), some.booleans())
def test_ratios_are_read_as_they_were_written(
    tmp_path: Path, benchmark: str, value: str, effects: list[float], fresh: bool
):
    folder = tmp_path / "results"
    for path in folder.glob("*/*"):
        path.unlink()
    (folder / "box").mkdir(parents=True, exist_ok=True)
    key = SeriesKey(benchmark, (("width", value),), "box", "env")
    ratio = Ratio("a" * 40, "b" * 40, tuple(effects), fresh)
    add_ratios(folder, [(key, ratio)])
    assert read_ratios(folder).of == {key: (ratio,)}


@given(TEXTS, some.sampled_from([State.REGRESSION, State.UNDECIDED]), some.floats(), some.floats(), TEXTS)
@example("b", State.REGRESSION, math.nan, math.inf, "##[error]")
def test_a_comparison_as_json_has_every_field(name: str, state: State, before: float, effect: float, reason: str):
    judgement = Judgement(name, (("width", name),), state, before=before, effect=effect, reason=reason)
    side = ComparedCommit("main", "a" * 40, reason)
    text = to_json(Comparison(name, side, side, "measured in turns", (judgement,)))

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    read = json.loads(text, parse_constant=refuse)
    assert text.isascii()
    assert read["judgements"] == [plain(asdict(judgement))]
    assert (read["baseline"], read["project"]) == (asdict(side), name)


def plain(fields: dict[str, object]) -> dict[str, object]:
    """The fields as JSON has them."""
    read: dict[str, object] = json.loads(json.dumps(fields), parse_constant=lambda _: None)
    return read


@some.composite
def nested(draw: some.DrawFn) -> list[Span]:
    """(start, end) of intervals that nest; the first is around all others."""
    spans: list[Span] = []

    def grow(start: int, end: int, depth: int) -> None:
        spans.append((start, end))
        while depth < 5 and end - start > 2 and draw(some.booleans()):
            inner = draw(some.integers(start, end - 1))
            until = draw(some.integers(inner, end))
            grow(inner, until, depth + 1)
            start = until

    grow(0, 10_000, 0)
    return spans


NAMES = some.sampled_from(["aten::mm", "aten::add", "aten::softmax"])


def session_of(path: Path, spans: list[Span], names: list[str]) -> TraceSession:
    """The operators of a trace; its outermost one is a module of its own."""
    named = ["aten::outer", *names]
    events = [event(named[i % len(named)] if i else named[0], a, b - a) for i, (a, b) in enumerate(spans)]
    path.write_text(json.dumps({"traceEvents": events}))
    return read_recording(path).session


@given(nested(), some.lists(NAMES, min_size=1, max_size=5))
def test_self_times_sum_to_the_span(tmp_path: Path, spans: list[Span], names: list[str]):
    session = session_of(tmp_path / "t.json", spans, names)
    assert session.table.frame["self_us"].sum() == pytest.approx(10_000, abs=1e-6)
    assert (session.table.frame["self_us"] >= 0).all()


@given(nested(), some.lists(NAMES, min_size=1, max_size=5))
def test_an_operator_table_is_read_as_it_was_written(tmp_path: Path, spans: list[Span], names: list[str]):
    path = tmp_path / "t.json"
    session_of(path, spans, names)
    written = operator_bytes(read_recording(path))
    assert operator_bytes(stored_recording(path, written)) == written


@given(nested(), nested(), some.lists(NAMES, min_size=1, max_size=5))
def test_a_trace_difference_changes_its_sign_with_its_sides(
    tmp_path: Path, old: list[Span], new: list[Span], names: list[str]
):
    sides = [[session_of(tmp_path / f"{i}.json", spans, names)] * 3 for i, spans in enumerate((old, new))]
    there, back = difference(*sides), difference(*reversed(sides))
    rows, other = (each.rows.set_index("operator").sort_index() for each in (there, back))
    assert there.delta_us == -back.delta_us
    assert there.residual_us == pytest.approx(-back.residual_us, abs=1e-6)
    assert rows["delta_us"].tolist() == (-other["delta_us"]).tolist()
    assert rows["calls_before"].tolist() == other["calls_after"].tolist()
    assert rows["self_host_after_us"].tolist() == other["self_host_before_us"].tolist()
    turned = {"new": "gone", "gone": "new"}
    calls = rows["kind"].isin(["new", "gone", "calls"])
    assert rows["kind"][calls].tolist() == [turned.get(kind, kind) for kind in other["kind"][calls]]
    assert rows["delta_us"].sum() + there.residual_us == pytest.approx(there.delta_us, abs=1e-6)


@given(some.integers(0, 10_000), some.integers(8, 60), some.floats(0.8, 1.3), some.integers(-40, 40))
def test_change_points_do_not_depend_on_the_unit(seed: int, runs: int, step: float, exponent: int):
    chance = np.random.default_rng(seed)
    values = np.exp(chance.normal(0, 0.01, runs)) * np.where(np.arange(runs) < runs // 2, 1.0, step)
    usual, scaled = (change_points((values * factor).tolist()) for factor in (1.0, 2.0**exponent))
    assert [(each.index, each.confirmed) for each in usual] == [(each.index, each.confirmed) for each in scaled]
    for each, other in zip(usual, scaled, strict=True):
        assert other.before == pytest.approx(each.before * 2.0**exponent)
        assert other.p_value == pytest.approx(each.p_value, rel=1e-6, abs=1e-12)


@given(some.lists(EFFECTS, min_size=2, max_size=15))
def test_an_estimate_of_pairs_changes_its_sign_with_them(effects: list[float]):
    there, back = estimate(effects), estimate([-effect for effect in effects])
    assert there.effect == pytest.approx(-back.effect, abs=1e-12)
    assert there.error == pytest.approx(back.error, abs=1e-12)
    low, high = there.interval(0.99)
    assert back.interval(0.99) == pytest.approx((-high, -low), abs=1e-9)


TIMES = some.floats(1e-6, 1e-2)


@given(some.lists(some.tuples(TIMES, TIMES, TIMES, TIMES), min_size=1, max_size=5))
def test_a_pair_changes_its_sign_with_its_sides(turns: list[tuple[float, float, float, float]]):
    blocks = [[Block((time_s,), (time_s,), (0,)) for time_s in turn] for turn in turns]
    there = Pair.of([Round((b1, b2), (h1, h2)) for b1, h1, h2, b2 in blocks])
    back = Pair.of([Round((h1, h2), (b1, b2)) for b1, h1, h2, b2 in blocks])
    assert there.effect == pytest.approx(-back.effect, abs=1e-12)
    assert (there.base_s, there.head_s) == (back.head_s, back.base_s)


TURNED = {State.REGRESSION: State.IMPROVEMENT, State.IMPROVEMENT: State.REGRESSION}


@given(some.integers(0, 10_000), some.floats(-0.2, 0.2))
def test_a_paired_verdict_turns_round_with_its_sides(seed: int, effect: float):
    noise = np.random.default_rng(seed).normal(effect, 0.02, 60).tolist()

    def verdict(sign: int) -> Judgement:
        cell = Cell("suite.time_thing", 0, ())
        evidence = Evidence(cell)
        for each in noise:
            if evidence.wants_pairs:
                evidence.add(Pair(sign * each, sign * each, 1.0, math.exp(sign * each)), Limits(), 1)
        (judgement,) = judgements([evidence], Limits())
        return judgement

    there, back = verdict(1), verdict(-1)
    assert TURNED.get(there.state, there.state) is back.state
    assert math.log1p(there.effect) == pytest.approx(-math.log1p(back.effect), abs=1e-9)
