"""Checks of the roof: the most that the device does a second, which no work may exceed."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tbp import bench
from tbp.bench.roof import roof
from tbp.selftest.checks import Reading, check, quantity
from tbp.selftest.work import WIDTHS, events_s, product

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
# Larger than every cache, so that the traffic is that with memory.
TRAFFIC_BYTES = 1 << 28
# Of the roof: a product of the checks is among those that the roof is the best of, on a clock that moves by a tenth.
MOST_SHARE = 1.2


@check("roof")
def roofs(device: bench.Device) -> Iterator[Reading]:
    """Products and traffic a second in each dtype; a float32 product by another clock is below its roof."""
    for dtype in DTYPES:
        name = str(dtype).removeprefix("torch.")
        try:
            bench.require(device.name, dtype)
        except bench.Skip as skip:
            yield Reading(name, f"skipped: {skip}")
            continue
        top = roof(device, dtype, TRAFFIC_BYTES)
        yield Reading(name, f"{quantity(top.flop_per_s, 'FLOP/s')}, {quantity(top.bytes_per_s, 'B/s')}")
        if dtype is torch.float32:
            share = 2 * WIDTHS[device.name] ** 3 / events_s(product(device), device) / top.flop_per_s
            yield Reading("a product's share of it", f"{share:.2f}", f"0 to {MOST_SHARE}", 0 < share <= MOST_SHARE)
