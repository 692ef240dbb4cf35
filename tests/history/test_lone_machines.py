"""The hint for a pool of runners: when it is given, and the line that it asks for."""

import tomllib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from tbp.asv.results import read_results
from tbp.asv.sessions import Sessions
from tbp.history.lone_machines import lone_machines
from tbp.history.runs import runs
from tbp.model.runs import Run
from tbp.project.commits import read_commits

from ..fleets import many_machines
from ..histories import numbered

POOL = [f"fv-az{number}" for number in (7, 81, 12)]


def run_of(machine: str, night: int, measured: int = 1, **facts: str) -> Run:
    commit = numbered(night)
    hardware = tuple(facts.items())
    return Run(commit, machine, "env", hardware=hardware, measured=measured, started=commit.date + timedelta(hours=3))


def nights(machines: Iterable[str], first: int = 0, **facts: str) -> list[Run]:
    """Each machine measures another commit."""
    return [run_of(machine, first + night, **facts) for night, machine in enumerate(machines)]


def test_three_machines_of_a_run_each_are_a_pool_with_a_line_to_paste():
    sentence = lone_machines(nights(POOL, processor="EPYC"), frozenset())
    assert sentence == (
        "3 machines have one or two runs each, so nothing can be judged: `tbp nightly --machine NAME` gives them one "
        'name, or [tool.tbp.machines] in pyproject.toml with "^fv-az" = "fv-az {processor}"'
    )


@pytest.mark.parametrize(
    ("further", "is_pool"),
    [
        (nights(["box"] * 90, -100), True),  # a machine of other times
        (nights(["box"] * 8, 10), False),  # the pool is of other times
        (nights(["box"] * 7, 10), True),
        (nights(POOL, 10), True),  # two runs each
        (nights([*POOL, *POOL], 10), False),  # three
        ([run_of(machine, 9, measured=0) for machine in POOL * 3], True),  # nothing was measured
    ],
)
def test_machines_with_few_runs_are_a_pool_where_they_are_the_newest(further: list[Run], is_pool: bool):
    assert bool(lone_machines([*nights(POOL), *further], frozenset())) is is_pool


def test_two_machines_and_a_young_fleet_are_no_pool():
    assert lone_machines(nights(POOL[:2]), frozenset()) == ""
    fleet = [run_of(machine, night) for machine in POOL for night in (0, 1)]
    assert lone_machines(fleet, frozenset()) == ""


def test_the_project_knows_of_machines_that_its_rules_name():
    assert lone_machines(nights(POOL), frozenset(POOL)) == ""
    assert lone_machines(nights(POOL), frozenset(POOL[:1])) == ""


@pytest.mark.parametrize(
    ("names", "facts", "line"),
    [
        (["ci-3", "ci-44", "ci-5"], {"GPU": "H100", "processor": "EPYC"}, '"^ci-" = "ci {GPU}"'),
        (["ci-3", "ci-44", "ci-5"], {}, '"^ci-" = "ci"'),
        (["vm.a1", "vm.a2", "vm.a9"], {}, '"^vm[.]a" = "vm.a"'),
        (["host10", "host11", "host12"], {}, '"^host" = "host"'),
        (["a1", "a2", "a3"], {}, ""),
        (["x", "", "z"], {}, ""),
        (['ci"]\n-1', 'ci"]\n-2', 'ci"]\n-3'], {}, '"^ci" = "ci"'),
        (["<b>1", "<b>2", "<b>3"], {}, ""),
    ],
)
def test_the_line_has_what_the_names_begin_with(names: list[str], facts: dict[str, str], line: str):
    sentence = lone_machines(nights(names, **facts), frozenset())
    assert sentence.endswith(f"pyproject.toml with {line}" if line else "in pyproject.toml")
    assert not line or tomllib.loads(line)


def test_a_runner_that_came_back_hinders_no_line():
    new = nights(["fv-az1", "fv-az2", "fv-az3"])
    assert lone_machines([*nights(["fv-az7"] * 5, -30), *new], frozenset()).endswith('"^fv-az" = "fv-az"')
    assert lone_machines([*nights(["fv-az7"] * 6, -30), *new], frozenset()).endswith("in pyproject.toml")


def test_no_line_takes_another_machine_along():
    sentence = lone_machines([*nights(["fv-azure"] * 20, -30), *nights(POOL)], frozenset())
    assert sentence.endswith("in pyproject.toml")


@pytest.mark.parametrize("name", ["lightning", "mjwarp", "pyg"])
def test_no_project_of_a_few_machines_is_a_pool(name: str, real_results):
    results = read_results(real_results(name))
    assert lone_machines(runs(results, Sessions(), read_commits(results.commits)), frozenset()) == ""


def test_a_fleet_is_no_pool(tmp_path: Path):
    results = read_results(many_machines(tmp_path, commits=2))
    assert lone_machines(runs(results, Sessions(), read_commits(results.commits)), frozenset()) == ""


IDENTIFIERS = ["0f3a9c21b7de", "a1b2c3d4e5f6", "9e8d7c6b5a40"]


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (IDENTIFIERS, ['"^[0-9a-f]{12}$" = "container {processor}"']),
        (["runner-xk", "runner-plw", "runner-q"], ['"^runner-" = "runner {processor}"']),
        (
            ["fv-az1", "fv-az2", "fv-az3", "fv-az4", "ip-10-0-1-7", "ip-10-2-1-7", "ip-9-9-9-9", "mac"],
            ['"^fv-az" = "fv-az {processor}"', '"^ip-" = "ip {processor}"'],
        ),
        ([*IDENTIFIERS, "box-1", "box-2"], ['"^[0-9a-f]{12}$" = "container {processor}"']),  # two are no pool
    ],
)
def test_each_kind_of_names_has_a_line(names: list[str], lines: list[str]):
    sentence = lone_machines(nights(names, processor="EPYC"), frozenset())
    assert sentence.endswith(f"pyproject.toml with {' and '.join(lines)}")
    assert all(tomllib.loads(line) for line in lines)
