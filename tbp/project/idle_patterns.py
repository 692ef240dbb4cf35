"""Patterns of ``[tool.tbp]`` that match nothing: a slip in one sets nothing, and no verb misses it.

Takes the policy and the names of a project's results, gives a sentence on each pattern that finds none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tbp.project.near_names import near_phrase
from tbp.project.patterns import finds
from tbp.project.policy import Policy
from tbp.wording.words import value_text


def idle_patterns(policy: Policy, benchmarks: Collection[str], machines: Collection[str]) -> Iterator[str]:
    """A sentence on each pattern of ``better`` and ``machines`` that finds no name; none on a kind without names."""
    better = [pattern for pattern, _ in policy.better]
    rules = [rule.pattern for rule in policy.machines]
    for table, patterns, kind, names in (
        ("better", better, "benchmark", benchmarks),
        ("machines", rules, "machine", machines),
    ):
        idle = [each.pattern for each in patterns if names and not any(finds(each, name) for name in names)]
        for pattern in idle:
            matches = f"{value_text(pattern)} matches no {kind} of the results"
            yield f"[tool.tbp.{table}] {matches}; {near_phrase(pattern, names)}"
