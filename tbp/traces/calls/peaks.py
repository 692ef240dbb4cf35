"""Peaks of devices, as their makers publish them.

kineto's "deviceProperties" have a device's name and its multiprocessors, and neither clocks nor memory: no peak can be
derived from a trace. So a peak is known of the products below alone, by their exact name. A device that shows another
number of multiprocessors is a part of one, and has no known peak.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from tbp.system.foreign_json import value_in
from tbp.traces.reading.trace import Trace


class Peak(Struct, frozen=True):
    """Most that a device does in a second, without sparsity and at its highest clock."""

    multiprocessors: int
    bytes_per_s: float
    # (least, most) by kineto's name of the type: float32 is multiplied as such, or as TF32 where a program allows it,
    # and a trace does not show which.
    flop_per_s: Mapping[str, tuple[float, float]]


def _peak(
    multiprocessors: int, bytes_per_s: float, half: float, single: float, tf32: float, *, bfloat: bool = True
) -> Peak:
    types = {"c10::Half": (half, half), "float": (single, tf32)}
    return Peak(multiprocessors, bytes_per_s, types | ({"c10::BFloat16": (half, half)} if bfloat else {}))


# Data sheets: NVIDIA V100 (2020), A100 (2021), H100 (2023) and H200 (2024), of their SXM forms; AMD MI300X (2023).
_V100 = _peak(80, 0.9e12, 125e12, 15.7e12, 15.7e12, bfloat=False)
_A100 = (312e12, 19.5e12, 156e12)
_H100 = (989.4e12, 66.9e12, 494.7e12)
_MI300X = _peak(304, 5.3e12, 1307.4e12, 163.4e12, 653.7e12)
PEAKS: Mapping[str, Peak] = {
    "Tesla V100-SXM2-16GB": _V100,
    "Tesla V100-SXM2-32GB": _V100,
    "NVIDIA A100-SXM4-40GB": _peak(108, 1.555e12, *_A100),
    "NVIDIA A100-SXM4-80GB": _peak(108, 2.039e12, *_A100),
    "NVIDIA H100 80GB HBM3": _peak(132, 3.35e12, *_H100),
    "NVIDIA H200": _peak(132, 4.8e12, *_H100),
    "AMD Instinct MI300X": _MI300X,
    "AMD Instinct MI300X VF": _MI300X,  # a virtual machine's view of a whole one
}


class _Listed(Struct):
    name: str = ""
    multiprocessors: int = msgspec.field(name="numSms", default=0)


def peak_of(trace: Trace) -> Peak | None:
    """The peak of a trace's devices; None where it is unknown, or they differ: on AMD ids of devices are others."""
    devices = value_in(trace.metadata.get("deviceProperties", ""), list[_Listed]) or []
    peaks = [PEAKS.get(device.name) for device in devices]
    peak = peaks[0] if peaks else None
    alike = peak is not None and all(each == peak for each in peaks)
    return peak if alike and peak and all(each.multiprocessors == peak.multiprocessors for each in devices) else None
