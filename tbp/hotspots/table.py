"""Operators and differences on a terminal: what is shown, then the numbers.

Takes views, gives text no line of which is wider than asked (``lines``, which also makes harmless what a trace says);
printing is left to others.
"""

from __future__ import annotations

import pandas as pd

from tbp.hotspots.device_table import busy_sentence, device_lines
from tbp.hotspots.views import COLUMNS, By, Compared, Facts, Ranking
from tbp.report.parts.trace_rows import shapes
from tbp.traces.differences.difference import LEAST_SESSIONS
from tbp.wording import words
from tbp.wording.terminal import aligned, wrapped
from tbp.wording.words import one_line, shortened

LEAST_WIDTH = 60  # the numbers and two words of an operator
# Operators of a ranking, and uncertain ones of a difference, unless the command line says otherwise: about a screen.
MOST_ROWS = 20
MOST_EXACT = 20
MOST_UNCERTAIN = 5

_NAMES = {By.SELF: "self time", By.DEVICE: "device time", By.TOTAL: "total time", By.FLOPS: "FLOPs"}
_FLOPS = ((1.0, "FLOP"), (1e3, "kFLOP"), (1e6, "MFLOP"), (1e9, "GFLOP"), (1e12, "TFLOP"))


def ranking_table(ranking: Ranking, *, top: int | None = None, with_shapes: bool = False, width: int = 80) -> str:
    """The operators as text, and what the devices did where there are any; its last line ended.

    ``top`` is of the operators and of the kernels; without it each is about a screen.
    """
    kernels, top = top, top or MOST_ROWS
    width = max(width, LEAST_WIDTH)
    rows = ranking.rows.head(top)
    cells = [_cells(row, ranking) for _, row in rows.iterrows()]
    lines = [*_heading(ranking.cell, width), *_facts("", ranking.facts, width)]
    lines += wrapped(f"{_amount(ranking.whole, ranking.by)} {_whole(ranking.by)} per step, under the profiler", width)
    lines.append("")
    body = aligned([_titles(ranking), *cells], width)
    lines.append(body[0])
    for line, (_, row) in zip(body[1:], rows.iterrows(), strict=True):
        lines.append(line)
        if with_shapes:
            lines += wrapped(shapes(str(row["shapes"])), width, "    ")
    if with_shapes and not any(rows["shapes"]):
        lines.append("No shapes: the recorder was not asked for them (record_shapes)")
    left = ranking.rows.iloc[top:]
    if len(left):
        share = words.percent(float(left["share"].sum()))
        part = "" if ranking.by is By.TOTAL else f": {share}"
        lines.append(f"… and {words.count(len(left), 'more operator')}{part} (--top N)")
    if ranking.devices is not None:
        lines += device_lines(ranking.devices, top=kernels, width=width)
    return "\n".join(lines) + "\n"


def difference_table(compared: Compared, *, top: int | None = None, width: int = 80) -> str:
    """What separates two sides, as text: first what is exact, then what is timed, then what limits it."""
    width = max(width, LEAST_WIDTH)
    found = compared.difference
    exact = found.rows[found.rows["certain"] & (found.rows["kind"] != "time")]
    timed = found.rows[found.rows["certain"] & (found.rows["kind"] == "time")]
    rest = found.rows[~found.rows["certain"] & (found.rows["delta_us"] != 0)]
    lines = [*_heading(compared.cell, width), *_facts("before: ", compared.before, width)]
    lines += [*_facts("after:  ", compared.after, width), ""]
    lines += wrapped(_step(compared), width)
    lines += _section("Calls, exact", exact, top or MOST_EXACT, "no operator's calls changed for certain", width)
    if found.exact is not None and len(found.exact):
        title = "Moved calls, shapes, FLOPs, bytes and kernels, exact"
        lines += _section(title, found.exact, top or MOST_EXACT, "", width)
    lines += _section("Times", timed, top, _no_times(compared), width)
    if len(rest):
        most = MOST_UNCERTAIN if top is None else top
        lines += _section("Not certain, it may be noise", rest, most, "", width)
    lines += ["", *_devices(compared, width), *wrapped(_machine(compared), width), *wrapped(_residual(compared), width)]
    return "\n".join(lines) + "\n"


