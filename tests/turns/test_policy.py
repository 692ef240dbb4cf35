"""The policy, with pairs that are simulated: what is claimed, what is found, and when it ends early.

How often, in numbers: ``tools/gate_error_rates.py``. Here each seed is one answer.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.errors import ExitCode
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.statistics.paired_ratios import Pair
from tbp.turns.budget import Budget
from tbp.turns.cells import Cell, CellFailed, CellSkipped, Side
from tbp.turns.evidence import CONFIRM_LOOKS, CONFIRM_PAIRS, FIRST_LOOK, SCREEN_PAIRS, Evidence, Limits
from tbp.turns.judging import OF_PAIRS, effect_notes, judgements
from tbp.turns.policy import run_gate
from tbp.turns.run import Gated
from tbp.wording import words

CHANGED = (State.REGRESSION, State.IMPROVEMENT)
Answer = Pair | CellFailed | CellSkipped
Measure = Callable[[Sequence[Cell], Side, Callable[[Cell], bool]], Iterator[tuple[Cell, Answer]]]


def cells(count: int) -> list[Cell]:
    return [Cell(f"suite.time_{i}", 0, ()) for i in range(count)]


def pair(effect: float, cpu_effect: float | None = None) -> Pair:
    """A pair in which head takes ``effect`` longer, 0.1 for 10 %."""
    cpu = effect if cpu_effect is None else cpu_effect
    return Pair(math.log1p(effect), math.log1p(cpu), 1.0, 1.0 + effect)


def measuring(answer: Callable[[Cell, int], Answer]) -> Measure:
    """Measures as the gate does; ``answer`` gives a cell's pair, from its first, 0, on."""
    seen: Counter[Cell] = Counter()

    def measure(active: Sequence[Cell], first: Side, has_room: Callable[[Cell], bool]) -> Iterator[tuple[Cell, Answer]]:
        for cell in filter(has_room, active):
            yield cell, answer(cell, seen[cell])
            seen[cell] += 1

    return measure


def verdicts(
    benchmarks: Sequence[Cell], answer: Callable[[Cell, int], Answer], limits: Limits | None = None
) -> dict[str, Judgement]:
    """The judgements by benchmark."""
    evidence = [Evidence(cell) for cell in benchmarks]
    run_gate(evidence, measuring(answer), limits or Limits(), lambda *_: None)
    return {judgement.benchmark: judgement for judgement in judgements(evidence, limits or Limits())}


def verdict(answer: Callable[[Cell, int], Answer], limits: Limits | None = None) -> Judgement:
    """The judgement of a benchmark that is alone."""
    (alone,) = verdicts(cells(1), answer, limits).values()
    return alone


def noisy(
    seed: int, noise: float, effects: Mapping[Cell, float], hit_share: float = 0.0
) -> Callable[[Cell, int], Answer]:
    """Pairs with normal noise, a share of which a neighbour hits by 15 % in either direction."""
    rng = np.random.default_rng(seed)

    def answer(cell: Cell, number: int) -> Answer:
        true = math.log1p(effects.get(cell, 0.0))
        hit = 0.15 * rng.choice([-1, 1]) if rng.random() < hit_share else 0.0
        return Pair(true + rng.normal(0, noise) + hit, true + rng.normal(0, noise / 2), 1.0, 1.0)

    return answer


@pytest.mark.parametrize(("noise", "hit_share"), [(0.02, 0.0), (0.03, 0.0), (0.02, 0.1)])
def test_identical_commits_change_nothing(noise: float, hit_share: float):
    """Of 100 gates of 14 benchmarks at most one claims anything."""
    gates = (verdicts(cells(14), noisy(seed, noise, {}, hit_share)).values() for seed in range(100))
    assert sum(any(judgement.state in CHANGED for judgement in gate) for gate in gates) <= 1


