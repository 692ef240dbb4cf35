"""Literal series and claims give literal verdicts."""

import math
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.claims.factors import MOST_RUNS
from tbp.claims.judging import counts_sentence, judged_claims
from tbp.claims.practice_cell import Basis, ClaimVerdict
from tbp.model.cells import CellCounted
from tbp.model.changes import History, State
from tbp.model.series import Better
from tbp.project.claims_file import Claim, ClaimsFile, KnownDefect, Practice

from ..histories import changes, history
from .claimed import SUITE, judged, practice, timed, tracked

STEP = f"{SUITE}.torchtime_step"
HOLDS, FAILS, DEPENDS = ClaimVerdict.HOLDS, ClaimVerdict.FAILS, ClaimVerdict.DEPENDS
UNDECIDED, NOT_MEASURED = ClaimVerdict.UNDECIDED, ClaimVerdict.NOT_MEASURED


@pytest.mark.parametrize(
    ("ratio", "at_least", "verdict"),
    [
        ((0.5, 0.45, 0.55), None, HOLDS),
        ((0.5, 0.45, 0.49), 2.0, HOLDS),  # at least 1 ÷ 0.49
        ((0.5, 0.45, 0.55), 2.0, UNDECIDED),  # from 1.8 to 2.2
        ((0.5, 0.45, 0.55), 3.0, FAILS),
        ((0.99, 0.98, 1.0), None, UNDECIDED),  # up to 2 % faster, which is the least that matters
        ((1.0, 0.99, 1.01), None, FAILS),
        ((1.0, 0.97, 1.01), 0.95, HOLDS),
        ((0.5, math.nan, math.nan), None, UNDECIDED),  # a single process
    ],
)
def test_the_interval_of_the_ratio_decides(
    ratio: tuple[float, float, float], at_least: float | None, verdict: ClaimVerdict
) -> None:
    assert judged(practice(at_least=at_least), [timed("sdpa", ratio=ratio)]).verdict is verdict


def test_a_ratio_taken_in_turns_needs_no_series_of_the_other() -> None:
    (cell,) = judged(practice(), [timed("sdpa v2", 1e-3, ratio=(0.5, 0.4, 0.625))]).cells
    assert (cell.factor, cell.low, cell.high, cell.basis) == (2.0, 1.6, 2.5, Basis.IN_TURNS)
    assert (cell.value, cell.against_value, cell.size) == (1e-3, 2e-3, 3)


def test_a_practice_depends_on_the_parameter_that_parts_its_cells() -> None:
    cells = [
        timed("sdpa", ratio=(1 / factor, 0.99 / factor, 1.01 / factor), sequence_length=length)
        for length, factor in (("64", 0.5), ("256", 1.0), ("1024", 4.0))
    ]
    result = judged(practice(), cells)
    assert result.verdict is DEPENDS
    # A straight line of logarithms from (256, 1) to (1024, 4): the factor 1.02 is at 261.
    assert result.remark == "from sequence_length=1024 on, not at 256 (it crosses at about 260)"


def test_a_practice_may_hold_up_to_a_size_or_with_a_dtype_only() -> None:
    good, bad = (0.5, 0.45, 0.55), (2.0, 1.8, 2.2)
    small = [timed("sdpa", ratio=good, width="64"), timed("sdpa", ratio=bad, width="128")]
    assert judged(practice(), small).remark.startswith("up to width=64, not at 128 (it crosses at about 9")
    dtypes = [timed("sdpa", ratio=good, dtype="float32"), timed("sdpa", ratio=bad, dtype="float16")]
    assert judged(practice(), dtypes).remark == "with dtype=float32, not with float16"
    suites = [timed("sdpa", ratio=good), timed("sdpa", ratio=bad, suite="attention.Quick")]
    assert judged(practice(), suites).remark == "with suite attention.Nightly, not with attention.Quick"
    crossed = (("1", "a", good), ("1", "b", bad), ("2", "a", bad), ("2", "b", good))
    mixed = [timed("sdpa", ratio=ratio, width=width, dtype=dtype) for width, dtype, ratio in crossed]
    assert judged(practice(), mixed).remark == "in 2 of 4 cells"


