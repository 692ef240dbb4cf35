"""Sites to look at: one of plausible series, one where every name is hostile."""

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, Circumstance, History, Side, Sides, State
from tbp.model.runs import Machine, Run
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey, Tag
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_site
from tbp.traces.differences.difference import TraceDifference
from tbp.traces.differences.wording import RowFigures, row_sentence
from tbp.traces.operators.operators import OperatorTable

from ..histories import operator_table
from ..trace_differences import row, trace_difference
from ..trace_events import as_read

HOSTILE = (
    "%{x}<b><script>document.title='owned'</script>\"'`><img src=x onerror=document.title='owned'>"
    "</title>{{7*7}}&lt;${1}</b>\u2028\u202e\x00\udc80</script><svg onload=document.title='owned'>"
)
CIRCUMSTANCES = (
    ("numpy", "1.26", "2.0"),
    ("threads", "1", "1"),
    ("python", "3.13", "3.13"),
    ("torch", "2.13", "2.13"),
    ("cores", "2", "2"),
    ("processor", "Example CPU @ 2.60GHz", "Example CPU @ 2.60GHz"),
    ("scipy", "", "1.17"),
)
OPERATORS = ("aten::mm", "aten::addmm", "aten::_softmax", "aten::copy_", "aten::gelu", "aten::native_layer_norm")
OPERATORS += ("aten::masked_fill_", "aten::add_", "aten::transpose", "aten::bmm", "aten::mul", "aten::empty")
OPERATORS += ("aten::_scaled_dot_product_flash_attention_for_cpu", "aten::linear", "aten::view", "aten::as_strided")


def commits(chance: random.Random, number: int) -> list[Commit]:
    start = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    subjects = ("Fuse the mask into attention", "Update dependencies", "Keep the mask boolean", "Tidy docs")
    return [
        Commit(f"{chance.getrandbits(160):040x}", start + timedelta(hours=9 * ordinal), chance.choice(subjects))
        for ordinal in range(number)
    ]


def operators(chance: random.Random, names: tuple[str, ...] = OPERATORS) -> OperatorTable:
    self_us = sorted((chance.lognormvariate(3.5, 1.3) for _ in names), reverse=True)
    calls = [float(chance.choice((1, 2, 4, 12, 24))) for _ in names]
    return replace(operator_table(names, self_us=self_us, calls=calls), steps=60, sessions=3)


def difference(chance: random.Random, names: tuple[str, ...] = OPERATORS, slower: bool = True) -> TraceDifference:
    """Two operators changed for certain: the first in its calls, the second in its time."""
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        before_us = chance.uniform(5, 300)
        shift_us = (180.0, 60.0)[place] if place < 2 else chance.uniform(-3, 3)
        after_us = before_us + (shift_us if slower else -min(shift_us, before_us * 0.7))
        kind = ("calls", "time")[place] if place < 2 else "same"
        calls = float(chance.choice((2, 4, 24)))
        rows.append(row(name, (calls, calls + 2 * (kind == "calls")), (before_us, after_us), kind))
    summed_us = sum(entry["delta_us"] for entry in rows)
    step_us = 2000.0, 2000.0 + 1.05 * summed_us
    for entry in rows:
        figures = {**entry, "share": entry["delta_us"] / (1.05 * summed_us)}
        entry["sentence"] = row_sentence(
            RowFigures(*(figures[field] for field in RowFigures.__struct_fields__)), "host"
        )
    rows.sort(key=lambda entry: -abs(entry["delta_us"]))
    return trace_difference(rows, step_us, 0.05 * summed_us, 1.02)


def samples(chance: random.Random, before: float, after: float, noise: float) -> Sides:
    """A hundred and fifty of the samples of three processes on both sides, with an outlier now and then."""

    def side(level: float) -> Side:
        values = sorted(level * math.exp(chance.gauss(0, noise) + 0.2 * (chance.random() < 0.03)) for _ in range(150))
        return Side(tuple(values), 900, values[37], values[75], values[112], 1, 3)

    return Sides(side(before), side(after), "samples")


