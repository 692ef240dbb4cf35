"""A trace file, or the operator table in its place → its operators, and the notes of its recorder.

Takes a path anywhere: any profiler trace, or the ``.operators.json.gz`` that ``tbp trace prune`` leaves where a raw
trace was (``operator_files``). Gives a ``Recording``; comparing and showing several is left to
other rooms.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np

from tbp.system.foreign_json import value_in
from tbp.system.python_text import plain_value
from tbp.traces.devices.ranks import Rank
from tbp.traces.operators.operators import TraceSession
from tbp.traces.reading.categories import ON_DEVICE
from tbp.traces.reading.trace import Trace

# pytorch#166121: the file of some versions lacks what key_averages() of the same recording has.
NO_MEMORY = "It was recorded with profile_memory and holds no memory event; some versions of torch leave them out"

MOST_DEVICES = 3  # different devices named of a machine


class About(msgspec.Struct, frozen=True):
    """The notes of a trace on itself; every text may be empty, as other recorders note little."""

    steps: int  # 0: it marks none, and all of it counts as one
    device: str = ""  # "cpu, AMD EPYC …", "NVIDIA H200"
    torch: str = ""
    benchmark: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    commit: str = ""
    losses: tuple[str, ...] = ()  # sentences on the content of the file that could not be read


class Recording(msgspec.Struct, frozen=True):
    """A file that was read."""

    path: Path
    session: TraceSession
    about: About
    rank: Rank | None = None  # with the use of its devices; None: only operators were stored


class _Facts(msgspec.Struct):
    """Facts that the ruler writes into a trace (``tbp.bench.recorder``); the rest is passed over."""

    torch: str = ""
    device: str = ""
    device_name: str = ""
    benchmark: str = ""
    parameters: dict[str, str] = {}
    commit: str = ""


class _Device(msgspec.Struct):
    name: str = ""


def about(trace: Trace, session: TraceSession) -> About:
    """The notes of ``trace``, whose operators are in ``session``, on itself."""
    facts = value_in(trace.metadata.get("tbp", ""), _Facts) or _Facts()
    has_steps = any(name.startswith("ProfilerStep#") for name in trace.names)
    return About(
        steps=session.table.steps if has_steps else 0,
        device=", ".join(filter(None, (facts.device, facts.device_name))) or _device(trace, session),
        torch=facts.torch,
        benchmark=facts.benchmark,
        parameters=tuple((name, plain_value(value)) for name, value in facts.parameters.items()),
        commit=facts.commit,
        losses=(*trace.losses, *([NO_MEMORY] if _lacks_memory(trace) else [])),
    )


def _lacks_memory(trace: Trace) -> bool:
    return not len(trace.memory) and trace.metadata.get("profile_memory", "0").strip() == "1"


def _device(trace: Trace, session: TraceSession) -> str:
    """The device of a trace that is not the ruler's."""
    if not session.table.frame["self_device_us"].sum() > 0:
        return "cpu"
    devices = value_in(trace.metadata.get("deviceProperties", ""), list[_Device]) or []
    names = list(dict.fromkeys(device.name for device in devices if device.name))
    if not names:
        used = [trace.processes[code] for code in np.unique(trace.process_code[np.isin(trace.category, ON_DEVICE)])]
        names = list(
            dict.fromkeys(each.label or each.name for each in used if each.is_device and each.label + each.name)
        )
    return ", ".join(names[:MOST_DEVICES]) or "a device it does not name"


TRACE_END = ".pt.trace.json.gz"
OPERATORS_END = ".operators.json.gz"  # of the table that `tbp trace prune` leaves of a trace


_OF_RANK = re.compile(r"\.rank\d+$")


def cell_and_session(trace: Path) -> str:
    """The name of a stored trace without its end: ``<cell>.<session>``, of whichever rank of a run it is."""
    return _OF_RANK.sub("", trace.name.removesuffix(TRACE_END))


def operators_path(trace: Path) -> Path:
    """The path of the operator table that stays when ``trace`` is removed."""
    return trace.with_name(trace.name.removesuffix(TRACE_END) + OPERATORS_END)
