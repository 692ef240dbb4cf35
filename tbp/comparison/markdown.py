"""A comparison as Markdown, for a comment on a pull request.

Takes a comparison, gives text: the verdict, then a table for each state, long ones folded. Everything a benchmark, a
parameter, a commit or a reason can name is hostile text: it is put into code, where GitHub looks for no mentions and no
references, and every character that Markdown or HTML could read is written as a number. Never longer than LIMIT:
whole rows are left out, the least important ones first, and counted.
"""

from __future__ import annotations

import re

from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.wording import phrases, verdicts, words
from tbp.wording.phrases import sentence, tally

# GitHub refuses comments of more than 65,536 characters; the rest is for what a bot puts around it.
LIMIT = 65_000
# Set aside for titles and heads of the tables of seven states, some 300 characters each.
_TITLES = 2_400
# Rows of a state beyond these are folded; a screen shows about as many.
MOST_OPEN = 10
# Characters of one foreign text, before they are escaped; asv's names have up to 120, longer ones are made to hurt.
MOST_TEXT = 200
MOST_OPERATORS = 5
MOST_NOTES = 10
MOST_NOTE = 400

_IMPORTANCE = (
    State.REGRESSION, State.FAILED, State.CHANGED, State.IMPROVEMENT, State.UNDECIDED, State.NO_CHANGE, State.SKIPPED,
)  # fmt: skip
_FOLDED = (State.NO_CHANGE, State.SKIPPED)
# What a code span shows as it is, in a table too; no backtick, backslash or pipe, which end it.
_PLAIN = re.compile(r"[\w .,:;=()+/%→×–−±÷-]+")
_ACTIVE = re.compile(r"[^\w ]")
_HEAD = "| benchmark | parameters | before → after | effect | evidence | p |\n| --- | --- | --- | --- | --- | --- |\n"


def markdown(comparison: Comparison) -> str:
    """The comparison as a comment of at most LIMIT characters, its last line ended."""
    head = f"### {sentence(comparison, code)}\n\n{code(phrases.context(comparison))}\n"
    notes = "".join(f"\n> {_sentence(note, MOST_NOTE)}\n" for note in comparison.notes[:MOST_NOTES])
    room = LIMIT - _TITLES - len(head) - len(notes)
    rows: dict[State, list[str]] = {}
    for state in _IMPORTANCE:
        rows[state] = _fitting(comparison, state, room)
        room -= sum(map(len, rows[state]))
    counts = tally(comparison)
    sections = [_section(state, rows[state], counts[state]) for state in phrases.ORDER if counts[state]]
    return "".join([head, notes, *sections])


def code(text: str, most: int = MOST_TEXT) -> str:
    """``text`` as code that cannot end itself, cut at ``most`` characters; empty for an empty one."""
    text = words.cut(words.one_line(text), most)
    if not text or _PLAIN.fullmatch(text):
        return text and f"`{text}`"
    # Numbers, as CommonMark takes no structure from them: https://spec.commonmark.org/0.31.2/#entity-and-numeric
    escaped = _ACTIVE.sub(lambda match: f"&#{ord(match.group())};", text)
    return f"<code>{escaped}</code>"


def _sentence(text: str, most: int = MOST_TEXT) -> str:
    """A whole sentence as code, without the backticks of the code in it."""
    return code(text.replace("`", ""), most)


def _fitting(comparison: Comparison, state: State, room: int) -> list[str]:
    """The rows of a state, benchmarks together, as many of the first as fit into ``room`` characters."""
    rows: list[str] = []
    for _, group in phrases.by_benchmark(comparison.of(state)):
        for judgement in group:
            row = _row(judgement, comparison.method)
            room -= len(row)
            if room < 0:
                return rows
            rows.append(row)
    return rows


def _row(judgement: Judgement, method: str) -> str:
    sentences = [judgement.reason, *judgement.operators[:MOST_OPERATORS]]
    effect = [phrases.effect(judgement), *map(_sentence, sentences)]
    cells = [
        code(judgement.benchmark),
        code(judgement.label),
        code(phrases.before_after(judgement)),
        "<br>".join(filter(None, effect)),
        phrases.evidence(judgement, method),
        words.probability(judgement.p_value).replace("<", "&lt;"),
    ]
    return f"| {' | '.join(cells)} |\n"


def _section(state: State, rows: list[str], count: int) -> str:
    """The table of one state, folded if it is long, with the number of rows that were cut."""
    title = f"{verdicts.GLYPHS[state]} {verdicts.PLURALS[state][1].capitalize()} ({count:,})".replace("~", "&#126;")
    cut = count - len(rows)
    note = f"\n{words.count(cut, 'row')} left out: a comment has a limit.\n" if cut else ""
    table = f"{_HEAD}{''.join(rows)}" if rows else ""
    if state in _FOLDED or (len(rows) > MOST_OPEN and state is not State.REGRESSION):
        return f"\n<details><summary>{title}</summary>\n\n{table}{note}\n</details>\n"
    return f"\n#### {title}\n\n{table}{note}"