def test_five_percent_are_found_in_most_gates_and_nothing_else():
    slower, faster, *_ = benchmarks = cells(14)
    states: dict[str, Counter[State]] = {cell.benchmark: Counter() for cell in benchmarks}
    for seed in range(60):
        for judgement in verdicts(benchmarks, noisy(seed, 0.02, {slower: 0.05, faster: -0.05})).values():
            states[judgement.benchmark][judgement.state] += 1
    assert State.IMPROVEMENT not in states[slower.benchmark]
    moved = states.pop(slower.benchmark) + states.pop(faster.benchmark)
    unmoved = sum(states.values(), Counter[State]())
    assert sum(moved[state] for state in CHANGED) >= 0.8 * moved.total()
    assert sum(unmoved[state] for state in CHANGED) <= 0.003 * unmoved.total()


@pytest.mark.parametrize(("noise", "hit_share"), [(0.02, 0.0), (0.03, 0.1), (0.05, 0.0)])
def test_ten_percent_are_never_called_no_change(noise: float, hit_share: float):
    benchmarks = cells(14)
    states = Counter(
        verdicts(benchmarks, noisy(seed, noise, {benchmarks[0]: 0.10}, hit_share))["suite.time_0"].state
        for seed in range(100)
    )
    assert set(states) <= {State.REGRESSION, State.UNDECIDED}
    assert states[State.REGRESSION] >= 50


# One cell at a time

QUIET = (-0.002, 0.001, 0.002, -0.001)


def steady(effect: float, cpu_effect: float | None = None) -> Callable[[Cell, int], Answer]:
    """The same effect in every pair, but for noise of 0.2 %."""
    return lambda cell, number: pair(effect + QUIET[number % 4], cpu_effect)


def test_what_is_clearly_unchanged_ends_at_the_first_look():
    judgement = verdict(steady(0.0))
    assert (judgement.state, judgement.evidence) == (State.NO_CHANGE, FIRST_LOOK)
    assert judgement.reason == ""


def test_what_is_clearly_changed_is_screened_no_further_and_judged_by_fresh_pairs_alone():
    """10 % in the four pairs of screening, 8 % in those that confirm."""
    numbers: list[int] = []

    def answer(cell: Cell, number: int) -> Answer:
        numbers.append(number)
        return pair((0.10 if number < FIRST_LOOK else 0.08) + QUIET[number % 4])

    judgement = verdict(answer)
    assert judgement.state is State.REGRESSION
    assert judgement.effect == pytest.approx(0.08, abs=0.001)
    assert judgement.after == pytest.approx(1.08, abs=0.002), "of the same pairs"
    assert not list(effect_notes([judgement]))
    assert judgement.evidence == min(CONFIRM_LOOKS), "what is clear ends at the first look"
    assert len(numbers) == FIRST_LOOK + min(CONFIRM_LOOKS)


def test_values_whose_ratio_is_not_the_effect_beside_them_get_a_note():
    """The rounds of each pair show 10 %, while the machine becomes half as fast."""

    def answer(cell: Cell, number: int) -> Answer:
        return Pair(math.log1p(0.10 + QUIET[number % 4]), math.nan, 1.0 + (number > 6), 1.1 + 1.1 * (number > 7))

    judgement = verdict(answer)
    assert judgement.effect == pytest.approx(0.10, abs=0.001)
    assert judgement.after / judgement.before == pytest.approx(0.73, abs=0.01)
    assert list(effect_notes([judgement])) == [OF_PAIRS]
    assert not list(effect_notes([replace(judgement, state=State.NO_CHANGE)])), "no row is listed"


def test_an_improvement_is_named_so_and_the_interval_holds_the_effect():
    judgement = verdict(steady(-0.10))
    assert (judgement.state, judgement.effect) == (State.IMPROVEMENT, pytest.approx(-0.10, abs=0.001))
    judgement = verdict(steady(0.10))
    assert 0.09 < judgement.low < judgement.effect < judgement.high < 0.11
    assert (judgement.before, judgement.after) == (1.0, pytest.approx(1.10, abs=0.01))
    assert judgement.p_value < 1e-6


def test_chance_that_comes_once_is_no_change():
    """Screening saw 10 %, the fresh pairs see nothing: neither is the first believed nor the second doubted."""
    judgement = verdict(lambda cell, n: pair((0.10 if n < FIRST_LOOK else 0.0) + QUIET[n % 4]))
    assert judgement.state is State.NO_CHANGE
    assert judgement.evidence == min(CONFIRM_LOOKS)


