"""``summary.json``: the report's verdicts, events and series for other programs.

docs/reference/data-files.md describes the fields. Takes ``ReportData``, gives bytes.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from tbp.history.events import Event, SeriesChange
from tbp.history.ranges import Range, range_of
from tbp.history.shift_sentences import first_said
from tbp.model.changes import ChangeEvidence, History, State
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Better, Commit, Line, SeriesKey
from tbp.model.triage import Triage
from tbp.report.base.report_data import ReportData
from tbp.report.parts import event_words, trace_words, triage_words
from tbp.report.parts.addresses import series_href
from tbp.report.parts.answer import Answer, answer
from tbp.report.parts.next_steps import NextSteps, next_steps
from tbp.report.parts.series_order import ranked
from tbp.report.parts.shown_change import told_change
from tbp.report.parts.standing import series_in
from tbp.system.strict_json import strict_json
from tbp.wording import verdicts

Key: TypeAlias = tuple[SeriesKey, int]  # of a change: its series, and its index there
Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

# The fields are documented in docs/reference/data-files.md; to rename or remove one is another format.
# 1: the first.
FORMAT = 1


def summary_json(data: ReportData) -> bytes:
    """Verdict, states, events, every series with its changes; strict JSON in ASCII, NaN and infinities as null."""
    histories = ranked(data.histories)
    content: dict[str, Value] = {
        "format": FORMAT,
        "project": data.project,
        "first": first_said(data.standing_shifts) if data.standing_shifts else "",
        "verdict": data.since_base(verdicts.verdict(histories)),
        "branch": data.branch,
        "lines": [_line(line) for line in dict.fromkeys(runs.line for runs in data.beside)],
        "base": {"revision": data.base.revision, **_commit(data.base.commit)} if data.base else None,
        "newest": _commit(data.newest) if data.newest else None,
        "confidence": CONFIDENCE,
        "states": {state.value: number for state, number in verdicts.tally(histories).items()},
        "problems": list(data.problems),
    }
    answered = answer(data)
    content["answer"] = _answer(answered, {id(event): number for number, event in enumerate(data.events)})
    # A line for each field and each series: thousands of series stay small, and two files can be compared.
    fields = [f"{json.dumps(name)}: {strict_json(value)}" for name, value in content.items()]
    event_of = {
        (member.history.key, member.evidence.change.index): number
        for number, event in enumerate(data.events)
        for member in event.members
    }
    lists = {
        "events": [strict_json(_event(event, data) | _standing_of(event, answered)) for event in data.events],
        "series": [strict_json(_series(history, data, event_of)) for history in histories],
    }
    fields += [f"{json.dumps(name)}: [\n" + ",\n".join(lines) + "\n]" for name, lines in lists.items()]
    return ("{" + ",\n".join(fields) + "}\n").encode("ascii")


def _series(history: History, data: ReportData, event_of: Mapping[Key, int]) -> dict[str, Value]:
    last = history.points[-1].commit if history.points else None
    return {
        **_key(history.key),
        "state": history.state.value,
        "finding": verdicts.finding(history),
        "page": series_href(history),
        "unit": history.unit,
        "better": history.better.value,
        "better_by": history.better_by,
        "value": verdicts.newest_value(history),
        "noise_within": history.noise_within,
        "noise_between": history.noise_between,
        "runs": verdicts.measured_runs(history),
        "last_run": _commit(last) if last else None,
        "change": _standing(history),
        "balance": _balance(history),
        "changes": [_change(history, evidence, data, event_of) for evidence in history.changes],
    }


def _standing(history: History) -> int | None:
    """Place in ``changes`` of the one that the state is for."""
    shown = told_change(history)
    return next((index for index, evidence in enumerate(history.changes) if evidence is shown), None)


def _balance(history: History) -> Value:
    """The sum of the confirmed changes; None without one of the code, or of what is gone."""
    balance = history.balance
    if balance is None or history.state not in verdicts.STATES_OF_CHANGE:
        return None
    reference, level = balance.reference, balance.level
    return {
        "reference": reference,
        "level": level,
        "effect": (level - reference) / abs(reference) if reference else math.nan,
        "parts": list(balance.parts),
        "regressions": list(balance.regressions),
        "accepted": list(balance.accepted),
        "first": balance.first,
    }


def _change(
    history: History, evidence: ChangeEvidence, data: ReportData, event_of: Mapping[Key, int]
) -> dict[str, Value]:
    change = evidence.change
    operators: list[Value] = list(trace_words.causes(evidence, history.unit))
    return {
        **_range(range_of(history.points, change.index, data.in_order)),
        "event": event_of.get((history.key, change.index)),
        "before": change.before,
        "after": change.after,
        "effect": change.effect,
        "low": change.low,
        "high": change.high,
        "p_value": change.p_value,
        "confirmed": change.confirmed,
        "kind": change.kind.value,
        "what": change.explanation,
        "is_worse": None if history.better is Better.UNKNOWN else change.is_worse(history.better),
        "is_recovery": change.is_recovery,
        "doubt": change.doubt,
        "acknowledged": change.acknowledged,
        "triage": _triage(evidence.triage) if evidence.triage is not None else None,
        "counted": change.index >= history.since,
        "operators": operators,
    }


def _line(line: Line) -> dict[str, Value]:
    return {
        "name": line.name,
        "fork": line.fork,
        "origin": _commit(line.origin) if line.origin else None,
        "commits": [_commit(commit) for commit in line.commits],
    }


def _range(between: Range | None) -> dict[str, Value]:
    if between is None:
        return {"first": None, "last_before": None, "commits": None}
    before = between.last_before
    return {
        "first": _commit(between.first),
        "last_before": _commit(before) if before else None,
        "commits": between.commits,
    }


def _answer(answered: Answer, number_of: Mapping[int, int]) -> dict[str, Value]:
    """The sentence and what it counts; ``number_of`` has the places of events by identity."""
    window = answered.window
    return {
        "sentence": answered.sentence,
        "since": window.since.isoformat() if window is not None else None,
        "new_regressions": series_in(answered.new, State.REGRESSION),
        "new_changed": series_in(answered.new, State.CHANGED),
        "new_better": answered.better_within(window),
        "standing": answered.standing,
        "events": [number_of[id(standing.event)] for standing in answered.new],
    }


def _standing_of(event: Event, answered: Answer) -> dict[str, Value]:
    """The series that the event's changes stand for, by state, and the commands to go on with."""
    worse, better = answered.worse_of.get(id(event)), answered.better_of.get(id(event))
    several = [*(worse.changes if worse is not None else ()), *(better.changes if better is not None else ())]
    counts = Counter(change.history.state.value for change in several)
    steps = next_steps(worse) if worse is not None else None
    names = NextSteps.__struct_fields__
    return {
        "standing": dict(counts),
        "next": {name: getattr(steps, name) for name in names} if steps is not None else None,
    }


