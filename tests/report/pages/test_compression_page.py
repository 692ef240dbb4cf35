import math
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.report.pages.compression.page import compression_page
from tbp.report.pages.compression.pareto import ChoiceRank, Cost, standings
from tbp.report.pages.compression.variant_words import error_text, scientific
from tbp.report.pages.compression.variants import groups

SUITE = "compressed_inference.Nightly"


@pytest.fixture
def suite(make_history):
    """Histories of variants: name → (seconds, bytes, error); NaN: it failed."""

    def histories(
        variants: dict[str, tuple[float, float, float]],
        batch: str = "8",
        error: tuple[str, str] = ("track_error", "relative error"),
    ) -> Iterator[History]:
        for name, values in variants.items():
            parameters = (("variant", f"{name} v1"), ("batch", batch))
            methods = (("torchtime_step", "seconds"), ("track_model_bytes", "bytes"), error)
            for (method, unit), value in zip(methods, values, strict=True):
                state = State.FAILED if math.isnan(value) else State.NO_CHANGE
                yield make_history(
                    [value] * 3,
                    state,
                    benchmark=f"{SUITE}.{method}",
                    parameters=parameters,
                    unit=unit,
                    reason="no engine",
                )

    return histories


VARIANTS = {
    "dense": (8e-3, 24e6, 1e-7),
    "int8_dynamic": (4.4e-3, 6e6, 2e-3),
    "int8_static": (5e-3, 6e6, 9e-3),
    "pruned": (8.1e-3, 24e6, 1e-7),
}


def test_what_is_worse_in_everything_is_not_worth_taking(suite, make_report) -> None:
    section = compression_page(make_report(*suite(VARIANTS))).sections[0]
    assert [(row.name, row.merit, row.remark) for row in section.rows] == [
        ("int8_dynamic", "worth choosing", ""),
        ("int8_static", "", "int8_dynamic is faster and more exact, and no worse on the other measures"),
        ("dense", "worth choosing", "baseline"),
        ("pruned", "", "equal to dense on every measure"),
    ]
    assert section.findings == ("int8_dynamic: 45 % faster, 4.0 × smaller, relative error 0.2 %",)
    assert section.baseline == "dense"
    assert section.common == "batch=8"
    assert len(section.charts) == 2


def test_the_error_of_a_trained_model_is_its_share_of_wrong_answers(suite, make_report) -> None:
    error = ("track_error_rate", "share of wrong answers")
    variants = {"dense": (8e-3, 24e6, 0.0723), "pruned_int8": (2.4e-3, 4e6, 0.0741), "broken": (9e-3, 4e6, 0.5)}
    section = compression_page(make_report(*suite(variants, error=error))).sections[0]
    assert section.error_name == "wrong answers"
    assert section.findings == ("pruned_int8: 70 % faster, 6.0 × smaller, wrong answers 7.4 %",)
    # 7.2 and 7.4 % are the same accuracy, so that nothing speaks for the dense model but that it is the baseline.
    assert [row.merit for row in section.rows] == ["worth choosing", "", ""]


def test_times_inside_the_noise_are_the_same(suite, make_report) -> None:
    # The histories' noise between runs is 2.1 %, so 6 % is within three of them.
    variants = {"dense": (1.0, 24e6, 1e-7), "near": (0.95, 24e6, 1e-7), "far": (0.9, 24e6, 1e-7)}
    rows = {row.name: row for row in compression_page(make_report(*suite(variants))).sections[0].rows}
    assert (rows["near"].time_change, rows["far"].time_change) == ("as fast", "10 % faster")


def test_a_twin_is_neither_on_the_front_nor_in_the_way(suite, make_report) -> None:
    variants = {"dense": (1.0, 24e6, 1e-7), "dense_twin": (0.8, 24e6, 1e-7)}
    rows = {row.name: row for row in compression_page(make_report(*suite(variants))).sections[0].rows}
    assert rows["dense"].merit
    assert not rows["dense_twin"].merit
    assert rows["dense_twin"].remark.startswith("A/A twin")


def test_no_time_is_surer_than_its_twin_shows(suite, make_report) -> None:
    variants = {"dense": (1.0, 24e6, 1e-7), "dense_twin": (1.3, 24e6, 1e-7), "int8": (0.8, 6e6, 1e-7)}
    page = compression_page(make_report(*suite(variants)))
    rows = {row.name: row for row in page.sections[0].rows}
    assert rows["int8"].time_change == "time undecided (±30 %)"
    assert rows["dense"].merit == "maybe worth choosing"  # for it may be faster
    assert page.verdict == (
        "No variant is faster than its baseline by more than noise; "
        "smallest is int8: time undecided (±30 %), 4.0 × smaller, relative error under 0.001 %."
    )


def test_what_only_an_undecided_time_keeps_on_the_front_is_not_worth_taking(suite, make_report) -> None:
    """The twin shows 16 % of noise: int8_static, which is larger and less exact, may be the faster one or not."""
    variants = {
        "dense": (13.8, 24e6, 1e-7),
        "dense_twin": (16.0, 24e6, 1e-7),
        "int8_dynamic": (4.4, 6.07e6, 6.3e-3),
        "int8_static": (5.0, 6.23e6, 8.8e-3),
    }
    section = compression_page(make_report(*suite(variants))).sections[0]
    rows = {row.name: row for row in section.rows}
    assert (rows["int8_dynamic"].merit, rows["int8_dynamic"].kind) == ("worth choosing", "front")
    assert (rows["int8_static"].merit, rows["int8_static"].kind) == ("maybe worth choosing", "maybe")
    why = "int8_dynamic is smaller and more exact, and which of the two is faster is undecided (±16 %)"
    assert rows["int8_static"].remark == why
    assert section.findings[1].endswith(f"; maybe worth choosing: {why}")


