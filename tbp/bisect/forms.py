"""A bisection on a terminal, and as JSON for other programs.

The JSON is strict and in ASCII, as that of ``tbp gate``; what is no finite number is ``null``. ``tbp schema bisection``
and docs/reference/json.md have the fields. ``culprit`` is the commit, or the last one of a range, against the one
before it. ``remaining`` is relative; ``seconds`` is the time of this try.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import asdict
from rich.console import RenderableType
from rich.text import Text

from tbp.bisect.bisection import Bisection, Culprit, Ending, ProbeResult
from tbp.model.series import short_hash
from tbp.system.strict_json import strict_json
from tbp.wording import phrases, words
from tbp.wording.terminal import Paragraph, terminal_text
from tbp.wording.words import one_line

# 1: the first.
FORMAT = 1
MOST_SUBJECT = 400  # characters of a subject or a sentence
MOST_LISTED = 12  # suspects of a range


def to_json(result: Bisection) -> str:
    """The bisection as one JSON object, indented, its last line ended."""
    return strict_json(_plain(result), indent=2) + "\n"


def _plain(result: Bisection) -> Mapping[str, Any]:
    fields = asdict(result) | {
        "ending": result.ending.value,
        "inside": None if result.inside is None else _plain(result.inside),
    }
    derived = {"format": FORMAT, "sentence": sentence(result), "gates": result.gates, "pairs": result.pairs}
    return derived | fields


def sentence(result: Bisection) -> str:
    """The answer in one sentence: ``3f2a1b4c made NAME +9.8 % slower (99 % CI 8.1–11.2)``."""
    if result.culprit is not None and result.ending in (Ending.COMMIT, Ending.RANGE):
        changed = phrases.effect(result.culprit.judgement)
        if result.ending is Ending.COMMIT:
            return f"{short_hash(result.culprit.commit.commit)} made {one_line(result.name)} {changed}"
        return (
            f"One of {words.count(len(result.suspects), 'commit')} made {one_line(result.name)} {changed}; "
            "the others of them cannot be measured"
        )
    if result.ending is Ending.NO_CHANGE:
        between = f"{phrases.judged(result.good)} and {phrases.judged(result.bad)}"
        return f"No change of {one_line(result.name)} between {between}: {phrases.effect(result.ends)}"
    left = f"; {words.count(len(result.suspects), 'commit')} left" if result.suspects else ""
    reason = f": {one_line(result.reason)}" if result.reason else ""
    return f"Cannot tell which commit changed {one_line(result.name)}{reason}{left}"


def text(result: Bisection, *, colour: bool = False, width: int = 80) -> str:
    """The bisection for a terminal, its last line ended."""
    return terminal_text(_parts(result), width=width, colour=colour)


def _parts(result: Bisection) -> Iterator[RenderableType]:
    yield Paragraph(sentence(result), later="  ", most=5 * MOST_SUBJECT)
    if result.culprit is not None and result.ending in (Ending.COMMIT, Ending.RANGE):
        yield from _culprit(result, result.culprit)
    elif result.suspects:
        yield Paragraph(f"they are {_range(result)}", "  ")
    yield ""
    yield Paragraph(f"GOOD {phrases.judged(result.good)}: {one_line(result.good.subject)}", later="  ")
    yield Paragraph(f"BAD  {phrases.judged(result.bad)}: {one_line(result.bad.subject)}", later="  ")
    yield Paragraph(f"BAD against GOOD: {phrases.effect(result.ends) or 'nothing known'}{_share(result)}", later="  ")
    yield Paragraph(_measured(result), later="  ")
    for probe in result.probes:
        yield Paragraph(_probe(probe), "  ", "      ")
    if result.inside is not None:
        yield from ("", Text("Inside the merge", "bold"), *_parts(result.inside))
    for note in result.notes:
        yield Paragraph(f"Note: {note}", later="  ")
    if result.next:
        yield from ("", Text("Next", "bold"))
        for command in result.next:
            purpose, _, line = command.partition(": ")
            yield Paragraph(f"{line}   # {purpose}", "  ", "      ", most=5 * MOST_SUBJECT)


def _culprit(result: Bisection, culprit: Culprit) -> Iterator[RenderableType]:
    commit, judgement = culprit.commit, culprit.judgement
    yield Paragraph(f"{commit.commit}{' (a merge)' if commit.is_merge else ''}", "  ", most=MOST_SUBJECT)
    yield Paragraph(one_line(commit.subject), "  ", most=MOST_SUBJECT)
    yield Paragraph(f"{one_line(commit.author)}, {one_line(commit.date)}", "  ", most=MOST_SUBJECT)
    if result.ending is Ending.RANGE:
        yield Paragraph(f"or an earlier one: {_range(result)}", "  ")
    yield Paragraph(f"{phrases.before_after(judgement)}, {_evidence(result, culprit)}", "  ")
    for operator in judgement.operators:
        yield Paragraph(operator, "    ", most=MOST_SUBJECT)
    for step in result.steps:
        yield Paragraph(f"also {short_hash(step.commit.commit)}: {phrases.effect(step.judgement)}", "  ")


def _evidence(result: Bisection, culprit: Culprit) -> str:
    if [against.commit for against in culprit.rests_on] == [culprit.before]:
        return f"{words.count(culprit.judgement.evidence, 'pair')} against {short_hash(culprit.before)} before it"
    names = {result.good.commit: "GOOD"}
    parts = [
        f"{words.count(against.pairs, 'pair')} against {names.get(against.commit, short_hash(against.commit))}"
        for against in culprit.rests_on
    ]
    return f"from {' and '.join(parts)}"


def _range(result: Bisection) -> str:
    return words.named([short_hash(suspect.commit) for suspect in result.suspects], MOST_LISTED)


def _share(result: Bisection) -> str:
    """The part of the change that the culprit makes."""
    if result.culprit is None or result.ending not in (Ending.COMMIT, Ending.RANGE):
        return ""
    if not result.has_remainder:
        return "; that step explains it"
    low, high = words.signed_percent(result.remaining_low), words.signed_percent(result.remaining_high)
    rest = f"{words.signed_percent(result.remaining)} ({low} to {high})"
    is_largest = abs(result.culprit.judgement.effect) >= abs(result.remaining)
    return f"; that step is {'the largest part' if is_largest else 'a part'} of it, {rest} came otherwise"


def _measured(result: Bisection) -> str:
    between = words.count(result.commits, "commit")
    where = f" on {one_line(result.machine)}" if result.machine else ""
    environment = f" ({one_line(result.environment)})" if result.environment else ""
    counted = f"{words.count(result.gates, 'gate')}, {words.count(result.pairs, 'pair')}"
    return f"{between}, {counted}{where}{environment} in {result.seconds:,.0f} s"


_ROLES = {"ends": "BAD against GOOD", "probe": "against GOOD", "step": "against"}


def _probe(probe: ProbeResult) -> str:
    if probe.role == "skipped":
        return f"{short_hash(probe.commit)} left out: {one_line(probe.reason)}"
    against = f"{_ROLES[probe.role]} {short_hash(probe.against)}" if probe.role == "step" else _ROLES[probe.role]
    ruling = {"good": "like GOOD", "bad": "like BAD"}.get(probe.ruling, probe.ruling)
    ruling = {"bad": "a change", "good": "no change"}.get(probe.ruling, ruling) if probe.role == "ends" else ruling
    effect = words.signed_percent(probe.effect)
    return f"{short_hash(probe.commit)} {against}: {effect} in {words.count(probe.pairs, 'pair')}, {ruling}"