def test_a_real_change_too_small_to_matter_is_no_change():
    judgement = verdict(steady(0.01))
    assert judgement.state is State.NO_CHANGE
    claimed = verdict(steady(0.01), Limits(relevant=0.005, excluded=0.008))
    assert claimed.state is State.REGRESSION


@pytest.mark.parametrize(
    ("effect", "cpu_effect", "state"),
    [
        pytest.param(0.10, 0.0, State.UNDECIDED, id="wall time that moves alone is contended"),
        pytest.param(-0.10, 0.10, State.UNDECIDED, id="so is what moves the other way"),
        pytest.param(0.10, math.nan, State.REGRESSION, id="a step that waits needs no witness"),
    ],
)
def test_cpu_time_is_the_witness_of_wall_time(effect: float, cpu_effect: float, state: State):
    judgement = verdict(steady(effect, cpu_effect))
    assert judgement.state is state
    is_contended = judgement.reason.startswith("contended: wall time moved and CPU time did not")
    assert is_contended is (state is State.UNDECIDED)


def test_noise_that_leaves_room_for_a_change_is_undecided():
    """±10 % from pair to pair: after all 20 of them, neither a change nor none can be said."""
    judgement = verdict(lambda cell, n: pair(0.1 if n % 2 else -0.1))
    assert judgement.state is State.UNDECIDED
    assert judgement.evidence == SCREEN_PAIRS + CONFIRM_PAIRS
    assert judgement.low < -0.05
    assert judgement.high > 0.05
    assert f"is possible after {SCREEN_PAIRS + CONFIRM_PAIRS} pairs" in judgement.reason


def test_what_fresh_pairs_leave_open_is_told_of_them():
    """Screening was sure of 12 %; the fresh pairs lie anywhere, and they are those that decide."""
    judgement = verdict(lambda cell, n: pair(0.12 if n < FIRST_LOOK else (0.3 if n % 2 else -0.3)))
    assert judgement.state is State.UNDECIDED
    assert judgement.low < 0 < judgement.high
    low, high = (words.signed_percent(bound) for bound in (judgement.low, judgement.high))
    assert f"anything from {low} to {high} is possible after {judgement.evidence} fresh pairs" in judgement.reason


@pytest.mark.parametrize("number", [0, FIRST_LOOK - 1, FIRST_LOOK + 3])
def test_one_failure_fails_the_cell_and_no_other(number: int):
    benchmarks = cells(3)

    def answer(cell: Cell, place: int) -> Answer:
        if cell == benchmarks[1] and place == number:
            return CellFailed("base raised ValueError: no")
        return pair(0.1 + QUIET[place % 4])

    judged = verdicts(benchmarks, answer)
    assert [judgement.state for judgement in judged.values()] == [State.REGRESSION, State.FAILED, State.REGRESSION]
    failed = judged["suite.time_1"]
    assert failed.reason == "base raised ValueError: no"
    assert math.isnan(failed.effect)
    assert math.isnan(failed.p_value)


def test_a_skip_keeps_its_reason():
    judgement = verdict(lambda *_: CellSkipped("no CUDA device"))
    assert (judgement.state, judgement.reason) == (State.SKIPPED, "no CUDA device")


def test_no_cells_no_judgements():
    assert verdicts([], steady(0.0)) == {}


def test_a_change_counts_less_among_many():
    """Weak evidence is a regression where it is alone, and none among twenty benchmarks."""

    def answer(cell: Cell, number: int) -> Answer:
        return pair((0.05 if number % 4 else -0.01) if cell == benchmarks[0] else QUIET[number % 4])

    benchmarks = cells(20)
    alone, among = verdicts(benchmarks[:1], answer), verdicts(benchmarks, answer)
    assert alone["suite.time_0"].state is State.REGRESSION
    assert among["suite.time_0"].p_value == pytest.approx(20 * alone["suite.time_0"].p_value)
    assert among["suite.time_0"].state is State.UNDECIDED


