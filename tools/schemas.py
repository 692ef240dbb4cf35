"""``tbp/schemas/*.json``: JSON Schemas of the JSON that tbp writes and the TOML that it reads.

    python tools/schemas.py          # writes them
    python tools/schemas.py --check  # exit code 1 where one is out of date

Each is made from the code that writes the file: from the columns of frames and the fields of Structs, with the comments
beside them as descriptions. Descriptions of other fields are here.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from tbp.bisect import forms as bisect_forms
from tbp.bisect.bisection import Bisection, Culprit, Ending, PairsAgainst, ProbeResult
from tbp.claims import json_form as claims_form
from tbp.claims.practice_cell import Basis, ClaimVerdict, PracticeCell
from tbp.claims.shown_defects import ShownDefect, ShownOutcome
from tbp.comparison import json_form
from tbp.doctor import facts as machine_facts
from tbp.doctor import json_form as doctor_form
from tbp.doctor.device_test import report as selftest_report
from tbp.doctor.device_test.results import CheckReading, CheckResult, CheckState, DeviceTest
from tbp.doctor.diagnosis import Diagnosis
from tbp.doctor.finding import Finding, Severity
from tbp.doctor.findings.noise import MeasuredNoise
from tbp.model.changes import ChangeKind, State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Better
from tbp.model.triage import TriageStatus
from tbp.nightly import data_branch
from tbp.notify import payload
from tbp.operator_views import forms, views
from tbp.project import acknowledgements
from tbp.project.claims_file import Claim, KnownDefect, Practice
from tbp.project.first_parents import LineCommit
from tbp.project.machine_rules import MOST_RULE
from tbp.project.policy import MOST_COUNT, Policy
from tbp.report.data import summary_json
from tbp.report.parts.next_steps import NextSteps
from tbp.traces.devices.late_operators import LateOperator
from tbp.traces.devices.per_step import Skew, Straggler
from tbp.traces.operators.operators import QUANTITIES
from tbp.wording.phrases import FROM_STORED_RESULTS, MEASURED_IN_TURNS, ORDER

FOLDER = Path(__file__).resolve().parent.parent / "tbp" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema: TypeAlias = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer"}
NUMBER: Schema = {"type": ["number", "null"]}  # null: NaN or infinite
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": TEXT}
PLACES: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}}
KINDS = {"text": TEXT, "count": COUNT, "number": NUMBER, "flag": FLAG}
OF_TYPES: Mapping[Any, Schema] = {
    str: TEXT, int: COUNT, float: NUMBER, bool: FLAG, tuple[str, ...]: TEXTS, tuple[int, ...]: PLACES,
    int | None: {"type": ["integer", "null"]}, float | None: NUMBER, bool | None: {"type": ["boolean", "null"]},
    frozenset[str]: TEXTS,
}  # fmt: skip
PARAMETERS: Schema = {
    "type": "array", "items": {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2},
    "description": "[name, value] of each, in asv's order",
}  # fmt: skip
KEY: Schema = {
    "benchmark": TEXT | {"description": "asv's name"},
    "parameters": PARAMETERS,
    "machine": TEXT,
    "environment": TEXT,
}
DATE: Schema = {"type": "string", "format": "date-time"}
DAY_OR_NULL: Schema = {"type": ["string", "null"], "format": "date"}


def described(schema: Schema, description: str) -> Schema:
    return schema | {"description": description}


def among(values: Iterable[str]) -> Schema:
    return {"enum": [str(value) for value in values]}


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def exactly(properties: Mapping[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """An object of these properties and no other; all but ``optional`` are there."""
    required = [name for name in properties if name not in set(optional)]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def counts(states: Iterable[str]) -> Schema:
    return exactly({str(state): {"type": "integer", "minimum": 0} for state in states}, states)


def struct(kind: type[Struct], **otherwise: Schema) -> Schema:
    """The fields of a Struct; ``otherwise`` has the schemas of those whose type has none."""
    comments = comments_of(inspect.getsource(kind))
    return exactly({
        field.name: described(schema, comments[field.name]) if field.name in comments else schema
        for field in fields(kind)
        for schema in [otherwise.get(field.name) or of_type(field.type)]
    })  # fmt: skip


def of_type(kind: Any) -> Schema:
    return among(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else OF_TYPES[kind]


def rows(module: str, *names: str, optional: Iterable[str] = (), **more: Schema) -> Schema:
    """A list of rows of a frame with these columns; ``module:NAME`` is the dictionary of a module."""
    return listed(exactly(columns(module, *names) | more, optional))


def columns(module: str, *names: str) -> dict[str, Schema]:
    known: dict[str, Schema] = {}
    for name in names:
        source, _, constant = (name if ":" in name else f"{module}:{name}").partition(":")
        home = import_module(f"tbp.traces.{source}")
        text = inspect.getsource(home)
        comments = comments_of(text[text.index(f"{constant} = {{") :].partition("\n}")[0])
        for column, kind in getattr(home, constant).items():
            known[column] = described(KINDS[kind], comments[column]) if column in comments else KINDS[kind]
    return known


def comments_of(source: str) -> dict[str, str]:
    """The comment behind each field or key that begins a line, and whole lines of comment above one."""
    known: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        if whole := re.match(r"\s+# (.*)", line):
            above.append(whole[1])
            continue
        if match := re.match(r'\s+"?(\w+)"?: [^#]*?(?:#\s(.*))?$', line):
            comment = match[2] or " ".join(above)
            if comment:
                known[match[1]] = comment
        above = []
    return known


FUSES = described(TEXT, "the operators that a kernel of Inductor computes, in words; empty for all others")


def comparison() -> Schema:
    commit = struct(ComparedCommit)
    judgement = struct(Judgement, parameters=PARAMETERS, state=among(ORDER), better=among(Better))
    whole = struct(
        Comparison,
        baseline=described(commit, "the commit compared against"),
        contender=described(commit, "the commit judged"),
        method=among([MEASURED_IN_TURNS, FROM_STORED_RESULTS]),
        judgements=listed(judgement),
    )
    head = {
        "format": {"const": json_form.FORMAT},
        "sentence": described(TEXT, "the verdict in words"),
        "counts": described(exactly({str(state): COUNT for state in ORDER}), "state → how many judgements are in it"),
        "confidence": described({"const": CONFIDENCE}, "of every interval"),
    }
    return exactly(head | whole["properties"])


def bisection() -> Schema:
    commit = struct(LineCommit)
    judgement = struct(Judgement, parameters=PARAMETERS, state=among(ORDER), better=among(Better))
    culprit = struct(Culprit, commit=commit, judgement=judgement, rests_on=listed(struct(PairsAgainst)))
    compared = struct(ComparedCommit)
    probe = struct(ProbeResult, role=among(["ends", "probe", "step", "skipped"]))
    whole = struct(
        Bisection,
        parameters=PARAMETERS,
        good=compared,
        bad=compared,
        ending=among(ending.value for ending in Ending),
        ends=judgement,
        culprit=or_null(culprit),
        suspects=listed(commit),
        steps=listed(culprit),
        probes=listed(probe),
        inside={"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    )
    head = {
        "format": {"const": bisect_forms.FORMAT},
        "sentence": described(TEXT, "the answer in words"),
        "gates": described(COUNT, "comparisons of two commits that were measured"),
        "pairs": described(COUNT, "in all of them"),
    }
    return exactly(head | whole["properties"])


def doctor() -> Schema:
    sizes = {"type": "object", "additionalProperties": COUNT}
    texts_by_name = {"type": "object", "additionalProperties": TEXT}
    activity = struct(machine_facts.Activity, busiest=listed(struct(machine_facts.Busy)))
    parts = {
        "host": struct(machine_facts.Host),
        "processor": struct(machine_facts.Processor, caches=described(sizes, "name → bytes, as a core sees them")),
        "clocks": struct(machine_facts.Clocks, governors=described(sizes, "governor → cores that have it")),
        "cores": struct(machine_facts.Cores),
        "activity": activity,
        "memory": struct(machine_facts.Memory),
        "software": struct(machine_facts.Software, variables=texts_by_name),
        "gpus": listed(struct(machine_facts.Gpu)),
    }
    machine = struct(machine_facts.MachineFacts, **parts, unread=TEXTS)
    del machine["properties"]["unread"]
    machine["required"].remove("unread")
    whole = struct(
        Diagnosis,
        machine=described(machine, "null: not known"),
        findings=listed(struct(Finding, severity=among(Severity))),
        unread=listed(struct(machine_facts.Unread)),
        noise=or_null(struct(MeasuredNoise)),
    )
    head = {"format": {"const": doctor_form.FORMAT}, "sentence": described(TEXT, "the verdict in words")}
    return exactly(head | whole["properties"])


def selftest() -> Schema:
    result = struct(CheckResult, state=among(CheckState), readings=listed(struct(CheckReading)))
    facts = {"type": "object", "additionalProperties": TEXT, "description": "name → value in words"}
    whole = struct(DeviceTest, facts=facts, results=listed(result))
    head = {"format": {"const": selftest_report.FORMAT}, "sentence": described(TEXT, "the verdict in words")}
    return exactly(head | whole["properties"])


def claims() -> Schema:
    share = described(NUMBER, "in the unit")
    parts = {"key": KEY, "against_key": KEY, "given": PARAMETERS, "commit": TEXT}
    cell = struct(PracticeCell, verdict=among(ClaimVerdict), better=among(Better), basis=among(Basis), **parts)
    commit = described({"type": ["string", "null"]}, "full hash; null where nothing is measured")
    of_cell = {name: schema for name, schema in cell["properties"].items() if name not in parts}
    texts_by_name = {"type": "object", "additionalProperties": TEXT}
    practice = struct(Practice, where=texts_by_name, title=TEXT, variant=TEXT, against=TEXT, benchmarks=TEXT,
                      measure=TEXT, at_least=NUMBER, within=NUMBER)["properties"]  # fmt: skip
    judged = exactly(practice | {
        "verdict": among(ClaimVerdict),
        "remark": described(TEXT, "on what it depends, where it is undecided, or why it is not measured"),
        "cells": listed(exactly(KEY | {"commit": commit} | of_cell)),
    })  # fmt: skip
    defect = struct(KnownDefect, name=TEXT, snippet=TEXT, happens=TEXT, right=TEXT)["properties"]
    outcome = struct(ShownOutcome)
    return exactly({
        "format": {"const": claims_form.FORMAT},
        "sentence": described(TEXT, "the verdicts in words"),
        "claims": listed(exactly({"title": TEXT, "text": TEXT, "practices": listed(judged)})),
        "defects": listed(exactly(defect | {"commit": commit, "naive_value": share, "right_value": share})),
        "demonstrations": described(
            listed(struct(ShownDefect, naive=outcome, right=outcome)), "with --demonstrate, when the rest is empty"
        ),
    })  # fmt: skip


def claims_file() -> Schema:
    """benchmarks/claims.toml, from the Structs that read it."""
    claim, practice, defect = map(entry_of, (Claim, Practice, KnownDefect))
    claim["properties"]["practice"] = listed(practice)
    return exactly({"claim": listed(claim), "defect": listed(defect)}, ["claim", "defect"])


def entry_of(kind: type[Struct]) -> Schema:
    """A table of a TOML file, as msgspec reads it, with the comments beside its fields."""
    _, components = msgspec.json.schema_components([kind])
    schema: Schema = dict(components[kind.__name__])
    comments = comments_of(inspect.getsource(kind))
    names = {field.encode_name: field.name for field in fields(kind)}
    schema["properties"] = {
        name: described(each, comments[names[name]]) if names[name] in comments else each
        for name, each in schema["properties"].items()
    }
    return {name: value for name, value in schema.items() if name not in ("title", "description")}


def notification() -> Schema:
    return {"oneOf": [event_notification(), summary_notification()]}


def event_notification() -> Schema:
    commit = exactly({
        "commit": described(TEXT, "full hash"),
        "date": DATE,
        "subject": described(TEXT, "first line of the commit message: hostile text"),
        "author": described(TEXT, "hostile text"),
        "href": {"type": ["string", "null"], "description": "a page on the commit"},
    })  # fmt: skip
    change = exactly(KEY | {
        "unit": TEXT,
        "before": described(NUMBER, "the level before, in the unit; times are seconds per call"),
        "after": NUMBER,
        "effect": described(NUMBER, "0.1: 10 % larger than before"),
        "low": described(NUMBER, "interval of the effect at 99 %"),
        "high": NUMBER,
        "p_value": NUMBER,
        "in_turns": {"type": ["string", "null"], "description": "the commit that fresh pairs compared with"},
        "operators": described(TEXTS, "those that account for most of it, as sentences"),
    })  # fmt: skip
    event = exactly({
        "first": described(commit, "the newest commit of the range: the first one at the new level"),
        "last_before": described(or_null(commit), "the last one at the level before"),
        "commits": described(COUNT, "of the range; 1: it is the cause"),
        "authors": described(TEXTS, "of the range, the newest first: hostile text"),
        "changes": described(listed(change), "worst first"),
        "facts": described(TEXTS, "sentences: operators, how sure, who saw it, triage"),
        "next": listed(exactly({"purpose": TEXT, "command": TEXT})),
    })  # fmt: skip
    return exactly(notification_head("regression", "improvement") | {"event": event})


def summary_notification() -> Schema:
    more = {"events": described(listed(event_notification()), "the largest ones"), "left_out": COUNT}
    return exactly(notification_head("standing", "more") | more)


def notification_head(*kinds: str) -> dict[str, Schema]:
    return {
        "format": {"const": payload.FORMAT},
        "kind": described(
            among(kinds), "standing: what stood when the target began; more: what a run had beyond ten messages"
        ),
        "id": described(TEXT, "of the event, also in Idempotency-Key: the same when it is sent again"),
        "project": TEXT,
        "branch": TEXT,
        "title": described(TEXT, "one line to show, which calls nobody"),
        "text": described(TEXT, "lines to show, which call nobody"),
        "report": {"type": ["string", "null"], "description": "address in the published report"},
    }


def notify() -> Schema:
    return exactly({
        "format": {"const": payload.FORMAT},
        "is_sent": described(FLAG, "false: a dry run"),
        "targets": {
            "type": "object", "additionalProperties": TEXTS, "description": "target → ids of the messages it got",
        },
        "failures": described(TEXTS, "targets that did not take something, with the reason"),
        "messages": listed(notification()),
    })  # fmt: skip


def data() -> Schema:
    """The account of an exchange."""
    return exactly({
        "format": {"const": data_branch.FORMAT},
        "remote": described(TEXT, "git's name or the address of the remote"),
        "branch": described(TEXT, "the data branch"),
        "commit": described(TEXT, "its newest one, in full; empty where there is no branch yet"),
        "received": described(TEXTS, "files, relative to the results folder"),
        "sent": TEXTS,
        "notes": described(TEXTS, "sentences on what was left out or mended"),
    })  # fmt: skip


def hotspots() -> Schema:
    facts = struct(views.Facts)
    operators = columns("operators.operators", "OPERATOR_COLUMNS", "operators.rates:RATE_COLUMNS") | {
        "fuses": FUSES,
        "share": described(NUMBER, "of all, 0 to 1; of total times, which contain each other, of the step"),
    }
    groups = columns("frames.groups", "GROUP_COLUMNS") | {"share": operators["share"]}
    ranking = {
        "cell": described(TEXT, "benchmark and parameters; empty where the trace names none"),
        "facts": facts,
        "by": among(views.By),
        "group_by": among(views.Group),
        "operators": listed({"anyOf": [exactly(operators, QUANTITIES), exactly(groups)]}),
        "device": or_null(device()),
        "memory": or_null(memory()),
    }
    return {
        "oneOf": [
            exactly({"format": {"const": forms.FORMAT}, "hotspots": listed(exactly(ranking))}),
            exactly({"format": {"const": forms.FORMAT}, "differences": listed(compared(facts))}),
        ]
    }


def compared(facts: Schema) -> Schema:
    return exactly({
        "cell": described(TEXT, "benchmark and parameters; empty where the traces name none"),
        "before": facts,
        "after": facts,
        "by": among(views.Order),
        "step_before_us": described(NUMBER, "the step, under the profiler"),
        "step_after_us": NUMBER,
        "lost_us": described(NUMBER, "per step, by operators that became slower"),
        "gained_us": described(NUMBER, "per step, by operators that became faster: below 0"),
        "residual_us": described(NUMBER, "per step, of no operator"),
        "machine_factor": described(NUMBER, "1.10: unchanged operators took 10 % longer after"),
        "clock": described(among(["host", "device"]), "whose self time the operators compare"),
        "enough_sessions": described(FLAG, "to judge changed times"),
        "explanation": described(TEXT, "a sentence: the certain operators, or why none can be named"),
        "operators": rows("differences.difference", "ROW_COLUMNS"),
        "exact": or_null(rows("differences.exact", "EXACT_COLUMNS")),
        "callers": or_null(rows("differences.exact", "PARENT_COLUMNS")),
        "ranks": described(rows("devices.rank_changes", "RANK_CHANGE_COLUMNS"), "those of both sides; else empty"),
        "device_before": or_null(device()),
        "device_after": or_null(device()),
    })  # fmt: skip


def device() -> Schema:
    """The devices of one side. Counts are means per step, so they are numbers."""
    ranks = {"run": described(COUNT, "from 0 in order of time")}
    ranks |= columns("devices.ranks", "RANK_COLUMNS", "devices.waits:WAIT_COLUMNS")
    ranks["work_us"] = described(NUMBER, "its step without its waits; where not sure, without communication alone")
    return exactly({
        "devices": means(columns("devices.device", "DEVICE_COLUMNS")),
        "idle": means(columns("devices.idle", "IDLE_COLUMNS")),
        "kernels": means(columns("devices.device", "KERNEL_COLUMNS") | {"fuses": FUSES}),
        "ranks": listed(exactly(ranks)),
        "backend": described(TEXT, "of distributed runs: \"nccl\""),
        "runs": described(COUNT, "distributed ones"),
        "straggler": or_null(struct(Straggler, operators=listed(struct(LateOperator)))),
        "skew": or_null(struct(Skew)),
        "world_size": described(COUNT, "ranks of the largest run"),
        "missing_ranks": described(PLACES, "without a trace, of the first run that lacks some"),
    })  # fmt: skip


def means(known: Mapping[str, Schema]) -> Schema:
    return listed(
        exactly({name: schema | NUMBER if schema["type"] == "integer" else schema for name, schema in known.items()})
    )


def memory() -> Schema:
    names = {"peaks": "PEAK_COLUMNS", "alive": "BLOCK_COLUMNS", "grown": "BLOCK_COLUMNS"}
    return exactly({name: rows("devices.memory", constant) for name, constant in names.items()})


def summary() -> Schema:
    return exactly({
        "format": {"const": summary_json.FORMAT},
        "project": TEXT,
        "first": described(TEXT, "a sentence to read before the verdict, or empty"),
        "verdict": described(TEXT, "on all series, in a sentence"),
        "branch": described(TEXT, "whose first parents the series are; empty where no repository tells"),
        "lines": described(listed(exactly({
            "name": TEXT, "fork": described(TEXT, "the commit of the branch where it left"),
            "origin": or_null(COMMIT), "commits": listed(COMMIT),
        })), "measured beside the branch"),
        "base": or_null(exactly({"revision": TEXT} | COMMIT["properties"])),
        "newest": or_null(COMMIT),
        "confidence": described({"const": CONFIDENCE}, "of every interval"),
        "states": described(counts(State), "state → number of series in it"),
        "problems": described(TEXTS, "sentences on input that could not be used"),
        "answer": exactly({
            "sentence": TEXT,
            "since": described(or_null(DATE), "changes after it are new; null: nothing was measured"),
            "new_regressions": COUNT, "new_changed": COUNT, "new_better": COUNT,
            "standing": described(COUNT, "series in which a regression stands"),
            "events": described(PLACES, "in events: the new ones for the worse, newest day first"),
        }),
        "events": described(listed(event()), "newest first"),
        "series": described(listed(series()), "worst first"),
    })  # fmt: skip


COMMIT = exactly({"commit": described(TEXT, "full hash"), "date": DATE, "subject": TEXT, "author": TEXT})
RANGE: Schema = {
    "first": described(or_null(COMMIT), "the cause is this commit or before it"),
    "last_before": described(or_null(COMMIT), "the cause is after this commit"),
    "commits": described({"type": ["integer", "null"]}, "how many those are"),
}
IS_WORSE = described({"type": ["boolean", "null"]}, "null: the better direction is unknown")
TRIAGE = exactly({
    "status": among(TriageStatus), "owner": TEXT, "link": TEXT, "reason": TEXT, "until": DAY_OR_NULL, "fixed_in": TEXT,
    "still_seen_by": described(TEXT, "newest commit that still shows what should be mended"),
    "accepted": described(FLAG, "false: it counts as a regression"),
})  # fmt: skip


def event() -> Schema:
    member = KEY | {"effect": NUMBER, "is_worse": IS_WORSE, "confirmed": FLAG, "commits": RANGE["commits"]}
    return exactly(RANGE | {
        "credible": described(or_null(exactly(RANGE)), "what noise leaves possible; null: no more than the range"),
        "kind": among(ChangeKind),
        "what": described(TEXT, "what else changed; of a hardware change the machine"),
        "series": described(COUNT, "that have a confirmed change"),
        "suspects": described(COUNT, "that have only a suspect one"),
        "benchmarks": COUNT,
        "changes": described(listed(exactly(member)), "confirmed ones first, worst first"),
        "machines": exactly({
            "moved": TEXTS, "suspect": TEXTS, "still": TEXTS,
            "excluding": described(TEXTS, "those of still whose runs exclude half of the effect"),
        }),
        "is_one_machine": described(FLAG, "one machine moved, and two or more exclude it"),
        "seen": described(TEXT, "machines in words"),
        "authors": described(TEXTS, "of the commits of the range, newest first"),
        "touching": described(listed(exactly({"commit": TEXT, "files": TEXTS})), "commits that touch the benchmark"),
        "triage": described(listed(TRIAGE), "of acks.toml; those that still count first"),
        "standing": described(counts(State), "state → number of series that are in it for a change of this event"),
        "next": described(or_null(struct(NextSteps)), "commands, each empty where there is none"),
    })  # fmt: skip


def series() -> Schema:
    balance = exactly({
        "reference": described(NUMBER, "the level before the first change, in unit"),
        "level": described(NUMBER, "the newest confirmed one"),
        "effect": described(NUMBER, "of level, relative to reference: 0.1 is 10 % larger"),
        "parts": PLACES, "regressions": PLACES, "accepted": PLACES,
        "first": described(NUMBER, "the level before the oldest change that counts"),
    })  # fmt: skip
    change = exactly(RANGE | {
        "event": described({"type": ["integer", "null"]}, "place in events"),
        "before": described(NUMBER, "level, in unit"), "after": NUMBER,
        "effect": described(NUMBER, "0.1: 10 % larger"), "low": described(NUMBER, "interval of effect"), "high": NUMBER,
        "p_value": described(NUMBER, "chance of such a shift without a change"),
        "confirmed": FLAG, "kind": among(ChangeKind), "what": TEXT, "is_worse": IS_WORSE, "is_recovery": FLAG,
        "doubt": described(TEXT, "why it is only suspect"),
        "acknowledged": described(TEXT, "why the project accepts it"),
        "triage": or_null(TRIAGE),
        "counted": described(FLAG, "false: before the base that the report judges against"),
        "operators": described(TEXTS, "sentences on the operators that account for it, the largest first"),
    })  # fmt: skip
    return exactly(KEY | {
        "state": among(State), "finding": described(TEXT, "the state in a sentence"),
        "page": described(TEXT, "relative to the site"), "unit": described(TEXT, '"seconds" (per call), "bytes", …'),
        "better": among(Better), "better_by": described(TEXT, "how that is known; empty where it is not"),
        "value": described(NUMBER, "the newest one, in unit"),
        "noise_within": described(NUMBER, "of the samples of a run, relative"),
        "noise_between": described(NUMBER, "between runs, relative"),
        "runs": described(COUNT, "that have a value"), "last_run": or_null(COMMIT),
        "change": described({"type": ["integer", "null"]}, "place in changes of the one that the state is for"),
        "balance": or_null(balance), "changes": described(listed(change), "oldest first"),
    })  # fmt: skip


# Facts in braces and no other brace; the reader takes their names in any case, and asks for a letter or digit.
MACHINE_NAME = "^([^{}]|\\{[^{}]+\\})+$"


def policy() -> Schema:
    """``[tool.tbp]``: every key may be missing."""
    otherwise = Policy()

    def number(name: str, most: float | None, description: str) -> Schema:
        limits = {"minimum": 0} | ({"maximum": most} if most is not None else {})
        return {"type": "number", **limits, "default": getattr(otherwise, name), "description": description}

    known: dict[str, Schema] = {
        "relevant": number("relevant", 1, "smallest relative change to alert about: 0.05 is 5 %"),
        "stale_days": number("stale_days", None, "a machine silent for longer than the others is stale"),
        "false_discovery_rate": number("false_discovery_rate", 1, "expected share of false changes of a report"),
        "paired_budget": number("paired_budget", None, "minutes that a night spends on pairs of processes; 0: none"),
        "keep_traces_of_newest_runs": {
            "type": "integer", "minimum": 0, "maximum": MOST_COUNT, "default": otherwise.keep_traces_of_newest_runs,
            "description": "raw traces that `tbp trace prune` keeps of each series, besides those around changes",
        },
        "claims": described(TEXT, "path of the claims file, from the folder of asv.conf.json"),
        "pass_environment": described(
            listed({"type": "string", "pattern": "^([A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]{2,}\\*)$"}),
            "variables that benchmarks get, or beginnings of names with a star",
        ),
        "better": {
            "type": "object", "additionalProperties": among([Better.LOWER, Better.HIGHER]),
            "description": "regular expression, searched in a benchmark's name → the better direction",
        },
        "names": {
            "type": "object", "additionalProperties": TEXT,
            "description": "regular expression, searched in an operator's name → the name to compare",
        },
        "machines": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string", "pattern": MACHINE_NAME, "minLength": 1, "maxLength": MOST_RULE},
                    {"const": False, "description": "it keeps asv's identifier, whatever later lines say"},
                ]
            },
            "description": "regular expression, searched in asv's identifier of a machine → its name, facts in braces",
        },
    }  # fmt: skip
    return exactly(known, known)


def acks() -> Schema:
    few = acknowledgements.MIN_HASH
    entry: dict[str, Schema] = {
        "benchmark": described({"type": "string", "minLength": 1}, "asv's name, or a pattern with * and ?"),
        "commit": described({"type": "string", "pattern": f"^[0-9a-fA-F]{{{few},64}}$"}, "first one at the new level"),
        "event": {
            "type": "string", "pattern": f"^([0-9a-fA-F]{{{few},64}}\\.\\.)?[0-9a-fA-F]{{{few},64}}$",
            "description": "the range of an event: all series that moved in it, on every machine",
        },
        "reason": described({"type": "string", "minLength": 1}, "why it is accepted"),
        "until": described({"type": "string", "format": "date"}, "the last day that it holds"),
        "owner": {"type": "string", "maxLength": acknowledgements.MOST_OWNER, "description": "who looks after it"},
        "status": {
            "type": "string", "pattern": f"^(investigating|expected|wontfix|fixed in [0-9a-fA-F]{{{few},64}})$",
            "description": acknowledgements.STATUSES,
        },
        "link": {"type": "string", "pattern": "^https?://", "description": "of an issue or a discussion"},
    }  # fmt: skip
    each = exactly(entry, entry) | {"oneOf": [{"required": ["benchmark", "commit"]}, {"required": ["event"]}]}
    return exactly({"ack": listed(each)}, ["ack"])


# Name → its maker, its version and its title. To change what a file may have is another version.
SCHEMAS = {
    "acks": (acks, 1, "reports/acks.toml: the changes that a project accepts or looks into"),
    "bisection": (bisection, bisect_forms.FORMAT, "tbp bisect --json: the commit that changed a benchmark"),
    "claims": (claims, claims_form.FORMAT, "tbp claims --json: what the benchmarks say of a project's claims"),
    "claims-file": (claims_file, 1, "claims.toml: the claims of a project, and the defects of naive code"),
    "comparison": (comparison, json_form.FORMAT, "tbp gate --json, tbp compare --json: two commits judged"),
    "data": (data, data_branch.FORMAT, "tbp data push --json, tbp data pull --json: what went to and fro"),
    "doctor": (doctor, doctor_form.FORMAT, "tbp doctor --json: what of a machine would spoil a measurement"),
    "hotspots": (hotspots, forms.FORMAT, "tbp hotspots --json: the operators of a trace, or the difference of two"),
    "notification": (notification, payload.FORMAT, "what tbp notify --webhook sends: an event, or what stands"),
    "notify": (notify, payload.FORMAT, "tbp notify --json: what was told to whom"),
    "policy": (policy, 1, "[tool.tbp] of pyproject.toml: the settings of a project"),
    "selftest": (selftest, selftest_report.FORMAT, "tbp selftest --json: is the ruler right on a device"),
    "summary": (summary, summary_json.FORMAT, "summary.json of a report's site: verdicts, events and series"),
}


def texts() -> dict[str, str]:
    """The text of each schema, by its name."""
    known = {}
    for name, (make, version, title) in SCHEMAS.items():
        head = {"$schema": DIALECT, "$id": f"urn:tbp-perf:schema:{name}:{version}", "title": title}
        known[name] = json.dumps(head | make(), indent=1, ensure_ascii=False) + "\n"
    return known


def main() -> int:
    stale = []
    for name, text in texts().items():
        path = FOLDER / f"{name}.json"
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8")
    print(f"out of date: {', '.join(stale) or 'none'}")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
