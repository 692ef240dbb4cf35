"""The names that a slip may have meant."""

import pytest

from tbp.project.near_names import near, near_phrase

BENCHMARKS = ("fit.Small.time_step", "fit.Large.track_loss", "words.time_slug")


@pytest.mark.parametrize(
    ("pattern", "phrase"),
    [
        (r"track_los\w?$", "near: fit.Large.track_loss"),
        (r"^word\.", "near: words.time_slug"),
        ("Smal.time_step", "near: fit.Small.time_step"),
        ("fit", "near: fit.Large.track_loss, fit.Small.time_step"),  # a pattern that lacks its star
        ("zzz", "known: fit.Large.track_loss, fit.Small.time_step, words.time_slug"),
        ("", "known: fit.Large.track_loss, fit.Small.time_step, words.time_slug"),
    ],
)
def test_a_pattern_is_like_a_part_of_a_name(pattern: str, phrase: str):
    assert near_phrase(pattern, BENCHMARKS) == phrase


def test_a_name_is_near_if_three_quarters_are_equal():
    assert near("benchmarks", ["benchmark_dir", "repo"]) == "benchmark_dir"
    assert near("project_name", ["project_url"]) == ""
    assert near("x" * 1_000_000, ["x"]) == ""