def test_sides_take_turns_at_being_first_and_what_is_said_is_how_far_it_is():
    firsts: list[Side] = []
    progress: list[tuple[int, int, int]] = []

    def measure(active: Sequence[Cell], first: Side, has_room: Callable[[Cell], bool]) -> Iterator[tuple[Cell, Answer]]:
        firsts.append(first)
        for cell in active:
            yield cell, pair(QUIET[len(firsts) % 4])

    run_gate([Evidence(cell) for cell in cells(2)], measure, Limits(), lambda *words: progress.append(words))
    assert firsts == ["base", "head", "base", "head"]
    assert progress == [(turn, 2, 2 * (SCREEN_PAIRS + CONFIRM_PAIRS - turn)) for turn in range(FIRST_LOOK)]


def test_a_weak_change_needs_all_looks_and_is_corrected_for_them():
    """A change of 2.5 % among ±2 %: too weak for the first looks, clear at the last one."""
    quiet = (-0.02, 0.02, -0.02, 0.02)
    strong = Limits(false_discovery_rate=0.05)

    def answer(cell: Cell, number: int) -> Answer:
        return pair(0.10 + QUIET[number % 4] if number < FIRST_LOOK else 0.025 + quiet[number % 4])

    judgement = verdict(answer, strong)
    assert (judgement.state, judgement.evidence) == (State.REGRESSION, CONFIRM_PAIRS)
    one_look = 0.0274  # Student's t of the trimmed mean of twelve
    assert judgement.p_value == pytest.approx(one_look / CONFIRM_LOOKS[CONFIRM_PAIRS], rel=0.05)


# A budget


class Clock:
    """A machine on which workers take 3 s to start and a pair as long as it is told."""

    def __init__(self, budget_s: float, pair_s: Mapping[Cell, float] | None = None, start_s: float = 3.0) -> None:
        self.now_s, self.budget_s, self.start_s, self.pair_s = 0.0, budget_s, start_s, pair_s or {}
        self.budget = Budget(lambda: self.budget_s - self.now_s, budget_s, start_s)

    def gate(self, benchmarks: Sequence[Cell], answer: Callable[[Cell, int], Answer]) -> list[Evidence]:
        def timed(cell: Cell, number: int) -> Answer:
            pair_s = self.pair_s.get(cell, 1.0)
            self.now_s += pair_s
            self.budget.pair_ended(cell, pair_s)
            return answer(cell, number)

        take_turns = measuring(timed)

        def measure(
            active: Sequence[Cell], first: Side, has_room: Callable[[Cell], bool]
        ) -> Iterator[tuple[Cell, Answer]]:
            self.now_s += self.start_s
            self.budget.workers_began(self.start_s)
            return take_turns(active, first, has_room)

        evidence = [Evidence(cell) for cell in benchmarks]
        run_gate(evidence, measure, Limits(), lambda *_: None, self.budget)
        return evidence


def changing(*changed: Cell) -> Callable[[Cell, int], Answer]:
    return lambda cell, number: pair((0.10 if cell in changed else 0.0) + QUIET[number % 4])


def test_a_budget_that_is_enough_changes_nothing():
    benchmarks = cells(3)
    clock = Clock(120.0)
    evidence = clock.gate(benchmarks, changing(benchmarks[0]))
    assert [judgement.state for judgement in judgements(evidence, Limits())] == [
        State.REGRESSION,
        *[State.NO_CHANGE] * 2,
    ]
    assert clock.now_s == 4 * (3 + 3) + 6 * (3 + 1)


@pytest.mark.parametrize("budget_s", [1.0, 5.0, 17.0, 40.0, 60.0, 95.0])
def test_a_budget_is_never_overdrawn(budget_s: float):
    benchmarks = cells(30)
    clock = Clock(budget_s)
    clock.gate(benchmarks, changing(benchmarks[7]))
    assert clock.now_s <= budget_s


