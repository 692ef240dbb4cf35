"""The content of a results folder, read and put in line: what histories are made from.

Takes a configuration or a folder, gives a ``Stored``: results and sessions under the names of their machines, the order
of their commits, ratios, and the project's policy. What is judged of them is left to others.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.fleet import Fleet, fleet_of, ratios_of, results_of, sessions_of
from tbp.asv.ratios import Ratios
from tbp.asv.results import Results, of_machine
from tbp.asv.sessions import Sessions, named_as_today
from tbp.asv.sources import Where, source_of
from tbp.errors import NothingMeasured
from tbp.history.build import histories
from tbp.history.known_series import findings
from tbp.history.trace_evidence import no_trace
from tbp.model.changes import History
from tbp.project.asv_config import AsvConfig, own_config
from tbp.project.commits import MOST_LINES, Commits, read_commits
from tbp.project.policy import Policy, read_policy


class Stored(Struct, frozen=True):
    """The content of a results folder, with the order of its commits and the project's policy."""

    folder: Path
    name: str  # of the project, where no configuration has one
    results: Results
    sessions: Sessions
    commits: Commits
    policy: Policy
    config: AsvConfig | None  # None: the results are from elsewhere
    ratios: Ratios = Ratios({})  # of the pairs that nights measured
    fleet: Fleet = Fleet()  # the names of the machines, by asv's identifiers


def stored(config: AsvConfig | None, results: Where | None, machine: str = "") -> Stored:
    """Returns everything in ``results``, or where ``config`` keeps its results; of ``machine`` unless it is empty.

    ``machine`` is a name, by the project's rules for them, or asv's identifier.

    Raises:
        NothingMeasured: there is no result in it.
        UsageError: the project's pyproject.toml asks for what cannot be meant, or the machine has no result.
    """
    project = own_config(config, results)
    source = source_of(config, results)
    folder = source.folder
    policy = read_policy(project.policy_file) if project else Policy()
    recorded, recorded_sessions = source.results(), source.sessions()
    fleet = fleet_of(recorded.frame, recorded_sessions, policy.machines)
    names = fleet.meant(machine)
    named = of_machine(results_of(recorded, fleet), machine, names)
    line = (project.repository, project.branch, project.path) if project is not None else ()
    commits = read_commits(named.commits, *line)
    if commits.lines and not commits.order:
        further = ", ".join(line.name for line in commits.lines[:MOST_LINES])
        raise NothingMeasured(
            f"no commit of {commits.branch} has a result in {folder}; those that have are of other lines ({further}): "
            "say --branch NAME, run `git fetch`, or correct branches in asv.conf.json"
        )
    sessions = sessions_of(recorded_sessions, fleet)
    if machine:
        sessions = replace(sessions, sessions=tuple(each for each in sessions.sessions if each.key.machine in names))
    sessions = named_as_today(sessions, named.benchmarks)
    ratios = ratios_of(source.ratios(), fleet)
    return Stored(folder, source.project, named, sessions, commits, policy, project, ratios, fleet)


def by_themselves(store: Stored) -> tuple[History, ...]:
    """Returns every series as its runs alone show it: without pairs, traces and acknowledgements."""
    return histories(store.results, store.sessions, store.commits, no_trace, [], store.policy, findings)
