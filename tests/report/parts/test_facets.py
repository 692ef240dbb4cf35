"""What readers choose machines by: one definition for every page, from machine.json, runs and sessions."""

from datetime import UTC, datetime

from tbp.model.runs import Machine, Run
from tbp.model.series import Commit, SeriesKey, Setup
from tbp.report.base.render import static_text
from tbp.report.data.run_grid import payload
from tbp.report.pages.changes.page import changes_page
from tbp.report.pages.machines.page import machines_page
from tbp.report.parts.facets import LABELS, Facets, facets, facets_of_chart
from tbp.report.parts.series_names import dimensions

COMMIT = Commit("1" * 40, datetime(2026, 5, 1, tzinfo=UTC))
MACHINES = (
    Machine("a", (("processor", "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz"), ("system", "Ubuntu 22.04"))),
    Machine("b", (("processor", "AMD EPYC-Milan Processor"), ("system", "Windows 11"), ("GPU", "NVIDIA L4"))),
    Machine("c", (("processor", "AMD EPYC-Milan Processor"), ("system", "Ubuntu 22.04"))),
)
KEYS = (
    SeriesKey("s.time_x", (("device", "cpu"),), "a", "py3"),
    SeriesKey("s.time_x", (("device", "cpu"),), "b", "py3"),
    SeriesKey("s.time_x", (("device", "cuda"),), "b", "py3"),
    SeriesKey("s.time_x", (), "c", "py3"),
)


def report(make_history, make_report, **more):
    histories = [
        make_history(benchmark=key.benchmark, parameters=key.parameters, machine=key.machine, environment="py3")
        for key in KEYS
    ]
    return make_report(*histories, machines=MACHINES, **more)


def offered(of: Facets) -> dict[str, tuple[str, ...]]:
    return {facet.name: facet.values for facet in of.offered}


def test_what_differs_is_offered_in_one_order_and_by_short_names(make_history, make_report) -> None:
    of = facets(report(make_history, make_report))
    assert offered(of) == {
        "machine": ("a", "b", "c"),
        "os": ("Ubuntu 22.04", "Windows 11"),
        "cpu": ("AMD EPYC-Milan", "Intel Xeon E5-2690 v4"),
        "device": ("cpu", "cuda"),
    }
    assert [facet.of_all for facet in of.offered] == ["all machines", "all systems", "all processors", "all devices"]
    # The numbers of machine, system, processor and device of each rig; c names no device.
    assert (of.encoded, len(of.rigs)) == ("1.1.2.1 2.2.1.1 2.2.1.2 3.1.1.0", 4)


def test_the_gpu_is_that_of_machine_json_or_of_the_newest_session_that_names_one(make_history, make_report) -> None:
    runs = (Run(COMMIT, "a", "py3", devices=("NVIDIA A100",)), Run(COMMIT, "a", "py3"))
    data = report(make_history, make_report, runs=runs)
    assert offered(facets(data))["gpu"] == ("NVIDIA A100", "NVIDIA L4")


def test_two_environments_of_one_machine_may_have_two_systems(make_history, make_report) -> None:
    linux, windows = Setup("bench", "linux"), Setup("bench", "windows")
    runs = [
        Run(COMMIT, setup.machine, setup.environment, hardware=(("system", system),))
        for setup, system in ((linux, "Ubuntu 20.04"), (linux, "Ubuntu 22.04"), (windows, "Windows 11"))
    ]
    histories = [make_history(machine="bench", environment=name) for name in ("linux", "windows")]
    of = facets(make_report(*histories, machines=(Machine("bench", (("system", "Ubuntu 18.04"),)),), runs=tuple(runs)))
    assert offered(of) == {"environment": ("linux", "windows"), "os": ("Ubuntu 22.04", "Windows 11")}


def test_where_nothing_differs_there_is_nothing_to_choose_and_nothing_written(make_history, make_report) -> None:
    of = facets(make_report(make_history()))
    assert (of.offered, of.encoded, of.mask([make_history().key])) == ((), "", "")


def test_the_rigs_of_an_event_and_of_a_machine_are_bits(make_history, make_report) -> None:
    of = facets(report(make_history, make_report))
    assert [of.mask([key]) for key in KEYS] == ["1", "2", "4", "8"]
    assert of.mask(KEYS) == "f"
    assert (of.mask_of(Setup("b", "py3")), of.mask_of(Setup("b", "py4"))) == ("6", "0")


def test_pages_have_the_same_numbers(make_history, make_report) -> None:
    data = report(make_history, make_report)
    assert changes_page(data).facets == machines_page(data).facets == facets(data)
    assert [card.environments[0].rigs for card in machines_page(data).machines] == ["1", "6", "8"]
    assert [row.rig for row in payload(data)["rows"]] == [facets(data).rig_of(key) for key in sorted_by_grid(data)]  # type: ignore[attr-defined]


def sorted_by_grid(data) -> list[SeriesKey]:
    places = [(place["machine"], place["environment"]) for place in payload(data)["places"]]  # type: ignore[attr-defined]
    keys = {(key.machine, key.label): key for key in KEYS}
    return [keys[places[row.setup][0], row.label] for row in payload(data)["rows"]]  # type: ignore[attr-defined]


def test_a_chart_has_facets_of_its_dimensions_by_place_and_facts_by_series(make_history, make_report) -> None:
    data = report(make_history, make_report)
    shipped = facets_of_chart(facets(data), KEYS, dimensions(KEYS, data.faces))
    assert shipped == [
        ["machine", 1, ["a", "b", "c"]],
        ["os", "System", ["Ubuntu 22.04", "Windows 11"], [0, 1, 1, 0]],
        ["cpu", "Processor", ["AMD EPYC-Milan", "Intel Xeon E5-2690 v4"], [1, 0, 0, 0]],
        ["device", 0, ["cpu", "cuda"]],
    ]


def test_what_a_machine_does_not_say_is_a_value_of_the_chart(make_history, make_report) -> None:
    runs = (Run(COMMIT, "a", "py3", devices=("NVIDIA A100",)),)
    data = report(make_history, make_report, runs=runs)
    gpu = facets_of_chart(facets(data), KEYS, dimensions(KEYS, data.faces))[3]
    assert gpu == ["gpu", "GPU", ["NVIDIA A100", "NVIDIA L4", "not recorded"], [0, 1, 1, 2]]


def test_scripts_know_the_facets_by_the_same_names() -> None:

    names = ", ".join(f'"{name}"' for name in LABELS)
    assert f"everywhere: [{names}]" in static_text("base/address_state.js")
