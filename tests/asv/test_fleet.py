"""Machines under the names of a project's rules: whose runs become one machine's, and what is known of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tbp.asv.fleet import Fleet, fleet_of, ratios_of, results_of, sessions_of
from tbp.asv.ratios import Ratio, Ratios
from tbp.asv.reasons import Reasons
from tbp.asv.results import Results, checked
from tbp.asv.sessions import Sessions
from tbp.model.runs import Machine
from tbp.model.series import Outcome, SeriesKey
from tbp.project.machine_rules import MachineRule, machine_rule

from ..histories import session
from ..result_frames import frame_of, rows_of

A, B = "a" * 40, "b" * 40
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
AMD, INTEL = "cpu=EPYC;num_cpu=4;ram=16 GiB", "cpu=Xeon;num_cpu=4;ram=16 GiB"


def rules(**names: str) -> list[MachineRule]:
    return [machine_rule("here", pattern, name) for pattern, name in names.items()]


def row(machine: str, commit: str = A, hour: float = 0, **columns: Any) -> dict[str, Any]:
    return {"machine": machine, "commit": commit, "started": FIRST + timedelta(hours=hour), **columns}


def read(*rows: Mapping[str, Any], machines: tuple[Machine, ...] = ()) -> Results:
    return Results(frame_of(map(dict, rows)), {}, machines)


def renamed(results: Results, sessions: Sessions = Sessions(), **names: str) -> Results:  # noqa: B008 - frozen
    return results_of(results, fleet_of(results.frame, sessions, rules(**names)))


def key(machine: str, benchmark: str = "m.time_it") -> SeriesKey:
    return SeriesKey(benchmark, (), machine, "env")


def test_hosts_with_the_same_processor_are_one_machine_and_the_rest_is_as_it_was():
    results = read(row("fv-1", hardware=AMD), row("fv-2", B, hardware=AMD), row("fv-3", hardware=INTEL), row("box"))
    named = renamed(results, fv="hosted {processor}")
    assert [(each.machine, each.commit) for each in rows_of(named)] == [
        ("hosted EPYC", A), ("hosted EPYC", B), ("hosted Xeon", A), ("box", A),
    ]  # fmt: skip
    assert list(named.frame["machine"].cat.categories) == ["box", "hosted EPYC", "hosted Xeon"]
    assert checked(named.frame) is named.frame
    assert renamed(results, none="x") is results


def test_of_two_hosts_that_measured_the_same_cell_the_value_begun_last_is_the_run_s():
    results = read(
        row("fv-1", hour=5, value=1.0),
        row("fv-2", hour=9, value=2.0, version="w"),
        row("fv-3", hour=7, value=3.0),
        row("fv-1", hour=5, value=4.0, benchmark="m.time_alone"),
        row("fv-2", B, started=None, value=5.0),
        row("fv-1", B, hour=1, value=6.0),
        row("box", hour=99, value=7.0),
    )
    named = renamed(results, fv="pool")
    assert [(each.machine, each.benchmark, each.commit, each.value) for each in rows_of(named)] == [
        ("pool", "m.time_it", A, 2.0), ("pool", "m.time_alone", A, 4.0), ("pool", "m.time_it", B, 6.0),
        ("box", "m.time_it", A, 7.0),
    ]  # fmt: skip
    assert list(named.frame["version"].cat.categories) == ["v", "w"]


def test_a_machine_with_two_processors_is_two_machines_and_a_host_without_facts_has_unknown_ones():
    results = read(row("ci", hardware=AMD), row("ci", B, 1, hardware=INTEL), row("bare"))
    fleet = fleet_of(results.frame, Sessions(), rules(**{".": "{processor}"}))
    assert [each.machine for each in rows_of(results_of(results, fleet))] == ["EPYC", "Xeon", "unknown"]
    assert (fleet.now("ci"), fleet.name("ci", "env", A), fleet.name("ci", "env", "c" * 40)) == ("Xeon", "EPYC", "Xeon")
    assert fleet.meant("ci") == {"EPYC", "Xeon"}
    assert (fleet.meant("EPYC"), fleet.meant("none"), fleet.now("none")) == ({"EPYC"}, {"none"}, "none")


def test_a_rule_may_give_the_name_of_a_machine_that_there_is():
    results = read(row("box-old"), row("box", B), machines=(Machine("box", (("processor", "EPYC"),)),))
    fleet = fleet_of(results.frame, Sessions(), rules(**{"^box-": "box"}))
    named = results_of(results, fleet)
    assert [(each.machine, each.commit) for each in rows_of(named)] == [("box", A), ("box", B)]
    assert named.machines == (Machine("box"),), "its runs record nothing that both have"
    assert fleet.meant("box-old") == fleet.meant("box") == {"box"}


def test_a_machine_of_several_has_the_facts_that_all_of_them_record():
    known = tuple(Machine(name, (("processor", "EPYC"), ("memory", "15.6 GiB"))) for name in ("fv-1", "fv-2", "solo"))
    results = read(
        row("fv-1", hardware=f"{AMD};os=Linux 5"), row("fv-2", hardware=f"{AMD};os=Linux 6"), row("fv-3"), row("solo"),
        machines=known,
    )  # fmt: skip
    assert renamed(results, fv="pool", solo="alone").machines == (
        Machine("alone", known[0].facts),
        Machine("pool", (("processor", "EPYC"), ("cores", "4"), ("memory", "16 GiB"))),
    )


def test_sessions_know_the_processor_and_the_gpu_where_asv_stores_neither():
    results = read(row("ci"), row("ci", B, 1))
    sessions = Sessions(
        (
            session(key("ci"), A, device_name="EPYC"),
            session(key("ci"), A, device="cuda", device_name="H100"),
            session(key("ci"), B, device_name="Xeon"),
        )
    )
    named = renamed(results, sessions, ci="{processor} {GPU}")
    assert [each.machine for each in rows_of(named)] == ["EPYC H100", "Xeon unknown"]


def test_sessions_and_ratios_are_found_again_by_the_run_they_belong_to():
    results = read(row("ci", hardware=AMD), row("ci", B, 1, hardware=INTEL), row("ci-2", B, hardware=AMD))
    fleet = fleet_of(results.frame, Sessions(), rules(ci="{processor}"))
    lost = "c" * 40  # its run was stopped
    sessions = Sessions(
        (session(key("ci"), A), session(key("ci"), B), session(key("ci"), lost), session(key("ci-2"), B))
    )
    assert [each.key.machine for each in sessions_of(sessions, fleet).sessions] == ["EPYC", "Xeon", "Xeon", "EPYC"]
    first, second, third = Ratio(A, A, (0.1,)), Ratio(A, B, (0.2,)), Ratio(A, B, (0.3,))
    ratios = Ratios({key("ci"): (first, second), key("ci-2"): (third,)}, ("a problem",))
    assert ratios_of(ratios, fleet) == Ratios({key("EPYC"): (first, third), key("Xeon"): (second,)}, ("a problem",))


def test_the_reason_of_a_run_is_that_of_the_host_that_measured_it_last():
    rows = [row("ci-1", hour=5, outcome=Outcome.FAILED), row("ci-2", hour=2), row("ci-1", B), row("ci-2", B, 3)]
    cell = "m.time_it", ()
    by_series = {(cell, "ci-1", "env"): {A: "late", B: "early"}, (cell, "ci-2", "env"): {A: "early", B: "late"}}
    fleet = fleet_of(read(*rows).frame, Sessions(), rules(ci="pool"))
    reasons = sessions_of(Sessions(reasons=Reasons(by_series)), fleet).reasons
    assert reasons.of(key("pool")) == {A: "late", B: "late"}


def test_without_rules_all_is_as_it_was():
    results, sessions, ratios = read(row("box")), Sessions(), Ratios({})
    fleet = fleet_of(results.frame, sessions, [])
    assert fleet == Fleet()
    assert (results_of(results, fleet), sessions_of(sessions, fleet), ratios_of(ratios, fleet)) == (
        results, sessions, ratios,
    )  # fmt: skip
    assert (fleet.name("box", "env", A), fleet.meant("box")) == ("box", {"box"})
