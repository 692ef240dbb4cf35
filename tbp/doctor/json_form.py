"""A diagnosis as JSON for other programs: strict, in ASCII, ``null`` for what is not known."""

from __future__ import annotations

from msgspec.structs import asdict

from tbp.doctor.diagnosis import Diagnosis
from tbp.system.strict_json import strict_json

# 1: the first.
FORMAT = 1


def to_json(diagnosis: Diagnosis) -> str:
    """The diagnosis as one JSON object, indented, its last line ended."""
    fields = asdict(diagnosis)
    machine = asdict(diagnosis.machine)
    del machine["unread"]  # is beside it, with what else could not be told
    processor = asdict(diagnosis.machine.processor)
    machine["processor"] = processor | {"flags": sorted(processor["flags"]), "caches": dict(processor["caches"])}
    machine["clocks"] = asdict(diagnosis.machine.clocks) | {"governors": dict(diagnosis.machine.clocks.governors)}
    head = {"format": FORMAT, "sentence": diagnosis.sentence}
    return strict_json(head | fields | {"machine": machine}, indent=2) + "\n"