def test_a_suite_without_the_parameter_is_left_out_where_the_practice_holds_there() -> None:
    cells = [
        timed("sdpa", ratio=(0.5, 0.45, 0.55), suite="attention.Widths", width="256"),
        timed("sdpa", ratio=(2.0, 1.8, 2.2), suite="attention.Widths", width="64"),
    ]
    holding, failing = (timed("sdpa", ratio=ratio, batch="2") for ratio in ((0.5, 0.45, 0.55), (2.0, 1.8, 2.2)))
    assert judged(practice(), [*cells, holding]).remark.startswith("from width=256 on, not at 64")
    assert judged(practice(), [*cells, failing]).remark == "in 1 of 3 cells"


def test_machines_are_called_by_their_names() -> None:
    cells = [
        timed("sdpa", ratio=(0.5, 0.45, 0.55), machine="runner-1"),
        timed("sdpa", ratio=(2.0, 1.8, 2.2), machine="runner-2"),
    ]
    file = ClaimsFile(Path("claims.toml"), (Claim("Faster", practices=(practice(),)),))
    result = judged_claims(file, cells, {"runner-1": "Big CPU", "runner-2": "Small CPU"}).claims[0].practices[0]
    assert result.remark == "with machine Big CPU, not with Small CPU"


def test_an_undecided_cell_beside_one_that_holds_is_named() -> None:
    cells = [timed("sdpa", ratio=(0.5, 0.45, 0.55), width="512"), timed("sdpa", ratio=(0.9, 0.5, 1.5), width="64")]
    result = judged(practice(), cells)
    assert (result.verdict, result.remark) == (HOLDS, "undecided at width=64")


def test_counts_of_one_commit_are_exact() -> None:
    of_variant = tracked("track_peak_bytes", "sdpa", 40.0, 10.0)
    (cell,) = judged(practice(measure="peak_bytes"), [of_variant, tracked("track_peak_bytes", "naive", 40.0)]).cells
    assert (cell.factor, cell.verdict) == (1.0, FAILS)  # the second commit has no count of the other
    of_other = tracked("track_peak_bytes", "naive", 40.0, 40.0)
    (cell,) = judged(practice(measure="peak_bytes", at_least=4), [of_variant, of_other]).cells
    assert (cell.factor, cell.low, cell.high, cell.basis, cell.verdict) == (4.0, 4.0, 4.0, Basis.EXACT, HOLDS)


def test_more_is_better_where_the_series_says_so() -> None:
    series = [
        tracked("track_accuracy", name, value, unit="share", better=Better.HIGHER)
        for name, value in (("sdpa", 0.9), ("naive", 0.6))
    ]
    (cell,) = judged(practice(measure="accuracy"), series).cells
    assert cell.factor == pytest.approx(1.5)
    unknown = [replace(each, better=Better.UNKNOWN) for each in series]
    result = judged(practice(measure="accuracy"), unknown)
    assert (result.verdict, "[tool.tbp.better]" in result.remark) == (UNDECIDED, True)


@pytest.mark.parametrize(("within", "verdict"), [(0.01, HOLDS), (0.004, FAILS)])
def test_a_count_may_be_a_little_worse(within: float, verdict: ClaimVerdict) -> None:
    series = [tracked("track_error_rate", name, value, unit="share of wrong answers")
              for name, value in (("sdpa", 0.025), ("naive", 0.02))]  # fmt: skip
    assert judged(practice(measure="error_rate", within=within), series).verdict is verdict
    timings = [timed("sdpa", ratio=(0.5, 0.4, 0.6))]
    assert judged(practice(within=within), timings).verdict is UNDECIDED  # a time has noise


def test_times_of_ordinary_suites_are_compared_run_by_run() -> None:
    def runs(variant: str, *values: float, changed: bool = False) -> History:
        parameters = (("variant", variant),)
        steps = changes((1, 9.0, 1.0)) if changed else ()
        return history(values, State.NO_CHANGE, benchmark="suite.time_forward", parameters=parameters, changes=steps)

    fast, slow = runs("sdpa", 9.0, 1.0, 1.01, 0.99, changed=True), runs("naive", 2.0, 2.0, 2.0, 2.0)
    (cell,) = judged(practice(), [fast, slow]).cells
    assert (cell.verdict, cell.basis, cell.size) == (HOLDS, Basis.RUNS, 3)  # the first run is from before a change
    assert cell.factor == pytest.approx(2.0)
    # Three logarithms 0.01 apart: 9.92 standard errors to both sides.
    assert cell.low == pytest.approx(2 * math.exp(-9.925 * 0.01 / math.sqrt(3)), rel=1e-3)
    single = judged(practice(), [runs("sdpa", 1.0), runs("naive", 2.0)])
    assert (single.verdict, single.remark) == (UNDECIDED, "one run does not tell how far another one would be from it")


