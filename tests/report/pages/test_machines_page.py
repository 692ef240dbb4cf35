import math
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.runs import Machine, Run
from tbp.model.series import Commit, Setup
from tbp.report.base.render import Frame, main_html
from tbp.report.pages.machines.environments import inventory
from tbp.report.pages.machines.page import machines_page
from tbp.report.parts.inventory import Installed, differences, installed, what_is_recorded
from tbp.wording import words

NAN = math.nan


def run(number: int, packages: dict[str, str] | None = None, **fields: object) -> Run:
    listed = tuple(sorted((packages or {}).items()))
    commit = Commit(f"{number:08d}", datetime(2026, 5, 1 + number, tzinfo=UTC))
    values: dict[str, object] = {"packages": listed, "measured": 5, **fields}
    return Run(commit, "bench-1", "py3.13", **values)  # type: ignore[arg-type]


def test_packages_that_came_went_and_moved_are_told_apart():
    found = differences([run(0, {"a": "1", "b": "1", "c": "1"}), run(1, {"a": "1", "b": "2", "d": "1"})])
    assert [(one.commit.short, one.added, one.removed, one.bumped) for one in found] == [
        ("00000001", ("d 1",), ("c 1",), ("b 1 → 2",))
    ]


def test_runs_that_list_nothing_have_lost_nothing():
    runs = [run(0, {"a": "1"}), run(1), run(2, {"a": "2"})]
    assert [(one.commit.short, one.bumped) for one in differences(runs)] == [("00000002", ("a 1 → 2",))]
    assert differences([run(0), run(1, {"a": "1"})]) == []
    assert installed([*runs, run(3)]) == Installed((("a", "2"),))


def test_torch_is_told_once_and_the_project_itself_is_no_news():
    one, two = ({"torch": version, "My.Project": version} for version in ("2.12", "2.13"))
    found = differences([run(0, one, torch="2.12"), run(1, two, torch="2.13")], project="my_project")
    assert [difference.bumped for difference in found] == [("torch 2.12 → 2.13",)]


def test_another_governor_or_processor_is_a_difference():
    found = differences([
        run(0, governors=("powersave",), hardware=(("processor", "A"),)),
        run(1, governors=("performance",), hardware=(("processor", "B"),)),
    ])  # fmt: skip
    assert found[0].bumped == ("processor A → B", "governor powersave → performance")


def facts(environment) -> dict[str, str]:
    return {fact.name: fact.value for fact in environment.facts}


def test_a_machine_says_how_noisy_it_is(make_history, make_report) -> None:
    page = machines_page(
        make_report(make_history((1.0, 1.0), State.NO_CHANGE), runs=(run(0, governors=("powersave",), threads=(1,)),))
    )
    said = facts(page.machines[0].environments[0])
    assert said["Noise between runs"] == "2.1 % (1 timed series)"
    assert page.machines[0].brief == "Example CPU · 2 cores · Linux"
    assert said["Frequency governor"].startswith("powersave: the processor may change its frequency")
    assert said["Threads"] == "1"
    assert said["Runs"] == "1 run; the newest has 5 series measured"


def test_counters_say_nothing_of_a_machine_s_noise(make_history, make_report) -> None:
    times = make_history((1.0, 1.0), State.NO_CHANGE)
    counter = make_history((5.0, 5.0), State.NO_CHANGE, benchmark="a.track_n", unit="operators")
    counter = replace(counter, noise_between=0.0)
    said = facts(machines_page(make_report(times, counter)).machines[0].environments[0])
    assert said["Noise between runs"] == "2.1 % (1 timed series)"


def test_twins_of_one_benchmark_measure_the_floor(make_history, make_report) -> None:
    def variant(name: str, value: float, benchmark: str = "a.Quick.torchtime_step"):
        return make_history([value] * 6, State.NO_CHANGE, benchmark=benchmark, parameters=(("variant", name),))

    twins = [
        variant("dense v2", 1.0),
        variant("dense_twin v2", 1.03),
        variant("dense v2", 9.0, "b.Quick.torchtime_step"),
    ]
    said = facts(machines_page(make_report(*twins)).machines[0].environments[0])
    assert said["A/A twins"].startswith(
        "95 % of 6 pairs that did the same work differ by less than 3.0 %, median +3.0 %"
    )


def test_an_environment_that_fell_silent_is_said_to_be(make_history, make_report) -> None:
    page = machines_page(
        make_report(
            make_history((1.0, 1.0), State.STALE, environment="old"),
            make_history((1.0, 1.0), State.NO_CHANGE, environment="new"),
        )
    )
    assert [one.state for one in page.machines[0].environments] == ["reporting", "no run since 2026-05-02 12:00 UTC"]
    assert page.verdict == "1 machine, 2 environments; 1 stopped reporting."


