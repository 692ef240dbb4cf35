"""Operators and differences on a terminal: the facts of each view, then its numbers.

Takes views, gives text; printing it is left to the caller. ``tbp.wording.terminal`` keeps lines in the terminal's width
and makes harmless what a trace says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd
from rich.console import RenderableType

from tbp.operator_views.device_table import busy_sentence, device_parts, rank_change_sentences
from tbp.operator_views.forms import Views
from tbp.operator_views.lost_table import lost_parts
from tbp.operator_views.memory_table import memory_parts
from tbp.operator_views.views import BACKWARD, COLUMNS, By, Compared, Facts, Group, Order, Ranking
from tbp.report.parts.trace_rows import shapes
from tbp.traces.differences.difference import LEAST_SESSIONS
from tbp.wording import words
from tbp.wording.terminal import Name, Paragraph, TextRows, terminal_text
from tbp.wording.words import one_line, shortened

MOST_NAME = 120  # characters of a file's name above its facts
# Operators of a ranking, and uncertain ones of a difference, unless the command line says otherwise: about a screen.
MOST_ROWS = 20
MOST_EXACT = 20
MOST_UNCERTAIN = 5

_NAMES = {By.SELF: "self time", By.DEVICE: "device time", By.TOTAL: "total time", By.FLOPS: "FLOPs"}
_NAMES |= {By.MEMORY: "allocated"}


def views_table(views: Views, top: int | None, with_shapes: bool, width: int) -> str:
    """Every view below the one before it; without ``top`` each part of one is about a screen."""
    parts = (
        _ranking(view, top, with_shapes) if isinstance(view, Ranking) else _difference(view, top) for view in views
    )
    return "\n".join(terminal_text(parts_of_view, width=width) for parts_of_view in parts)


def _ranking(ranking: Ranking, top: int | None, with_shapes: bool) -> Iterator[RenderableType]:
    """The operators, and what the devices did where there are any. ``top`` is of operators and of kernels."""
    most = top or MOST_ROWS
    shown, left = ranking.rows.head(most), ranking.rows.iloc[most:]
    yield from (*_heading(ranking.cell), *_facts("", ranking.facts))
    yield Paragraph(f"{_whole(ranking)}, under the profiler")
    yield ""
    rows = TextRows()
    rows.add(*_titles(ranking))
    for _, row in shown.iterrows():
        rows.add(*_cells(row, ranking))
        rows.below(*(Paragraph(note, "    ") for note in _notes(row, ranking.group)))
        if with_shapes:
            rows.below(Paragraph(shapes(str(row["shapes"])), "    "))
    yield rows
    if with_shapes and not any(shown["shapes"]):
        yield "No shapes: the recorder was not asked for them (record_shapes)"
    if len(left):
        share = words.percent(float(left["share"].sum()))
        part = "" if ranking.by is By.TOTAL else f": {share}"
        yield f"… and {words.count(len(left), f'more {ranking.group}')}{part} (--top N)"
    if ranking.memory is not None:
        yield from memory_parts(ranking.memory, top, with_blocks=ranking.by is By.MEMORY)
    if ranking.devices is not None:
        yield from device_parts(ranking.devices, top)


def _difference(compared: Compared, top: int | None) -> Iterator[RenderableType]:
    """The difference of two sides: first what is exact, then what is timed, then what limits it."""
    measured = compared.difference
    yield from (*_heading(compared.cell), *_facts("before: ", compared.before), *_facts("after:  ", compared.after))
    yield from ("", Paragraph(_step(compared)))
    if compared.by is Order.LOST:
        yield from lost_parts(measured, top or MOST_ROWS)
    else:
        yield from _sections(compared, top)
    if measured.rank_note:
        yield Paragraph(f"Note: {measured.rank_note}")
    yield from ("", *_devices(compared), Paragraph(_machine(compared)), Paragraph(_residual(compared)))


def _sections(compared: Compared, top: int | None) -> Iterator[RenderableType]:
    """The operators by how sure their change is, in each the largest first."""
    measured = compared.difference
    exact = measured.rows[measured.rows["certain"] & (measured.rows["kind"] != "time")]
    timed = measured.rows[measured.rows["certain"] & (measured.rows["kind"] == "time")]
    rest = measured.rows[~measured.rows["certain"] & (measured.rows["delta_us"] != 0)]
    yield from _section("Calls, exact", exact, top or MOST_EXACT, "no operator's calls changed for certain")
    if measured.exact is not None and len(measured.exact):
        yield from _section(
            "Moved calls, shapes, FLOPs, bytes and kernels, exact", measured.exact, top or MOST_EXACT, ""
        )
    yield from _section("Times", timed, top, _no_times(compared))
    if len(rest):
        yield from _section("Not certain, it may be noise", rest, MOST_UNCERTAIN if top is None else top, "")


def _heading(cell: str) -> list[RenderableType]:
    return [Name(cell)] if cell else []


def _facts(lead: str, facts: Facts) -> Iterator[RenderableType]:
    """``04342f08: 3 traces of 20 steps; cpu; torch 2.13.0``, and what was lost."""
    parts = [_traces(facts), facts.device, f"torch {facts.torch}" if facts.torch else "torch version not recorded"]
    name = shortened(one_line(facts.name), MOST_NAME)
    yield Paragraph(f"{name}: {'; '.join(filter(None, parts))}", lead, " " * len(lead))
    for loss in facts.losses:
        yield Paragraph(f"Note: {loss}")


def _traces(facts: Facts) -> str:
    steps = [words.count(number, "step") if number else "no steps marked, all counts as one" for number in facts.steps]
    same = steps[0] if len(set(steps)) == 1 else f"{min(facts.steps)} to {max(facts.steps)} steps"
    return same if facts.traces == 1 else f"{facts.traces} traces of {same}"


def _notes(row: pd.Series, group: Group) -> Iterator[str]:
    """Sentences on where a row comes from."""
    if recorded := row.get("recorded"):
        yield f"recorded as {recorded}"
    if fuses := row.get("fuses"):
        yield str(fuses)
    if source := row.get("source"):
        yield f"generated in {source}" if group is Group.OPERATOR else f"compiled from {source}"


def _titles(ranking: Ranking) -> tuple[str, ...]:
    beside = _beside(ranking)
    if ranking.by is By.FLOPS:
        rates = ["time", "FLOP/s", "FLOP/B", *(["bound by", "of the roof"] if _has_roof(ranking) else [])]
        return (str(ranking.group), _NAMES[ranking.by], "share", "calls", *rates)
    last = [*([_NAMES[beside]] if beside else []), *(["backward"] if _has_backward(ranking) else [])]
    return (str(ranking.group), _NAMES[ranking.by], "share", "calls", *last)


def _cells(row: pd.Series, ranking: Ranking) -> tuple[str, ...]:
    beside = _beside(ranking)
    first = (
        str(row["operator"]),
        _amount(float(row[COLUMNS[ranking.by]]), ranking.by),
        words.percent(float(row["share"])),
        words.calls(float(row["calls"])),
    )
    if ranking.by is By.FLOPS:
        return (*first, *_rates(row, _has_roof(ranking)))
    return (
        *first,
        *([_amount(float(row[COLUMNS[beside]]), beside)] if beside else []),
        *([words.microseconds(float(row[BACKWARD[ranking.by]]))] if _has_backward(ranking) else []),
    )


def _rates(row: pd.Series, has_roof: bool) -> Iterator[str]:
    """The time of an operator's FLOPs, its rates, and where the device's peak is known its place on the roofline."""
    yield words.microseconds(float(row["flops_us"]))
    rate = float(row["flop_per_s"])
    yield f"{words.flop(rate)}/s" if math.isfinite(rate) else words.UNKNOWN
    yield words.significant(float(row["flop_per_byte"]))
    if has_roof:
        yield str(row["bound"]) or words.UNKNOWN
        yield words.percent(float(row["roof_share"]))


def _has_roof(ranking: Ranking) -> bool:
    return bool(ranking.rows["roof_share"].notna().any() or ranking.rows["bound"].any())


def _has_backward(ranking: Ranking) -> bool:
    """True where a part of what is ranked is known to be of the backward pass."""
    column = BACKWARD.get(ranking.by, "")
    return column in ranking.rows and bool(ranking.rows[column].any())


def _beside(ranking: Ranking) -> By | None:
    """The time shown beside the one ranked by."""
    if ranking.by is By.SELF:
        return By.DEVICE if ranking.has_device else None if ranking.group is Group.OPERATOR else By.TOTAL
    return By.SELF


def _amount(value: float, by: By) -> str:
    if by is By.MEMORY:
        return words.quantity(value, "bytes")
    return words.flop(value) if by is By.FLOPS else words.microseconds(value)


def _whole(ranking: Ranking) -> str:
    """All operators together, and of which step the numbers are where there are several."""
    scope = {By.DEVICE: "on the device", By.FLOPS: "in all", By.MEMORY: "allocated"}.get(ranking.by, "on the host")
    average = "median" if ranking.by in (By.SELF, By.DEVICE) else "mean"
    of_steps = f" ({average})" if max(ranking.facts.steps, default=0) > 1 else ""
    return f"{_amount(ranking.whole, ranking.by)} {scope} per step{of_steps}"


def _section(title: str, rows: pd.DataFrame, top: int | None, none: str) -> Iterator[RenderableType]:
    """The first ``top`` sentences below their title, or why there is none."""
    yield ""
    if not len(rows):
        yield Paragraph(f"{title}: {none}")
        return
    shown = rows if top is None else rows.head(top)
    yield f"{title} ({len(rows)})"
    for sentence in shown["sentence"]:
        yield Paragraph(str(sentence), "  ", "    ")
    if len(rows) > len(shown):
        yield f"  … and {len(rows) - len(shown)} more (--top N)"


def _step(compared: Compared) -> str:
    measured = compared.difference
    before, after = (words.microseconds(value) for value in (measured.step_before_us, measured.step_after_us))
    relative = (
        words.signed_percent(measured.delta_us / measured.step_before_us) if measured.step_before_us else "from 0"
    )
    clock = "on the device" if measured.clock == "device" else "on the host"
    delta = words.signed_microseconds(measured.delta_us)
    return f"Step {before} → {after} ({delta}, {relative}) under the profiler; operators by their self time {clock}"


def _no_times(compared: Compared) -> str:
    measured = compared.difference
    if measured.enough_sessions:
        return "no operator's time changed beyond the noise"
    given = f"{measured.sessions_before} and {measured.sessions_after} are given"
    merged = (compared.before.traces, compared.after.traces) != (measured.sessions_before, measured.sessions_after)
    ranks = ", as the ranks of one run are one session" if merged else ""
    return (
        f"not judged, that takes {LEAST_SESSIONS} {'sessions' if merged else 'traces'} on each side and {given}{ranks}"
    )


def _devices(compared: Compared) -> list[RenderableType]:
    before, after = map(busy_sentence, compared.devices)
    device = [Paragraph(f"Device: {before} before; {after} after")] if before and after else []
    return [*device, *(Paragraph(sentence) for sentence in rank_change_sentences(*compared.devices))]


def _machine(compared: Compared) -> str:
    factor = f"{compared.difference.machine_factor:.2f}"
    return f"Machine: operators with unchanged calls took {factor} × their time"


def _residual(compared: Compared) -> str:
    residual = words.signed_microseconds(compared.difference.residual_us)
    return f"Residual: {residual} of the step's change is in no operator"
