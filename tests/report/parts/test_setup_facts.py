"""All that differs between two setups is there to be told, at each commit."""

from datetime import UTC, datetime, timedelta

from tbp.model.runs import Machine, Run
from tbp.model.series import Commit, Setup
from tbp.report.parts.setup_facts import PACKAGES, SetupFacts, setup_facts

COMMITS = [Commit(f"{place:040x}", datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=place)) for place in range(4)]
COLUMNS = {commit.hash: place for place, commit in enumerate(COMMITS)}
OLD, NEW = Setup("bench", "py3.12"), Setup("bench", "py3.13")


def run(place: int, setup: Setup, system: str = "", **more: object) -> Run:
    hardware = (("system", system),) if system else ()
    return Run(
        COMMITS[place], setup.machine, setup.environment, python=setup.environment[2:], hardware=hardware, **more
    )  # type: ignore[arg-type]


def at(found: SetupFacts, place: int, column: int) -> dict[str, str]:
    """The setup that ``static/pages/setups.js`` finds for a setup at a column."""
    known = [own for start, own in found.places[place] if start <= column][-1]
    return {name: value for name, value in zip(found.names, known, strict=True) if value}


def test_two_pythons_of_one_machine_on_two_systems_differ_in_both():
    runs = [run(0, OLD, "Ubuntu 22.04"), run(0, NEW, "Windows 11")]
    found = setup_facts([OLD, NEW], runs, [Machine("bench", (("system", "Windows 11"),))], COLUMNS)
    assert at(found, 0, 0) == {"python": "3.12", "system": "Ubuntu 22.04"}
    assert at(found, 1, 0) == {"python": "3.13", "system": "Windows 11"}
    assert found.hardware == ("system",)
    assert found.unrecorded == ("processor", PACKAGES)


def test_each_commit_has_its_own():
    runs = [run(0, OLD, "Linux 5"), run(0, NEW, "Linux 5"), run(2, OLD, "Linux 6"), run(3, OLD)]
    found = setup_facts([OLD, NEW], runs, [], COLUMNS)
    assert [at(found, 0, column)["system"] for column in range(4)] == ["Linux 5", "Linux 5", "Linux 6", "Linux 6"]


def test_runs_older_than_the_first_column_hold_from_there():
    found = setup_facts([OLD, NEW], [run(0, OLD, "Linux 5"), run(0, NEW, "Linux 6")], [], {COMMITS[1].hash: 0})
    assert at(found, 0, 0)["system"] == "Linux 5"


def test_the_machine_speaks_where_no_run_does():
    other = Setup("laptop", "py3.12")
    machines = [Machine("bench", (("system", "Linux 5"),)), Machine("laptop", (("system", "macOS 15"),))]
    found = setup_facts([OLD, other], [run(0, OLD), run(0, other)], machines, COLUMNS)
    assert [at(found, place, 0) for place in (0, 1)] == [{"system": "Linux 5"}, {"system": "macOS 15"}]


def test_what_is_asked_for_or_installed_in_one_alone_is_absent_in_the_other():
    runs = [
        run(0, OLD, requirements=(("pip+torch", "2.12"), ("six", "")), packages=(("numpy", "2.1"), ("tqdm", "4"))),
        run(0, NEW, packages=(("numpy", "2.1"),)),
    ]
    found = setup_facts([OLD, NEW], runs, [], COLUMNS)
    assert at(found, 0, 0) == {"python": "3.12", "torch": "2.12", "six": "any version", "tqdm": "4"}
    assert at(found, 1, 0) == {"python": "3.13", "torch": "none", "six": "none", "tqdm": "none"}
    assert found.unrecorded == ("processor", "system")


def test_packages_that_only_one_lists_are_not_recorded_of_the_other():
    runs = [run(0, OLD, packages=(("numpy", "2.1"),)), run(0, NEW)]
    found = setup_facts([OLD, NEW], runs, [], COLUMNS)
    assert PACKAGES in at(found, 0, 0)
    assert PACKAGES not in at(found, 1, 0)
    assert "numpy" not in at(found, 1, 0)
