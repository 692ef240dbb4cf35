"""One change of a series with all its evidence, as words and rows.

Takes a history and one of its changes, gives what the template shows; the page around it belongs to ``detail``.
"""

from __future__ import annotations

from msgspec import Struct

from tbp.model.changes import ChangeEvidence, ChangeKind, History
from tbp.model.points import last_with_level
from tbp.report.parts import addresses, change_sides, trace_rows, trace_words, triage_words
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.flame import Flame, change_flame
from tbp.report.parts.raw_traces import RawTraces, raw_traces
from tbp.wording import verdicts, words

SAME = "…"
"""In a command to copy: the pattern of the command before it, which is most of its length; a script writes it out."""

IN_FULL = 3
"""Changes of a series shown with all their evidence: the newest confirmed ones. All others are told in a line."""


class Link(Struct, frozen=True):
    """To another place of the same page, where something is told already."""

    anchor: str
    words: str  # the words that are the link
    rest: str = ""  # of the sentence
    tells_before: bool = False  # the last commit with the old level
    tells_around: bool = False  # what the runs were measured with


class EventLine(Struct, frozen=True):
    """Words on other series that moved too, with a link to all of them."""

    anchor: str  # on the page of changes
    link: str  # the words that are the link
    rest: str  # of the sentence


class ChangeBlock(Struct, frozen=True):
    """One change of a series with its evidence."""

    index: int  # of the change: which one it is
    effect: str
    doubt: str  # why it is only suspect; empty for a confirmed one
    merit: str  # "worse" or "better"; empty where the code is not what changed, or only came back
    kind: str  # what it is put down to where that is not the code
    levels: str
    interval: str  # that holds the true size; empty where it is not known
    probability: str
    commit: CommitLink | None
    before: CommitLink | None  # the last commit with the old level
    lead: str  # what the traced step did against what was measured; empty without traces
    explanation: str
    traces: trace_rows.Told | None
    remark: str  # why there is nothing of traces, or which were taken
    strips: change_sides.Strips | None
    around: change_sides.Around
    command: str  # measures both commits in turns and judges; empty where there is none
    again: str  # measures this commit, with SAME for the pattern that ``command`` ends with; empty where there is none
    flame: Flame | None = None
    raw_traces: RawTraces | None = None  # the files of the traces on both sides
    triage: triage_words.TriageNote | None = None  # what acks.toml says of it
    of_several: str = ""  # "one of 4 commits": by the runs of the series itself
    event: EventLine | None = None
    together: Link | None = None  # to what its event did to other series of the page
    around_at: Link | None = None  # to where else than at ``together`` the page tells ``around`` in full
    around_anchor: str = ""  # where others refer to it


def change_blocks(
    history: History, commit_url: str, results: str = ""
) -> tuple[tuple[ChangeBlock, ...], tuple[ChangeBlock, ...]]:
    """(shown in full, told in a line) of the series' changes, newest first; ``results`` as of ``ReportData``."""
    newest_first = history.changes[::-1]
    in_full = [evidence for evidence in newest_first if evidence.change.confirmed][:IN_FULL]
    brief = [evidence for evidence in newest_first if evidence not in in_full]
    full, lines = (
        tuple(_change(history, evidence, commit_url, results) for evidence in some) for some in (in_full, brief)
    )
    return full, lines


def _change(history: History, evidence: ChangeEvidence, commit_url: str, results: str) -> ChangeBlock:
    change, difference = evidence.change, evidence.difference
    commit = history.commit_at(change.index)
    moved = words.signed_difference(change.before, change.after, history.unit)
    last = last_with_level(history.points, change.index) if commit else None
    before = last.commit if last is not None else None
    command = addresses.gate(history.key, before, commit) if before and commit else ""
    again = addresses.reproduction(history.key, commit) if commit else ""
    return ChangeBlock(
        index=change.index,
        effect=verdicts.effect(change, history.unit, history.better),
        doubt="" if change.confirmed else f"suspect, {change.doubt or 'not confirmed'}",
        merit=("", "worse", "better")[change.merit(history.better)],
        kind="" if change.kind is ChangeKind.CODE else change.kind.value,
        levels=f"{verdicts.before_after(change, history.unit)} ({moved})",
        interval=verdicts.interval_of_change(change, history.unit, "+"),
        probability=words.probability(change.p_value),
        commit=commit_link(commit, commit_url) if commit else None,
        before=commit_link(before, commit_url) if before else None,
        lead=trace_words.lead(evidence, history.unit),
        explanation=trace_words.explanation(evidence, history.unit),
        traces=trace_rows.told(difference) if difference is not None else None,
        remark=evidence.note or ("" if difference is not None else "No trace on one of the two sides."),
        strips=change_sides.strips(evidence.sides, history.unit) if evidence.sides is not None else None,
        around=change_sides.around(evidence),
        command=command,
        again=again.replace(_pattern(command), SAME, 1) if command else again,
        flame=change_flame(history, evidence),
        raw_traces=raw_traces(evidence.recorded, results),
        triage=triage_words.triage_note(evidence.triage) if evidence.triage is not None else None,
    )


def _pattern(command: str) -> str:
    """The pattern that picks the benchmark: the last argument."""
    return command.partition(" --bench ")[2]