def _heading(cell: str, width: int) -> list[str]:
    return [shortened(one_line(cell), width)] if cell else []


def _facts(lead: str, facts: Facts, width: int) -> list[str]:
    """``04342f08: 3 traces of 20 steps; cpu; torch 2.13.0``, and what was lost."""
    parts = [_traces(facts), facts.device, f"torch {facts.torch}" if facts.torch else "torch version not recorded"]
    said = "; ".join(one_line(part) for part in parts if part)
    name = shortened(one_line(facts.name), width - len(lead) - 1)
    lines = wrapped(f"{name}: {said}", width, lead, " " * len(lead))
    for loss in facts.losses:
        lines += wrapped(f"Note: {loss}", width)
    return lines


def _traces(facts: Facts) -> str:
    steps = [words.count(number, "step") if number else "no steps marked, all counts as one" for number in facts.steps]
    same = steps[0] if len(set(steps)) == 1 else f"{min(facts.steps)} to {max(facts.steps)} steps"
    return same if facts.traces == 1 else f"{facts.traces} traces of {same}"


def _titles(ranking: Ranking) -> tuple[str, ...]:
    beside = _beside(ranking)
    return ("operator", _NAMES[ranking.by], "share", "calls", *([_NAMES[beside]] if beside else []))


def _cells(row: pd.Series, ranking: Ranking) -> tuple[str, ...]:
    beside = _beside(ranking)
    return (
        str(row["operator"]),
        _amount(float(row[COLUMNS[ranking.by]]), ranking.by),
        words.percent(float(row["share"])),
        words.calls(float(row["calls"])),
        *([_amount(float(row[COLUMNS[beside]]), beside)] if beside else []),
    )


def _beside(ranking: Ranking) -> By | None:
    """The time shown beside the one ranked by."""
    if ranking.by is By.SELF:
        return By.DEVICE if ranking.has_device else None
    return By.SELF


def _amount(value: float, by: By) -> str:
    if by is not By.FLOPS:
        return words.microseconds(value)
    factor, symbol = words.scale_of(value, _FLOPS)
    return f"{words.significant(value / factor)} {symbol}"


def _whole(by: By) -> str:
    return {By.DEVICE: "on the device", By.FLOPS: "in all"}.get(by, "on the host")


def _section(title: str, rows: pd.DataFrame, top: int | None, none: str, width: int) -> list[str]:
    shown = rows if top is None else rows.head(top)
    lines = ["", f"{title} ({len(rows)})"]
    for sentence in shown["sentence"]:
        lines += wrapped(str(sentence), width, "  ", "    ")
    if len(rows) > len(shown):
        lines.append(f"  … and {len(rows) - len(shown)} more (--top N)")
    return lines if len(rows) else ["", *wrapped(f"{title}: {none}", width)]


def _step(compared: Compared) -> str:
    found = compared.difference
    before, after = (words.microseconds(value) for value in (found.step_before_us, found.step_after_us))
    relative = words.signed_percent(found.delta_us / found.step_before_us) if found.step_before_us else "from 0"
    clock = "on the device" if found.clock == "device" else "on the host"
    delta = words.signed_microseconds(found.delta_us)
    return f"Step {before} → {after} ({delta}, {relative}) under the profiler; operators by their self time {clock}"


def _no_times(compared: Compared) -> str:
    found = compared.difference
    if found.enough_sessions:
        return "no operator's time changed beyond the noise"
    given = f"{found.sessions_before} and {found.sessions_after} are given"
    return f"not judged, that takes {LEAST_SESSIONS} traces on each side and {given}"


def _devices(compared: Compared, width: int) -> list[str]:
    before, after = map(busy_sentence, compared.devices)
    return wrapped(f"Device: {before} before; {after} after", width) if before and after else []


def _machine(compared: Compared) -> str:
    factor = f"{compared.difference.machine_factor:.2f}"
    return f"Machine: operators with unchanged calls took {factor} × their time"


def _residual(compared: Compared) -> str:
    residual = words.signed_microseconds(compared.difference.residual_us)
    return f"Residual: {residual} of the step's change is in no operator"