def test_a_machine_s_age_and_drift_are_facts(make_history, make_report) -> None:
    def histories(runs: int, slower: float, environment: str) -> list:
        values = [[1e-3 * (1 + at) * (1 + slower * run) for run in range(runs)] for at in range(5)]
        return [
            make_history(each, State.NO_CHANGE, benchmark=f"m.time_{at}", environment=environment)
            for at, each in enumerate(values)
        ]

    page = machines_page(make_report(*histories(40, 0.002, "drifts"), *histories(30, 0.0, "old")))
    drifts, old = (facts(environment) for environment in page.machines[0].environments)
    assert drifts["Drift"] == (
        "its 5 series together take 7.8 % longer at 39c0ffee than at 00c0ffee, bit by bit over 40 runs: the machine "
        "rather than a commit"
    )
    assert old["Behind"] == "its newest commit with a value is 10 days older than that of all"
    assert ("Behind" in drifts, "Drift" in old) == (False, False)


def test_hardware_that_was_replaced_is_told_in_the_order_of_measuring(make_history, make_report) -> None:
    def measured(number: int, hour: int, **facts: str) -> Run:
        started = datetime(2026, 6, 1, hour, tzinfo=UTC)
        return run(number, started=started, hardware=tuple(facts.items()))

    runs = (measured(0, 9, processor="B"), measured(1, 1, processor="A"), measured(2, 2, processor="A", system="L 6"))
    page = machines_page(make_report(make_history((1.0, 1.0), State.NO_CHANGE), runs=runs))
    shown = facts(page.machines[0].environments[0])
    assert shown["Hardware replaced"] == "processor A → B at 00000000 (2026-05-01 00:00 UTC)"
    page = machines_page(make_report(make_history((1.0, 1.0), State.NO_CHANGE), runs=runs[1:]))
    assert "Hardware replaced" not in facts(page.machines[0].environments[0])


def test_what_asv_was_asked_for_is_not_called_installed() -> None:
    asked = run(0, requirements=(("pytorch", "1.8.2"), ("torchvision", "")), python="3.9")
    assert installed([asked]) == Installed((("pytorch", "1.8.2"), ("torchvision", "any version")), is_asked=True)
    assert what_is_recorded([asked]) == ("Recorded are Python and requirements; not hardware and installed packages.")
    assert what_is_recorded([run(0)]) == "The results do not record what the runs were measured with."


def test_every_environment_s_noise_is_seen_at_once(make_history, make_report) -> None:
    quiet = replace(make_history((1.0, 1.0), State.NO_CHANGE, environment="quiet"), noise_between=0.01)
    loud = replace(make_history((1.0, 1.0), State.NO_CHANGE, environment="loud"), noise_between=0.04)
    unknown = replace(make_history((1.0,), State.NOT_ENOUGH_DATA, environment="loud"), noise_between=NAN)
    page = machines_page(make_report(quiet, loud, unknown))
    noises = [(row.name, words.percent(row.noise.between), bar, row.noise.over) for row, bar in page.overview]
    assert noises == [
        ("loud", "4.0 %", 100.0, "the 1 of 2 timed series with enough runs"),
        ("quiet", "1.0 %", 25.0, "1 timed series"),
    ]
    anchors = [environment.anchor for environment in page.machines[0].environments]
    assert [row.anchor for row, _ in page.overview] == anchors


def test_what_differs_between_environments_is_a_row_and_the_rest_a_sentence() -> None:
    one = run(0, {"numpy": "1.26", "torch": "2.12", "six": "1"}, python="3.13")
    two = run(0, {"numpy": "1.26", "torch": "2.13"}, python="3.13")
    runs = {Setup("bench-1", "old"): [one], Setup("bench-1", "new"): [two]}
    found = inventory(runs, {"bench-1": Machine("bench-1", (("processor", "Example CPU"),))})
    assert [column.called({}) for column in found.columns] == ["new", "old"]
    assert [(row.name, row.values) for row in found.rows] == [("torch", ("2.13", "2.12")), ("six", ("", "1"))]
    assert found.same == "processor Example CPU, python 3.13, numpy 1.26"


def test_a_machine_without_results_is_listed(make_report) -> None:
    page = machines_page(make_report(machines=(Machine("idle", (("processor", "Example CPU"),)),)))
    assert page.machines[0].environments == ()
    assert page.verdict == "Nothing has been measured yet."


@pytest.mark.parametrize(
    ("left_out", "said"), [(1, "1 environment with fewer runs is"), (2, "2 environments with fewer runs are")]
)
def test_environments_without_a_column_are_counted(make_report, left_out: int, said: str) -> None:
    page = machines_page(make_report())
    columns = inventory({Setup("m", name): [run(0)] for name in ("a", "b")}, {}).columns
    page = replace(page, inventory=replace(page.inventory, columns=columns, left_out=left_out))
    text = main_html("machines.html", page, Frame("example", "", "1"))
    assert f"{said} not shown." in text