def test_two_benchmarks_may_be_the_variants() -> None:
    def runs(benchmark: str, value: float) -> History:
        return history((value, value * 1.001), State.NO_CHANGE, benchmark=benchmark, parameters=(("size", "64"),))

    claimed = practice(variant="suite.time_fast", against="suite.time_slow")
    result = judged(claimed, [runs("suite.time_fast", 1.0), runs("suite.time_slow", 3.0)])
    assert (result.verdict, result.cells[0].factor) == (HOLDS, pytest.approx(3.0))


def test_numbers_of_the_sessions_serve_where_no_benchmark_has_them() -> None:
    counts = {"sdpa": CellCounted(memory_bytes=10), "naive": CellCounted(memory_bytes=30)}
    series = [timed(name, counted=counted) for name, counted in counts.items()]
    (cell,) = judged(practice(measure="memory_bytes"), series).cells
    assert (cell.factor, cell.unit, cell.verdict) == (3.0, "bytes", HOLDS)
    assert judged(practice(measure="memory_bytes"), series[:1]).remark == "naive is not measured there"


def test_a_practice_without_a_value_says_why() -> None:
    skipped = tracked("torchtime_step", "sdpa", math.nan, state=State.SKIPPED, reason="Skip: no AMX\n")
    result = judged(practice(), [skipped])
    assert (result.verdict, result.remark) == (NOT_MEASURED, "sdpa: skipped, Skip: no AMX")
    nowhere = judged(practice(measure="accuracy"), [timed("sdpa", ratio=(0.5, 0.4, 0.6))])
    assert (nowhere.verdict, nowhere.remark) == (NOT_MEASURED, "no benchmark of these results measures it")
    vanished = replace(timed("sdpa", ratio=(0.5, 0.4, 0.6)), state=State.VANISHED)
    assert judged(practice(), [vanished]).verdict is NOT_MEASURED


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"benchmarks": "decode.*"}, "no benchmark of these results matches 'decode.*'"),
        (
            {"benchmarks": "attnetion.*"},
            f"no benchmark of these results matches 'attnetion.*'; near: {SUITE}.torchtime_step",
        ),
        ({"variant": "sdpaa"}, "none of its benchmarks has the variant 'sdpaa'; near: sdpa"),
        ({"variant": "flash"}, "none of its benchmarks has the variant 'flash'"),
    ],
)
def test_a_slip_of_the_claims_file_is_named_with_what_is_near(fields: dict[str, str], remark: str) -> None:
    result = judged(practice(**fields), [timed("sdpa v2", ratio=(0.5, 0.4, 0.6))])
    assert (result.verdict, result.remark) == (NOT_MEASURED, remark)


def test_repetitions_are_one_cell_with_an_interval() -> None:
    rates = {"1": (0.10, 0.20), "2": (0.10, 0.21), "3": (0.10, 0.19)}
    series = [
        history((rate,), State.NO_CHANGE, benchmark="design.Nightly.track_error_rate", unit="share of wrong answers",
                parameters=(("variant", variant), ("seed", seed)))
        for seed, both in rates.items() for variant, rate in zip(("sdpa", "naive"), both, strict=True)
    ]  # fmt: skip
    (cell,) = judged(practice(measure="error_rate", over="seed"), series).cells
    assert (cell.factor, cell.size, cell.basis, cell.given) == (pytest.approx(2.0), 3, Basis.REPEATED, ())
    # Logarithms of 1.9, 2.0 and 2.1, whose standard deviation is 0.0501: 9.92 standard errors to both sides.
    assert cell.low == pytest.approx(2 * math.exp(-9.925 * 0.05006 / math.sqrt(3)), rel=1e-3)
    (alone,) = judged(practice(measure="error_rate", over="seed"), series[:2]).cells
    assert (alone.verdict, alone.reason) == (
        UNDECIDED, "one repetition does not tell how far another one would be from it",
    )  # fmt: skip


def test_only_cells_with_the_parameters_of_where_count() -> None:
    cells = [timed("sdpa", ratio=(0.5, 0.4, 0.6), batch="1"), timed("sdpa", ratio=(2.0, 1.8, 2.2), batch="8")]
    assert judged(practice(where={"batch": 1}), cells).verdict is HOLDS


