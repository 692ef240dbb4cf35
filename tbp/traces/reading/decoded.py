"""The JSON of an event as it is decoded: the read keys, each of the kinds of value that recorders write.

Gives structs and decoders; everything else in an event is passed over. Mending a text is left to ``repair``, columns to
``events``.
"""

from __future__ import annotations

import msgspec

from tbp.traces.reading.trace import ABSENT, HOST_MEMORY

NOTHING = msgspec.Raw()  # of a key that an event lacks


class Arguments(msgspec.Struct, gc=False):
    """The read part of an event's "args"; the older files spell the external id in lower case."""

    correlation: int = ABSENT
    external_id: int = msgspec.field(name="External id", default=ABSENT)
    old_external_id: int = msgspec.field(name="external id", default=ABSENT)
    shapes: msgspec.Raw = msgspec.field(name="Input Dims", default=NOTHING)
    types: msgspec.Raw = msgspec.field(name="Input type", default=NOTHING)
    sequence: int | str | float | None = msgspec.field(name="Sequence number", default=ABSENT)
    forward_thread: int | str | float | None = msgspec.field(name="Fwd thread id", default=ABSENT)
    kernel_file: msgspec.Raw = NOTHING  # of a kernel that Inductor generated
    settings: msgspec.Raw = msgspec.field(name="Concrete Inputs", default=NOTHING)
    copied_bytes: int | str = msgspec.field(name="bytes", default=ABSENT)  # text on the host side of ROCm's copies
    occupancy: float | str = msgspec.field(name="est. achieved occupancy %", default=ABSENT)  # of a kernel
    warps: float | str = msgspec.field(name="warps per SM", default=0.0)
    allocated_bytes: int = msgspec.field(name="Bytes", default=0)
    address: int | str = msgspec.field(name="Addr", default=ABSENT)
    total_allocated: int = msgspec.field(name="Total Allocated", default=ABSENT)
    device_type: int = msgspec.field(name="Device Type", default=HOST_MEMORY)
    device_id: int = msgspec.field(name="Device Id", default=0)
    call_stack: str = msgspec.field(name="Call stack", default="")  # with_stack until torch 1.11, and of TorchScript
    module_hierarchy: str = msgspec.field(name="Module Hierarchy", default="")  # with_modules, of TorchScript
    # Of a kernel of NCCL or RCCL, since torch 2.2.
    collective: msgspec.Raw = msgspec.field(name="Collective name", default=NOTHING)
    group: msgspec.Raw = msgspec.field(name="Process Group Name", default=NOTHING)
    group_ranks: msgspec.Raw = msgspec.field(name="Process Group Ranks", default=NOTHING)
    name: msgspec.Raw = NOTHING  # of a process or thread, as the next one
    labels: msgspec.Raw = NOTHING


class BareEvent(msgspec.Struct, gc=False):
    """An event whose "args" are of no known shape. Times stay text, see ``numbers``."""

    ph: str = ""
    name: str = ""
    cat: str | None = None
    pid: int | str | float | None = None
    tid: int | str | float | None = None
    ts: msgspec.Raw = NOTHING
    dur: msgspec.Raw = NOTHING
    id: msgspec.Raw = NOTHING  # of an arrow

    @property
    def args(self) -> Arguments | None:
        return None


class TraceEvent(BareEvent, gc=False):
    """One entry of "traceEvents"."""

    args: Arguments | None = None


EVENT = msgspec.json.Decoder(TraceEvent)
EVENTS: msgspec.json.Decoder[list[BareEvent]] = msgspec.json.Decoder(list[TraceEvent])
BARE_EVENT = msgspec.json.Decoder(BareEvent)