def series(
    chance: random.Random,
    history: list[Commit],
    key: SeriesKey,
    level: float,
    shifts: tuple[tuple[int, float], ...] = (),
    *,
    state: State = State.NO_CHANGE,
    unit: str = "seconds",
    better: Better = Better.LOWER,
    noise: float = 0.02,
    traced: bool = True,
    reason: str = "",
) -> History:
    """Lognormal noise around a level that shifts by a factor at each of ``shifts``; NaN: every run failed."""
    points: list[Point] = []
    factors = dict(shifts)
    changes = []
    for ordinal, commit in enumerate(history):
        if ordinal in factors:
            before, level = level, level * factors[ordinal]
            evidence = difference(chance, slower=level > before) if traced else None
            what = Change(ordinal, before, level, 0.0002, True)
            note = "" if traced else "no trace of the commit before"
            around = tuple(Circumstance(*one) for one in CIRCUMSTANCES)
            changes.append(ChangeEvidence(what, evidence, note, None, samples(chance, before, level, noise), around))
        value = level * math.exp(chance.gauss(0, noise))
        last = ordinal == len(history) - 1
        is_lost = chance.random() < 0.02 or (last and state in (State.FAILED, State.SKIPPED))
        sessions = () if is_lost else tuple(value * math.exp(chance.gauss(0, 0.01)) for _ in range(3))
        if is_lost or math.isnan(value):
            outcome = Outcome.SKIPPED if state is State.SKIPPED else Outcome.FAILED
            points.append(Point(commit, outcome, reason=reason))
        else:
            points.append(Point(commit, Outcome.MEASURED, value, value * 0.985, value * 1.02, sessions))
    table = operators(chance) if traced else None
    return History(
        key, unit, better, tuple(points), state, tuple(changes), 0.012, noise, table, history[-1] if table else None
    )


def plausible() -> ReportData:
    """Some fifty series over 120 commits: steps, noise, young series, failures."""
    chance = random.Random(7)
    history = commits(chance, 120)
    found: list[History] = []
    for variant in ("math", "sdpa", "sdpa_causal"):
        for length, level in ((64, 180e-6), (256, 700e-6), (1024, 5.2e-3), (2048, 19e-3)):
            parameters = (("variant", variant), ("sequence_length", str(length)), ("dtype", "float32"))
            shifts = {("sdpa", 1024): ((90, 1.39),), ("sdpa", 2048): ((60, 0.8), (90, 1.12))}.get((variant, length), ())
            state = State.REGRESSION if shifts else State.NO_CHANGE
            key = SeriesKey("attention.Quick.torchtime_step", parameters, "bench-1", "virtualenv-py3.13-torch2.13")
            found.append(series(chance, history, key, level, shifts, state=state))
    for variant, level in (("relu", 4.1e-3), ("gelu", 4.4e-3), ("swiglu", 5.9e-3)):
        parameters = (("variant", variant), ("tokens", "2048"))
        key = SeriesKey("feed_forward.Nightly.torchtime_step", parameters, "bench-1", "virtualenv-py3.13-torch2.13")
        shifts = ((70, 0.87),) if variant == "swiglu" else ()
        state = State.IMPROVEMENT if shifts else State.NO_CHANGE
        found.append(series(chance, history, key, level, shifts, state=state, traced=variant != "relu"))
        memory = SeriesKey("feed_forward.Nightly.peakmem_step", parameters, "bench-1", "virtualenv-py3.13-torch2.13")
        shifts = ((100, 1.25),) if variant == "gelu" else ()
        state = State.REGRESSION if shifts else State.NO_CHANGE
        found.append(
            series(chance, history, memory, 3.1e8, shifts, state=state, unit="bytes", noise=0.002, traced=False)
        )
    for machine in ("bench-1", "bench-2"):
        key = SeriesKey("train_step.Nightly.track_tokens_per_second", (), machine, "virtualenv-py3.13-torch2.13")
        found.append(
            series(
                chance, history, key, 12_400, unit="tokens/s", better=Better.HIGHER, shifts=((110, 0.91),), noise=0.01,
                state=State.REGRESSION, traced=False,
            )
        )  # fmt: skip
    for dtype in ("bfloat16", "float16"):
        key = SeriesKey(
            "train_step.Quick.torchtime_step", (("dtype", dtype),), "bench-1", "virtualenv-py3.13-torch2.13"
        )
        state, reason = State.SKIPPED, f"this CPU has no {dtype} instructions: autocast would be 20 × slower"
        found.append(series(chance, history, key, math.nan, state=state, traced=False, reason=reason))
    key = SeriesKey(
        "compressed_inference.Quick.torchtime_step", (("variant", "int8_dynamic"),), "bench-1", "virtualenv"
    )
    failure = "Traceback (most recent call last):\n  File 'x.py', line 3\nRuntimeError: Didn't find engine x86"
    found.append(series(chance, history, key, 8e-3, state=State.FAILED, reason=failure, traced=False))
    key = SeriesKey("compressed_inference.Quick.torchtime_step", (("variant", "sparse"),), "bench-1", "virtualenv")
    found.append(series(chance, history[-4:], key, 8e-3, state=State.NOT_ENOUGH_DATA))
    return ReportData(
        "transformer-parts",
        tuple(found),
        (
            Machine("bench-1", (("processor", "Example CPU @ 2.60GHz"), ("cores", "2"), ("system", "Linux 6.1"))),
            Machine("bench-2"),
        ),
        "https://example.org/transformer-parts/commit/",
        ("results/bench-2/0c0ffee.json is no JSON (line 3); measure that commit again.",),
        commits=tuple(history),
        tags=(Tag("v0.9", history[40].hash), Tag("v1.0", history[95].hash, is_exact=False)),
    )


