"""Rankings and differences for other programs: JSON and CSV.

JSON is strict and ASCII; a number that is not finite is ``null``. ``tbp schema hotspots`` and docs/reference/json.md
have the fields. "exact" and "callers" are rows of ``tbp.traces.differences.exact``, or null where unknown. Times are µs
per step; ``views.ranking`` says of which step. CSV has ``cell``, the operators' columns, and last ``losses``: sentences
on what could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pandas as pd

from tbp.operator_views.views import Compared, Ranking, fused
from tbp.system.strict_json import strict_json
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import Devices
from tbp.traces.devices.rank_changes import rank_changes
from tbp.traces.differences.difference import explanation
from tbp.traces.differences.order import time_moved
from tbp.wording.csv_cells import csv_cell
from tbp.wording.words import one_line

# History of the format. The file has the fields of Facts and the columns of the frames, so a new name there is a new
# format.
# 1: the first.
# 2: "recorded" of operators, "group_by" (rows may be modules or lines), ranks without a device, "straggler".
# 3: "memory" of a ranking, "occupancy" of kernels.
# 4: rates of operators, the backward pass of groups, "source" of both, "fuses" of operators and kernels; "by",
#    "lost_us" and "gained_us" of a difference.
# 5: "hidden_communication_share" of devices and ranks; "work_us", waits and clocks of ranks, and "skew"; "ranks" of a
#    difference.
FORMAT = 5

View: TypeAlias = "Ranking | Compared"
Views: TypeAlias = "Sequence[Ranking] | Sequence[Compared]"


def to_json(views: Views, top: int | None = None) -> str:
    """Every row, or the first ``top`` of each view, as one JSON object with a newline at its end."""
    rankings = [_ranking(view, top) for view in views if isinstance(view, Ranking)]
    differences = [_difference(view, top) for view in views if isinstance(view, Compared)]
    content = {"format": FORMAT, **({"differences": differences} if differences else {"hotspots": rankings})}
    return strict_json(content, indent=2) + "\n"


def to_csv(views: Views, top: int | None = None) -> str:
    """The rows of ``to_json`` as one CSV table; its texts are single lines that no spreadsheet takes for formulas."""
    frames = [_rows(view, top).assign(cell=view.cell, losses="; ".join(_losses(view))) for view in views]
    table = pd.concat(frames, ignore_index=True)
    texts = [name for name in table.columns if table[name].dtype == object or table[name].dtype == "str"]
    table = table.assign(**{name: table[name].map(lambda text: csv_cell(one_line(str(text)))) for name in texts})
    return table[["cell", *(name for name in table.columns if name != "cell")]].to_csv(index=False, lineterminator="\n")


def _ranking(view: Ranking, top: int | None) -> dict[str, object]:
    return {
        "cell": view.cell,
        "facts": view.facts,
        "by": view.by,
        "group_by": view.group,
        "operators": _rows(view, top).to_dict("records"),
        "device": _device(view.devices),
        "memory": _memory(view.memory),
    }


def _memory(memory: MemoryUse | None) -> dict[str, object] | None:
    if memory is None:
        return None
    return {name: getattr(memory, name).to_dict("records") for name in ("peaks", "alive", "grown")}


def _difference(view: Compared, top: int | None) -> dict[str, object]:
    compared, moved = view.difference, time_moved(view.difference.rows)
    return {
        "cell": view.cell,
        "before": view.before,
        "after": view.after,
        "by": view.by,
        "step_before_us": compared.step_before_us,
        "step_after_us": compared.step_after_us,
        "lost_us": moved.lost_us,
        "gained_us": moved.gained_us,
        "residual_us": compared.residual_us,
        "machine_factor": compared.machine_factor,
        "clock": compared.clock,
        "enough_sessions": compared.enough_sessions,
        "explanation": explanation(compared),
        "operators": _rows(view, top).to_dict("records"),
        "exact": None if compared.exact is None else compared.exact.to_dict("records"),
        "callers": None if compared.parents is None else compared.parents.to_dict("records"),
        "ranks": _rank_changes(*view.devices),
        "device_before": _device(view.devices[0]),
        "device_after": _device(view.devices[1]),
    }


def _rank_changes(before: Devices | None, after: Devices | None) -> list[dict[str, object]]:
    if before is None or after is None:
        return []
    return [
        {str(name): value for name, value in row.items()}
        for row in rank_changes(before.ranks, after.ranks).to_dict("records")
    ]


def _device(view: Devices | None) -> dict[str, object] | None:
    if view is None:
        return None
    return {
        "devices": view.devices.to_dict("records"),
        "idle": view.idle.to_dict("records"),
        "kernels": view.kernels.assign(fuses=fused(view.kernels["kernel"])).to_dict("records"),
        "ranks": view.ranks.to_dict("records"),
        "backend": view.backend,
        "runs": view.runs,
        "straggler": view.straggler,
        "skew": view.skew,
        "world_size": view.world_size,
        "missing_ranks": view.missing,
    }


def _losses(view: View) -> tuple[str, ...]:
    return view.facts.losses if isinstance(view, Ranking) else (*view.before.losses, *view.after.losses)


def _rows(view: View, top: int | None) -> pd.DataFrame:
    return view.rows if top is None else view.rows.head(top)
