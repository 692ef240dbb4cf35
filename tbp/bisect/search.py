"""The search: which two commits are measured next, and where the change is after all that was measured.

Takes a line of commits by their indexes (0 is the good end), their weights and the trials so far; gives the next trial.
Everything is derived from the trials, so that a search that was interrupted goes on from what is stored of them.

A probe halves the weight of the commits that are left. A commit that has a third of it is measured against the one
before it at once: if it makes the step, that is its confirmation too. Where the pairs so far confirm a step already, by
the difference of two effects, there are no fresh ones; the last trial is chosen so that they can, and where they do not
yet, the probes go on. Where no commit that is left makes a step, a probe has gone the wrong way: those at both ends of
the bracket are measured again, twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import log1p

from msgspec import Struct, field

from tbp.bisect.indirect import Leg, indirect, pairs_needed, way
from tbp.bisect.likeness import MOST_PAIRS, noise, probe_error, standard_error
from tbp.bisect.trials import LEAST_PART, Levels, Role, Ruling, Trial, effect_of
from tbp.turns.evidence import CONFIRM_LOOKS, Limits, estimated

# With three commits left that weigh the same, trying one of them needs 1.7 trials on average as a probe first does, and
# a hit is a direct confirmation; with four it is 2.25 against 2.
TRIED_SHARE = 1 / 3
# Probes that stay undecided after all their pairs: the machine is too noisy for this change, and a third stays so too.
MOST_UNDECIDED = 2
# Two-sided 1 %: a level is another one than that of its end.
OTHER_LEVEL = 2.6


class SuspectGroup(Struct, frozen=True):
    """Commits of which one may be the culprit: those after ``before`` that cannot be measured, and ``last``."""

    before: int
    last: int
    weight: float


class Bracket(Struct, frozen=True):
    """The part of the line with the change, and the levels at its two ends."""

    low: int
    high: int
    levels: Levels


class LineSearch(Struct):
    """A bisection as far as it is; index 0 is the good end, the last one the bad end."""

    weights: Sequence[float]  # of the commits 1, 2, …
    limits: Limits
    trials: list[Trial] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)  # index → why it cannot be measured

    @property
    def last(self) -> int:
        return len(self.weights)

    @property
    def ends(self) -> Trial | None:
        return next((trial for trial in self.trials if trial.role is Role.ENDS), None)

    @property
    def steps(self) -> list[Trial]:
        """The confirmed steps, the largest first."""
        steps = [trial for trial in self.trials if trial.ruling is Ruling.STEP]
        return sorted(steps, key=lambda trial: -abs(effect_of(trial, self.limits)))

    def bracket(self) -> Bracket:
        """The part of the line that the probes so far leave."""
        usual = noise([trial.effects for trial in self.trials])
        ends = self.ends
        low, high, good = 0, self.last, 0.0
        bad = effect_of(ends, self.limits) if ends is not None else 0.0
        for trial in self.trials:
            is_decided = trial.role is Role.PROBE and trial.ruling in (Ruling.GOOD, Ruling.BAD)
            if not is_decided or not low < trial.head < high:
                continue
            estimate = estimated(trial.pairs)
            seen = estimate.effect
            apart = max(log1p(self.limits.relevant), OTHER_LEVEL * standard_error(estimate, usual))
            if trial.ruling is Ruling.GOOD:
                low, good = trial.head, seen if abs(seen - good) > apart else good
            else:
                high, bad = trial.head, seen if abs(seen - bad) > apart else bad
        return Bracket(low, high, Levels(good, bad, usual, probe_error(self.last)))

    def next(self) -> Trial | None:
        """The trial that needs a pair, which may be a new one; None where the search has ended."""
        if self.ends is None:
            self.trials.append(Trial(Role.ENDS, 0, self.last))
        waiting = next((trial for trial in self.trials if trial.ruling is Ruling.OPEN), None)
        if waiting is not None:
            return waiting
        if self.has_ended:
            return None
        bracket = self.bracket()
        groups = self.groups(bracket)
        total = sum(group.weight for group in groups)
        if not total:
            return self._doubted(bracket)
        top = max(groups, key=lambda group: group.weight)
        middle = self._middle(bracket, groups)
        if top.weight >= TRIED_SHARE * total or middle is None:
            if (top.before, top.last) == (0, self.last):
                return None  # the ends are all that can be measured
            of_two = self._of_two(groups, bracket) if middle is not None else None
            trial = of_two or self._step(top, bracket.levels)
            if not any(trial is known for known in self.trials):
                self.trials.append(trial)
            return self.next()
        self.trials.append(Trial(Role.PROBE, 0, middle))
        return self.trials[-1]

    def _step(self, group: SuspectGroup, levels: Levels) -> Trial:
        """The trial of a step: confirmed already where the pairs so far confirm it, else one that needs fresh pairs.

        Where more pairs of the probes that it rests on can confirm it, the one that is known least goes on instead.
        """
        change = levels.bad - levels.good
        step = Trial(Role.STEP, group.before, group.last)
        seen = indirect(self._legs, group.before, group.last, levels.noise, self._suspects)
        if seen is None:
            return step
        if seen.confirms(change, self.limits):
            step.indirect, step.ruling = seen, Ruling.STEP
            return step
        legs = [leg for _, leg in way(self._legs, group.before, group.last)]
        short = [leg for leg in legs if len(leg.pairs) < leg.most]
        first, *further = [leg.most for leg in legs]
        if not short or pairs_needed(change, levels.noise, self.limits, self._suspects + 1, further) > first:
            return step
        least_known = max(short, key=lambda leg: standard_error(estimated(leg.pairs), levels.noise))
        probe = next(trial for trial in self.trials if trial.pairs is least_known.pairs)
        probe.least, probe.ruling = MOST_PAIRS, Ruling.OPEN
        return probe

    @property
    def _suspects(self) -> int:
        """The comparisons that might have led to another suspect; one that went on was looked at twice."""
        return max(1, len(self.trials) - 1) + sum(trial.least > 0 for trial in self.trials)

    def _of_two(self, groups: Sequence[SuspectGroup], bracket: Bracket) -> Trial | None:
        """With two suspects left, the trial after which either is known; None where no trial can promise that.

        Measured against the commit before it the first one is known at once, the second one by a difference of three
        effects; by a probe either is known by a difference of two, which needs fewer pairs, or more pairs of these.
        """
        if len(groups) != 2 or not all(group.weight for group in groups):
            return None
        levels, legs = bracket.levels, self._legs
        change = levels.bad - levels.good
        noise, limits, suspects = levels.noise, self.limits, len(self.trials)
        by_three = [len(leg.pairs) for _, leg in way(legs, bracket.low, bracket.high)]
        # The step is looked at after as many pairs in any case.
        if pairs_needed(change, noise, limits, suspects, by_three) <= min(CONFIRM_LOOKS):
            return Trial(Role.STEP, bracket.low, groups[0].last)
        by_two = [[leg.most for _, leg in way(legs, 0, index)] for index in (bracket.low, bracket.high) if index]
        if max(pairs_needed(change, noise, limits, suspects + 1, most) for most in by_two) <= MOST_PAIRS:
            return Trial(Role.PROBE, 0, groups[0].last)
        return None

    @property
    def _legs(self) -> list[Leg]:
        """The pairs of all trials; a probe may go on, the gate has settled how many the other trials get."""
        legs = []
        for trial in self.trials:
            pairs = trial.deciding(self.limits)
            most = MOST_PAIRS if trial.role is Role.PROBE else 0
            legs.append(Leg(trial.base, trial.head, pairs, max(most, len(pairs))))
        return legs

    @property
    def has_ended(self) -> bool:
        """True where the ends do not differ, a step is most of the change, or the noise is too much."""
        ends = self.ends
        if ends is None or ends.ruling is not Ruling.BAD:
            return ends is not None and ends.ruling is not Ruling.OPEN
        change = abs(effect_of(ends, self.limits))
        if self.steps and abs(effect_of(self.steps[0], self.limits)) >= LEAST_PART * change:
            return True
        return len(self._undecided) > MOST_UNDECIDED

    @property
    def suspects(self) -> range:
        """The commits of which one made the change, as far as is known: none where there is no change."""
        ends = self.ends
        if ends is not None and ends.ruling in (Ruling.GOOD, Ruling.UNDECIDED):
            return range(0)
        if self.steps:
            return range(self.steps[0].base + 1, self.steps[0].head + 1)
        bracket = self.bracket()
        return range(bracket.low + 1, bracket.high + 1)

    def groups(self, bracket: Bracket) -> list[SuspectGroup]:
        """The groups between the ends of ``bracket``; one whose step was measured weighs nothing."""
        measured = {(trial.base, trial.head) for trial in self.trials if trial.role is Role.STEP}
        groups, before = [], bracket.low
        for index in range(bracket.low + 1, bracket.high + 1):
            if index == bracket.high or self._is_measurable(index):
                weight = sum(self.weights[before:index])
                groups.append(SuspectGroup(before, index, 0.0 if (before, index) in measured else weight))
                before = index
        return groups

    def skip(self, trial: Trial, reason: str) -> bool:
        """Leaves out the commit of ``trial`` that was never measured; False where both were.

        Of a step whose two commits are new that is the later one.
        """
        self.trials.remove(trial)
        measured = {0, self.last} if self.ends is not None and self.ends.pairs else set()
        for other in self.trials:
            if other.pairs:
                measured |= {other.base, other.head}
        unknown = [index for index in (trial.head, trial.base) if index not in measured]
        if unknown:
            self.skipped[unknown[0]] = reason
        return bool(unknown)

    @property
    def _undecided(self) -> set[int]:
        return {trial.head for trial in self.trials if trial.ruling is Ruling.UNDECIDED and trial.role is Role.PROBE}

    def _is_measurable(self, index: int) -> bool:
        return index not in self.skipped and index not in self._undecided

    def _middle(self, bracket: Bracket, groups: Sequence[SuspectGroup]) -> int | None:
        """The index that halves the weight, at some distance from commits that cannot be measured."""
        total = sum(group.weight for group in groups)
        left = dict(zip([group.last for group in groups], accumulate(group.weight for group in groups), strict=True))
        known = {trial.head for trial in self.trials if trial.role is Role.PROBE}
        inside = [group.last for group in groups if group.last != bracket.high and group.last not in known]
        # What does not build seldom stands alone: the next try is as far away as the bad stretch is long.
        far = [index for index in inside if not self._is_beside_bad_stretch(index)]
        return min(far or inside, key=lambda index: abs(left[index] - total / 2), default=None)

    def _is_beside_bad_stretch(self, index: int) -> bool:
        for direction in (-1, 1):
            start = next((d for d in range(1, self.last) if not self._is_measurable(index + direction * d)), 0)
            if not start:
                continue
            length = next(d for d in range(1, self.last + 1) if self._is_measurable(index + direction * (start + d)))
            if start <= length:
                return True
        return False

    def _doubted(self, bracket: Bracket) -> Trial | None:
        """The probes that made the bracket, opened again where that was not done yet."""
        doubted = [
            trial
            for trial in self.trials
            if trial.role is Role.PROBE and trial.head in (bracket.low, bracket.high) and not trial.least
        ]
        for trial in doubted:
            trial.least, trial.ruling = 2 * len(trial.pairs), Ruling.OPEN
        return doubted[0] if doubted else None
