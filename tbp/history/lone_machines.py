"""A pool of runners that shows: each run has a new machine, and no machine has enough runs for a verdict.

Takes the runs of a folder, gives a sentence with the lines of pyproject.toml that make one machine of each pool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from os.path import commonprefix

from msgspec import Struct

from tbp.model.runs import Run
from tbp.wording import words

# Fewer may be somebody's laptops, and a name is soon given to each.
LEAST_MACHINES = 3
# A machine that comes back has more. A night on a new runner leaves its commit, and the one before for comparison.
MOST_RUNS = 2
# Runs of a machine that a line may find along with the pool: of 300 runners some come back. More are a machine's.
MOST_AGAIN = 5
# The machines must be those of the newest runs: strays of other years are no pool. Ten are a fortnight of nights.
NEWEST_RUNS = 10
# Commits for each machine. A fleet measures the same commits on all of its machines: three with two runs each have 0.67
# a machine. A pool hands each commit to one, but for some that run again.
LEAST_COMMITS = 0.75
MOST_LINES = 3  # kinds of names with a line each: more pools are no pools
# Names that have nothing in common but their form: an identifier of a container, one of a virtual machine.
RANDOM_NAMES = {"^[0-9a-f]{12}$": "container", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$": "vm"}
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
    facts = {machine: frozenset(name for name, _ in run.hardware) for machine, run in newest.items()}
    pool = pool_of(commits, facts, ruled)
    return pool.sentence if pool is not None and len(_newest(runs) & pool.machines) >= LEAST_MACHINES else ""


class Pool(Struct, frozen=True):
    """Machines that are there for one or two runs, and the lines of pyproject.toml that would make one of them."""

    machines: frozenset[str]
    lines: tuple[str, ...]  # one for each kind of name; none: the names have nothing in common

    @property
    def sentence(self) -> str:
        """A sentence without its stop: how many they are, and the lines to paste."""
        lines = f" with {words.joined(self.lines)}" if self.lines else ""
        return (
            f"{words.count(len(self.machines), 'machine')} have one or two runs each, so nothing can be judged: "
            f"`tbp nightly --machine NAME` gives them one name, or [tool.tbp.machines] in pyproject.toml{lines}"
        )


def pool_of(commits: Mapping[str, Set[str]], facts: Mapping[str, Set[str]], ruled: Set[str]) -> Pool | None:
    """The pool among machines with these ``commits`` and names of known ``facts``; None where they are none."""
    lone = {machine for machine, hashes in commits.items() if len(hashes) <= MOST_RUNS} - ruled
    if len(lone) < LEAST_MACHINES:
        return None
    if len(set().union(*(commits[machine] for machine in lone))) < LEAST_COMMITS * len(lone):
        return None
    rest = {machine for machine, hashes in commits.items() if len(hashes) > MOST_AGAIN}
    return Pool(frozenset(lone), tuple(rule_lines({machine: facts.get(machine, set()) for machine in lone}, rest)))


def _at(run: Run) -> float:
    return (run.started or run.commit.date).timestamp()


def _newest(runs: Iterable[Run]) -> set[str]:
    """The machines of the newest runs, of which each commit on a machine is one."""
    newest: dict[tuple[str, str], str] = {}
    for run in sorted((run for run in runs if run.measured), key=_at, reverse=True):
        newest.setdefault((run.machine, run.commit.hash), run.machine)
    return set(list(newest.values())[:NEWEST_RUNS])


def rule_lines(facts: Mapping[str, Set[str]], rest: Collection[str]) -> list[str]:
    """``"^fv-az" = "fv-az {processor}"`` for each kind of name; none finds a machine of the ``rest``.

    ``facts`` are the names of what is known of each machine of the pool.
    """
    whole = _line(sorted(facts), facts, rest)
    if whole:
        return [whole]
    kinds: dict[str, list[str]] = {}
    for machine in sorted(facts):
        kinds.setdefault(_kind(machine), []).append(machine)
    largest = sorted(kinds.values(), key=len, reverse=True)[:MOST_LINES]
    lines = [_line(machines, facts, rest) for machines in largest if len(machines) >= LEAST_MACHINES]
    return [line for line in lines if line]


def _kind(machine: str) -> str:
    """The start of a name that tells its pool from others: a pattern, or its first letters."""
    for pattern in RANDOM_NAMES:
        if re.search(pattern, machine):
            return pattern
    letters = re.match(r"[A-Za-z]*", machine)
    return letters[0] if letters is not None else ""


def _line(machines: Sequence[str], facts: Mapping[str, Set[str]], rest: Collection[str]) -> str:
    """The line that finds all of ``machines`` by their names; empty where it would find others, or anything."""
    kind = _kind(machines[0])
    if kind in RANDOM_NAMES and all(map(re.compile(kind).search, machines)):
        pattern, name = kind, RANDOM_NAMES[kind]
    elif beginning := _beginning(machines):
        pattern, name = f"^{beginning.replace('.', '[.]')}", beginning.rstrip("-_. ")
    else:
        return ""
    if any(map(re.compile(pattern).search, rest)):
        return ""
    known = set().union(*(facts[machine] for machine in machines))
    told_by = next((f" {{{fact}}}" for fact in ("GPU", "processor") if fact in known), "")
    return f"{json.dumps(pattern)} = {json.dumps(name + told_by)}"  # every JSON string is a TOML string


def _beginning(names: Sequence[str]) -> str:
    """The text that all names begin with, up to the number in which they differ; empty where it says too little."""
    plain = re.match(r"[\w. -]*", commonprefix(names), re.ASCII)  # noqa: RUF071 - by characters
    beginning = plain[0].rstrip("0123456789") if plain is not None else ""
    return beginning if sum(map(str.isalpha, beginning)) >= LEAST_LETTERS else ""