def test_a_practice_that_nobody_claims_is_not_counted() -> None:
    null = practice(is_claimed=False)
    file = ClaimsFile(Path("c"), (Claim("Faster", practices=(practice(), null)),))
    assert judged_claims(file, [timed("sdpa", ratio=(0.5, 0.4, 0.6))]).sentence == "1 of 1 measured practice holds"


def test_counts_in_words() -> None:
    counts = {HOLDS: 3, DEPENDS: 1, FAILS: 2, UNDECIDED: 1, NOT_MEASURED: 1}
    assert counts_sentence(counts) == (
        "3 of 7 measured practices hold, 1 depends on where, 2 do not hold here, 1 is undecided; 1 is not measured"
    )
    assert counts_sentence({NOT_MEASURED: 4}) == "no practice is measured yet"
    assert counts_sentence({}) == "no practice is claimed"


def test_the_numbers_of_a_defect_are_the_newest_of_one_machine() -> None:
    def recorded(method: str, *values: float, machine: str = "bench-1") -> History:
        return history(values, State.NO_CHANGE, benchmark=f"defects.Nightly.{method}", machine=machine,
                       parameters=(("defect", "tail"),))  # fmt: skip

    def numbers(*series: History) -> tuple[float, float]:
        (defect,) = judged_claims(file, series).defects
        return defect.naive, defect.right

    file = ClaimsFile(Path("c"), (), (KnownDefect("tail", "…", "drops it", "flushes it"),))
    first = recorded("track_naive", 0.5), recorded("track_right", 0.0)
    newer = recorded("track_naive", 7.0, 9.0, machine="bench-2"), recorded("track_right", 8.0, 8.0, machine="bench-2")
    assert numbers(*first) == (0.5, 0.0)
    assert numbers(*first, *newer) == numbers(*newer, *first) == (9.0, 8.0)
    assert math.isnan(numbers(first[0], newer[1])[0])  # of two machines


def test_a_ratio_of_the_other_to_the_variant_serves_too() -> None:
    other = timed("torch", ratio=(2.0, 1.6, 2.5), against="sdpa")
    (cell,) = judged(practice(against="torch"), [timed("sdpa", 1e-3), other]).cells
    assert (cell.factor, cell.low, cell.high, cell.against_value) == (2.0, 1.6, 2.5, 2e-3)


def test_a_value_of_another_parameter_is_no_variant() -> None:
    """A step in bfloat16 has the dtype float32 all the same."""
    series = [timed("float32", ratio=(0.5, 0.4, 0.6), dtype="float32"), timed("amp", dtype="float32")]
    (cell,) = judged(practice(variant="float32"), series).cells
    assert cell.given == (("dtype", "float32"),)
    assert judged(practice(variant="float32", parameter="dtype", against="float16"), series).cells[0].factor != 2.0


def test_only_the_newest_runs_are_put_together() -> None:
    old, new = [1.0] * 5, [0.5] * MOST_RUNS
    series = [
        history((*old, *new), State.NO_CHANGE, benchmark="suite.time_x", parameters=(("variant", "sdpa"),)),
        history([1.0] * (5 + MOST_RUNS), State.NO_CHANGE, benchmark="suite.time_x", parameters=(("variant", "naive"),)),
    ]
    (cell,) = judged(practice(), series).cells
    assert (cell.factor, cell.low, cell.size) == (pytest.approx(2.0), pytest.approx(2.0), MOST_RUNS)


def test_sizes_that_alternate_part_nothing() -> None:
    verdicts = {"64": (0.5, 0.45, 0.55), "128": (2.0, 1.8, 2.2), "256": (0.5, 0.45, 0.55)}
    cells = [timed("sdpa", ratio=ratio, width=width) for width, ratio in verdicts.items()]
    assert judged(practice(), cells).remark == "with width=256, width=64, not with 128"


def test_cells_are_in_the_order_of_their_sizes() -> None:
    cells = [timed("sdpa", ratio=(0.5, 0.4, 0.6), width=width) for width in ("1024", "128", "64")]
    assert [cell.given[0][1] for cell in judged(practice(), cells).cells] == ["64", "128", "1024"]


def test_a_practice_of_many_series_is_found_by_its_value() -> None:
    cells = [timed(f"v{number}", ratio=(0.5, 0.4, 0.6)) for number in range(2000)]
    assert len(judged(Practice("t", "v7", "naive"), cells).cells) == 1