def test_rounding_makes_no_variant_more_exact(suite, make_report) -> None:
    variants = {"dense": (1.0, 24e6, 1.3e-7), "pruned": (1.0, 24e6, 2.6e-7), "int8": (0.5, 6e6, 1e-2)}
    rows = {row.name: row for row in compression_page(make_report(*suite(variants))).sections[0].rows}
    assert rows["pruned"].remark == "equal to dense on every measure"


def test_with_one_run_its_processes_say_how_sure_a_time_is(suite, make_report) -> None:
    def only_run(history):
        point = replace(history.points[0], sessions=(history.points[0].value, 1.25 * history.points[0].value))
        return replace(history, points=(point,), noise_between=math.nan)

    histories = [only_run(history) for history in suite({"dense": (1.0, 24e6, 1e-7), "int8": (0.9, 6e6, 1e-7)})]
    rows = {row.name: row for row in compression_page(make_report(*histories)).sections[0].rows}
    assert rows["int8"].time_change == "time undecided (±25 %)"


def test_a_variant_without_a_value_is_said_to_have_none_and_why(suite, make_report) -> None:
    section = compression_page(make_report(*suite({**VARIANTS, "int4": (math.nan, 3e6, 0.1)}))).sections[0]
    assert section.missing == ("int4: failed, no engine",)


def test_each_shape_is_a_model_of_its_own(suite) -> None:
    found = groups([*suite(VARIANTS), *suite(VARIANTS, batch="1")])
    assert [group.common for group in found] == [(("batch", "8"),), (("batch", "1"),)]


def test_a_suite_without_errors_is_drawn_by_time_and_size(suite, make_report) -> None:
    histories = [history for history in suite(VARIANTS) if "error" not in history.key.benchmark]
    section = compression_page(make_report(*histories)).sections[0]
    assert not section.has_error
    assert len(section.charts) == 1
    assert section.findings[0] == "int8_dynamic: 45 % faster, 4.0 × smaller"


def test_peak_memory_is_no_model_size(suite, make_history, make_report) -> None:
    times = [history for history in suite(VARIANTS) if "torchtime" in history.key.benchmark]
    peaks = [
        make_history(
            (1.0,), State.NO_CHANGE, benchmark=f"{SUITE}.track_peak_bytes", parameters=one.key.parameters, unit="bytes"
        )
        for one in times
    ]
    page = compression_page(make_report(*times, *peaks))
    assert page.sections == ()
    assert page.verdict == "No suite records both the time and the size of a model."


def test_the_verdict_is_the_fastest_that_is_worth_it(suite, make_report) -> None:
    assert compression_page(make_report(*suite(VARIANTS))).verdict == (
        "Fastest is int8_dynamic: 45 % faster, 4.0 × smaller, relative error 0.2 %, against dense."
    )


def test_the_front_keeps_every_trade_and_drops_the_rest():
    choices = [[Cost(time, 0.01), Cost(size, 0.01)] for time, size in ((1, 9), (2, 5), (3, 5), (9, 1), (9, 9))]
    found = standings(choices)
    assert [one.rank is ChoiceRank.ON_FRONT for one in found] == [True, True, False, True, False]
    assert found[2].rival == 1


def test_a_choice_stands_or_falls_by_the_comparison_with_its_rival():
    def costs(time: float, size: float, is_sure: bool = True) -> list[Cost]:
        return [Cost(time, 0.2, is_sure), Cost(size, 0.01)]

    unsure = standings([costs(1.0, 5, is_sure=False), costs(1.1, 6), costs(9, 1)])
    assert [(one.rank, one.rival) for one in unsure] == [
        (ChoiceRank.ON_FRONT, None),
        (ChoiceRank.UNDECIDED, 0),
        (ChoiceRank.ON_FRONT, None),
    ]
    assert [one.rank for one in standings([costs(1.0, 5), costs(1.1, 6)])] == [ChoiceRank.ON_FRONT, ChoiceRank.BEATEN]


@pytest.mark.parametrize(("value", "said"), [(6.3e-3, "0.63 %"), (1.5e-7, "0.000015 %"), (0.1, "10 %"), (0.0, "0 %")])
def test_a_relative_error_is_told_in_per_cent(value, said) -> None:
    assert error_text(value, is_share=True) == said


@pytest.mark.parametrize(
    ("value", "said"), [(2.1e-3, "2.1e−3"), (2e-3, "2e−3"), (0.0, "0"), (math.nan, "–"), (12.0, "1.2e1")]
)
def test_an_error_is_told_by_its_magnitude(value, said) -> None:
    assert scientific(value) == said


def test_its_charts_have_a_mark_for_each_variant(suite, make_report) -> None:
    page = compression_page(make_report(*suite(VARIANTS)))
    by_size, by_error = page.figures
    marks = [(trace["name"], trace["text"]) for trace in by_size["data"] if trace["mode"] == "markers+text"]
    assert [name for name, _ in marks] == ["worth choosing", "another is better"]
    assert by_size["layout"]["xaxis"]["title"]["text"] == "time per call in ms (less is better)"
    assert by_error["layout"]["yaxis"]["type"] == "log"