def hostile() -> ReportData:
    """Every text a repository, a result or a trace can choose is an attack."""
    chance = random.Random(11)
    when = datetime(2026, 3, 2, tzinfo=UTC)
    history = [Commit(f"{ordinal}{HOSTILE}", when + timedelta(days=ordinal), HOSTILE) for ordinal in range(8)]
    names = tuple(as_read(f"{place}{HOSTILE}") for place in range(4))
    key = SeriesKey(HOSTILE, ((HOSTILE, HOSTILE),), HOSTILE, HOSTILE)
    second = SeriesKey(HOSTILE, ((HOSTILE, HOSTILE + "2"),), HOSTILE, HOSTILE)
    changed = series(chance, history, key, 1.0, state=State.REGRESSION, unit=HOSTILE)
    evidence = (
        ChangeEvidence(
            Change(4, 1.0, 2.0, 0.001, True),
            difference(chance, names),
            HOSTILE,
            sides=samples(chance, 1.0, 2.0, 0.1),
            circumstances=(
                Circumstance(HOSTILE, HOSTILE, f"{HOSTILE}2"),
                Circumstance(f"{HOSTILE}2", HOSTILE, HOSTILE),
            ),
        ),
        ChangeEvidence(Change(6, 2.0, 3.0, 0.001, True), None, HOSTILE),
    )
    changed = History(
        key, HOSTILE, Better.HIGHER, changed.points, State.REGRESSION, evidence, 0.1, 0.2,
        operators(chance, names), history[-1],
    )  # fmt: skip
    failed = series(chance, history, second, 1.0, state=State.FAILED, reason=HOSTILE, traced=False)
    machines = (Machine(HOSTILE, (("processor", HOSTILE), (HOSTILE, HOSTILE))),)
    tags = (Tag("v1<script>alert(1)</script>%{y}", history[2].hash),)
    packages = ((HOSTILE, HOSTILE),)
    runs = tuple(Run(history[place], HOSTILE, f"{HOSTILE}{place}", packages=packages[:place]) for place in range(2))
    return ReportData(
        HOSTILE,
        (changed, failed),
        machines,
        f"javascript:{HOSTILE}",
        (HOSTILE,),
        commits=tuple(history),
        runs=runs,
        sources={HOSTILE: HOSTILE},
        tags=tags,
    )


@pytest.fixture(scope="session")
def plausible_data() -> ReportData:
    return plausible()


@pytest.fixture(scope="session")
def hostile_data() -> ReportData:
    return hostile()


@pytest.fixture(scope="session")
def plausible_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(plausible(), tmp_path_factory.mktemp("plausible"))


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(hostile(), tmp_path_factory.mktemp("hostile"))
