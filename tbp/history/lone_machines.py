"""A pool of runners that shows: each run has a new machine, and no machine has enough runs for a verdict.

Takes the runs of a folder, gives a sentence with the line of pyproject.toml that makes one machine of the pool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence, Set
from os.path import commonprefix

from tbp.model.runs import Run
from tbp.wording import words

# Fewer may be somebody's laptops, and a name is soon given to each.
LEAST_MACHINES = 3
# A machine that comes back has more. A night on a new runner leaves its commit, and the one before for comparison.
MOST_RUNS = 2
# The machines must be those of the newest runs: strays of other years are no pool. Ten are a fortnight of nights.
NEWEST_RUNS = 10
# Commits for each machine. A fleet measures the same commits on all of its machines: three with two runs each have 0.67
# a machine. A pool hands each commit to one, but for some that run again.
LEAST_COMMITS = 0.75
LEAST_LETTERS = 2  # of a beginning that names have in common: one letter is chance


def lone_machines(runs: Sequence[Run], ruled: Set[str]) -> str:
    """A sentence, without its stop, on machines of one or two runs; empty where they are no pool.

    ``ruled`` are names that the project's rules gave: of those it knows.
    """
    commits: dict[str, set[str]] = {}
    newest: dict[str, Run] = {}
    for run in sorted((run for run in runs if run.measured), key=_at):
        commits.setdefault(run.machine, set()).add(run.commit.hash)
        newest[run.machine] = run
    lone = {machine for machine, hashes in commits.items() if len(hashes) <= MOST_RUNS} - ruled
    if len(lone) < LEAST_MACHINES or len(_newest(runs) & lone) < LEAST_MACHINES:
        return ""
    if len(set().union(*(commits[machine] for machine in lone))) < LEAST_COMMITS * len(lone):
        return ""
    rule = _rule(
        sorted(lone), commits.keys() - lone, {name for machine in lone for name, _ in newest[machine].hardware}
    )
    return (
        f"{words.count(len(lone), 'machine')} have one or two runs each, so nothing can be judged: "
        f"`tbp nightly --machine NAME` gives them one name, or [tool.tbp.machines] in pyproject.toml"
        f"{rule and f' with {rule}'}"
    )


def _at(run: Run) -> float:
    return (run.started or run.commit.date).timestamp()


def _newest(runs: Iterable[Run]) -> set[str]:
    """The machines of the newest runs, of which each commit on a machine is one."""
    newest: dict[tuple[str, str], str] = {}
    for run in sorted((run for run in runs if run.measured), key=_at, reverse=True):
        newest.setdefault((run.machine, run.commit.hash), run.machine)
    return set(list(newest.values())[:NEWEST_RUNS])


def _rule(lone: Sequence[str], rest: Collection[str], facts: Set[str]) -> str:
    """``"^fv-az" = "fv-az {processor}"``; empty where the names have no beginning of their own in common."""
    beginning = _beginning(lone)
    if not beginning or any(machine.startswith(beginning) for machine in rest):
        return ""
    told_by = next((f" {{{fact}}}" for fact in ("GPU", "processor") if fact in facts), "")
    pattern = json.dumps(f"^{beginning.replace('.', '[.]')}")  # every JSON string is a TOML string
    return f"{pattern} = {json.dumps(beginning.rstrip('-_. ') + told_by)}"


def _beginning(names: Sequence[str]) -> str:
    """The text that all names begin with, up to the number in which they differ; empty where it says too little."""
    plain = re.match(r"[\w. -]*", commonprefix(names), re.ASCII)  # noqa: RUF071 - by characters
    beginning = plain[0].rstrip("0123456789") if plain is not None else ""
    return beginning if sum(map(str.isalpha, beginning)) >= LEAST_LETTERS else ""
