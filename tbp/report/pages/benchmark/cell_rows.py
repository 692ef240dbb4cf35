"""Rows of a measured cell: ratios to its baseline and twin, share of the machine's limit, errors, circumstances.

Takes what the ruler recorded beside the newest value, gives names and words. Nothing is said of what nobody recorded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from tbp.model.cells import MeasuredCell, RatioToVariant
from tbp.wording import words

TWIN_END = "_twin"  # of a variant that is the same work again (``tbp.model.twins``)
# An operator that tells which of several kernels attention took: ``aten::_scaled_dot_product_flash_attention_for_cpu``.
KERNEL = "_scaled_dot_product_"
# Share of a step's wall time that the GPU works, below which launches decide the time. On an H200 long products had .98
# to 1.0, attention of 16,384 tokens .94, a graphed encoder .92; three small eager steps had .11 to .18.
LAUNCH_BOUND = 0.5


def cell_rows(cell: MeasuredCell) -> Iterator[tuple[str, str]]:
    """(name, value) of each row, in the order of the page."""
    yield from (_ratio(ratio) for ratio in cell.ratios)
    if cell.roof_share > 0:
        limit = f"{cell.roof_dtype or 'float32'} matrix products" if cell.bound == "compute" else "memory bandwidth"
        yield "share of the roof", f"{words.percent(cell.roof_share)} of the machine's {limit} beside it"
    counted = cell.counted
    if counted.device_s is not None and counted.device_s > 0:
        yield "time on the GPU", f"{words.quantity(counted.device_s, 'seconds')}, {_share_of_wall_time(cell)}"
    amounts = {
        "throughput": (counted.tokens or 0) / cell.time_s if cell.time_s > 0 else 0.0,
        "first call in a process": cell.first_call_s,
        "energy of a step": cell.energy_j,
        "weights in memory": counted.memory_bytes,
    }
    units = ("tokens/s", "seconds", "J", "bytes")
    for (name, amount), unit in zip(amounts.items(), units, strict=True):
        if amount is not None and amount > 0:
            yield name, words.quantity(amount, unit)
    if counted.max_abs_error is not None:
        yield "largest difference from the reference", words.small(counted.max_abs_error)
    if counted.cosine_error is not None:
        yield "1 − cosine with the reference", words.small(counted.cosine_error)
    kernels = _kernels(counted.dispatched)
    if kernels:
        yield "attention kernel", kernels
    if cell.isa:
        yield "measured with", ", ".join(_circumstances(cell))


def _share_of_wall_time(cell: MeasuredCell) -> str:
    """The rest of it the GPU waits for the host, which launches the kernels."""
    share = (cell.counted.device_s or 0.0) / cell.time_s if cell.time_s > 0 else math.nan
    return f"{words.percent(share)} of the wall time" + ("" if share >= LAUNCH_BOUND else ": it waits for launches")


def _ratio(ratio: RatioToVariant) -> tuple[str, str]:
    over = f"in {words.count(ratio.processes, 'process', 'processes')}{', CPU time' if ratio.of_cpu_time else ''}"
    is_twin = ratio.variant.endswith(TWIN_END)
    value, low, high = (
        words.signed_percent(number - 1) if is_twin else words.significant(number)
        for number in (ratio.ratio, ratio.low, ratio.high)
    )
    spread = f"99 % CI {low} to {high}, " if math.isfinite(ratio.low) else ""
    if is_twin:
        return "the same work again", f"{value} ({spread}{over})"
    return f"beside {ratio.variant}", f"{value} of its time ({spread}{over})"


def _kernels(dispatched: Mapping[str, int]) -> str:
    names = [name.removeprefix("aten::") for name in dispatched if KERNEL in name and "backward" not in name]
    return ", ".join(sorted(name.split(KERNEL)[1].replace("_", " ") for name in names))


def _circumstances(cell: MeasuredCell) -> Iterator[str]:
    yield words.count(cell.threads, "thread")
    yield cell.isa
    if cell.omp_wait_policy:
        yield f"OMP wait policy {cell.omp_wait_policy.lower()}"
    if cell.engine:
        yield f"engine {cell.engine}"
    if cell.float32_products and cell.float32_products != "highest":
        yield f"float32 products {cell.float32_products} (TF32)"
    if cell.processor_mhz:
        yield f"{cell.processor_mhz:,} MHz"
    if cell.throttled:
        yield f"throttled ({cell.throttled:,})"