def _event(event: Event, data: ReportData) -> dict[str, Value]:
    seen = event.sightings
    changes: list[Value] = [_member(change) for change in event.members]
    touching: list[Value] = [{"commit": commit.commit, "files": list[Value](commit.files)} for commit in event.touching]
    return {
        **_range(event.range),
        "credible": _range(event.credible) if event.credible is not None else None,
        "kind": event.kind.value,
        "what": event.cause,
        "series": len(event.changes),
        "suspects": len(event.suspects),
        "benchmarks": len({change.history.key.benchmark for change in event.members}),
        "changes": changes,
        "machines": {
            "moved": list[Value](seen.moved),
            "suspect": list[Value](seen.suspect),
            "still": list[Value](seen.still),
            "excluding": list[Value](seen.firm),
        },
        "is_one_machine": seen.is_alone,
        "seen": event_words.seen_by(seen, data.faces),
        "authors": list[Value](event_words.authors(event, data.in_ranges, data.in_order.hashes)),
        "touching": touching,
        "triage": [_triage(triage) for triage in triage_words.triages(event)],
    }


def _triage(triage: Triage) -> dict[str, Value]:
    return {
        "status": triage.status.value,
        "owner": triage.owner,
        "link": triage.link,
        "reason": triage.reason,
        "until": triage.until.isoformat() if triage.until is not None else None,
        "fixed_in": triage.fixed_in,
        "still_seen_by": triage.seen_by,
        "accepted": triage.is_accepting,
    }


def _member(member: SeriesChange) -> dict[str, Value]:
    change = member.evidence.change
    return {
        **_key(member.history.key),
        "effect": change.effect,
        "is_worse": None if member.history.better is Better.UNKNOWN else change.is_worse(member.history.better),
        "confirmed": change.confirmed,
        "commits": member.range.commits if member.range is not None else None,
    }


def _key(key: SeriesKey) -> dict[str, Value]:
    return {
        "benchmark": key.benchmark,
        "parameters": [[name, value] for name, value in key.parameters],
        "machine": key.machine,
        "environment": key.environment,
    }


def _commit(commit: Commit) -> dict[str, Value]:
    return {
        "commit": commit.hash, "date": commit.date.isoformat(), "subject": commit.subject, "author": commit.author,
    }  # fmt: skip