def test_a_short_budget_decides_some_benchmarks_rather_than_none():
    """Time for two pairs of each of thirty: instead, those that are begun get their first look."""
    benchmarks = cells(30)
    evidence = Clock(75.0).gate(benchmarks, changing())
    measured = Counter(len(of_cell.pairs) for of_cell in evidence)
    assert set(measured) == {0, FIRST_LOOK}
    assert measured[FIRST_LOOK] >= 8
    judged = judgements(evidence, Limits(), "the budget of 1 min ended")
    assert Counter(judgement.state for judgement in judged) == {
        State.NO_CHANGE: measured[FIRST_LOOK],
        State.UNDECIDED: measured[0],
    }
    assert {judgement.reason for judgement in judged} == {"", "not measured: the budget of 1 min ended"}


def test_what_is_flagged_is_confirmed_before_what_is_open_gets_more_pairs():
    """After the first look of all, time for one of both: the flagged one is decided, the noisy one stays open."""
    benchmarks = cells(2)

    def answer(cell: Cell, number: int) -> Answer:
        return pair(0.10 + QUIET[number % 4] if cell == benchmarks[0] else (0.1 if number % 2 else -0.1))

    evidence = Clock(62.0).gate(benchmarks, answer)
    regressed, noisy_one = judgements(evidence, Limits(), "the budget of 1 min ended")
    assert (regressed.state, len(evidence[0].pairs)) == (State.REGRESSION, 10)
    assert noisy_one.state is State.UNDECIDED
    assert len(evidence[1].pairs) < SCREEN_PAIRS + CONFIRM_PAIRS
    assert noisy_one.reason.endswith("pairs; the budget of 1 min ended")


def test_a_change_that_could_not_be_confirmed_in_time_is_said_to_be_suspected():
    (benchmark,) = cells(1)
    evidence = Clock(40.0).gate([benchmark], changing(benchmark))
    (judgement,) = judgements(evidence, Limits(), "the budget of 0.5 min ended")
    assert judgement.state is State.UNDECIDED
    assert judgement.reason == "suspected, and not confirmed by fresh pairs: the budget of 0.5 min ended"
    assert judgement.effect == pytest.approx(0.10, abs=0.01)


def test_a_slow_benchmark_that_cannot_end_in_time_is_not_begun_and_holds_up_no_other():
    benchmarks = cells(3)
    clock = Clock(60.0, {benchmarks[1]: 20.0})
    evidence = clock.gate(benchmarks, changing())
    assert len(evidence[1].pairs) < FIRST_LOOK
    assert [len(of_cell.pairs) for of_cell in (evidence[0], evidence[2])] == [FIRST_LOOK, FIRST_LOOK]
    assert clock.now_s <= 60.0


def test_one_pair_alone_says_how_little_it_is():
    evidence = [Evidence(cell, screened=[pair(0.1)]) for cell in cells(1)]
    (judgement,) = judgements(evidence, Limits(), "interrupted")
    assert (judgement.state, judgement.evidence) == (State.UNDECIDED, 1)
    assert judgement.reason == "only 1 pair measured: interrupted"
    assert math.isnan(judgement.effect)


def test_an_interrupt_between_two_pairs_leaves_both_whole():
    def answer(cell: Cell, number: int) -> Answer:
        if number == 2 and cell == evidence[1].cell:
            raise KeyboardInterrupt
        return pair(QUIET[number % 4])

    evidence = [Evidence(cell) for cell in cells(2)]
    with pytest.raises(KeyboardInterrupt):
        run_gate(evidence, measuring(answer), Limits(), lambda *_: None)
    assert [len(cell.pairs) for cell in evidence] == [3, 2]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (ExitCode.REGRESSION, ExitCode.REGRESSION),  # what is confirmed stays confirmed
        (ExitCode.OK, ExitCode.INTERRUPTED),
        (ExitCode.NOTHING_MEASURED, ExitCode.INTERRUPTED),
        (ExitCode.UNDECIDED, ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_code_of_an_interrupted_gate(verdict: ExitCode, code: ExitCode):
    side = ComparedCommit("main", "a" * 40)
    comparison = Comparison("thing", side, side, "measured in turns", ())
    assert Gated(comparison, is_interrupted=True).exit_code(verdict) is code
    assert Gated(comparison).exit_code(verdict) is verdict
