"""Noise from literal pairs of equal work."""

from math import log

import pytest

from tbp.doctor.finding import Severity
from tbp.doctor.findings.noise import MeasuredNoise, findings_of_noise
from tbp.doctor.noise import noise_of
from tbp.statistics.paired_ratios import Pair


def pair(effect: float, base_s: float, head_s: float, contaminated: float = 0.0) -> Pair:
    return Pair(effect, float("nan"), base_s, head_s, contaminated)


def test_noise_is_the_spread_of_pairs_and_that_of_processes():
    noise = noise_of([pair(-0.01, 1.0, 1.0, 0.2), pair(0.01, 1.0, 1.0, 0.0)])
    assert noise.in_turns == pytest.approx(0.01414, abs=1e-5)
    assert (noise.pairs, noise.between_processes, noise.interrupted) == (2, 0.0, 0.1)
    # Student's t of seven degrees of freedom at 99 % is 3.499; 3.499 × 1.414 % ÷ √8 is 1.75 %.
    assert noise.smallest_in_turns == pytest.approx(0.01765, abs=1e-5)
    doubled = noise_of([pair(0.0, 1.0, 2.0), pair(0.0, 1.0, 2.0)])
    assert doubled.between_processes == pytest.approx(log(2) / 3**0.5), "of four processes, each a level"


@pytest.mark.parametrize(
    ("in_turns", "between", "severity", "words"),
    [
        (0.03, 0.04, None, ""),
        (0.03, 0.06, Severity.WARNING, "processes of equal work differ by 6.0 %, and in turns by 3.0 % only"),
        (0.05, 0.20, Severity.WARNING, "equal work in turns differs by 5.0 %"),
        (0.09, 0.20, Severity.GRAVE, "tells changes from 12 % on"),
    ],
)
def test_equal_work_that_differs_is_found(in_turns: float, between: float, severity: Severity | None, words: str):
    findings = list(findings_of_noise(MeasuredNoise(6, in_turns, 0.12, between, 0.0)))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    assert all(words in finding.sentence and finding.fix for finding in findings)
