"""Which kernel library multiplies INT8 matrices on this CPU: chosen by its instructions, from what was measured.

Gives the name of an engine of ``torch.backends.quantized``. Quantising with it is left to ``quantization``.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch

from tbp.training.precision import cpu_features

Engine = Literal["x86", "fbgemm", "onednn", "qnnpack"]
"""Kernel libraries of ``torch.backends.quantized``. For linear layers "x86" is fbgemm; "qnnpack" is for ARM."""


class QuantizationUnavailable(RuntimeError):
    """This torch cannot quantise that way."""


# The first row whose instructions the CPU has (one of them; none named: every CPU) and whose engine torch has.
#
# - AMX: fbgemm has no kernels for it. A 2-layer encoder of width 512 at batch 8 took .40 of float32's time with onednn.
# - AVX-512 VNNI without AMX (Zen 4, one thread, tools/compression_speed.py): fbgemm .41, .30, .28 of float32 at batch 1
#   and width 256, 512, 768; onednn .48, .33, .27. At batch 8 they were within noise of each other from width 512 on.
#   Batch 1 is what INT8 on a CPU is for.
# - Neither: onednn adds products up in 16 bits, which saturate, and torch warns of it. fbgemm does not.
# - ARM: qnnpack, which torch is built with there.
PREFERRED: tuple[tuple[frozenset[str], Engine], ...] = (
    (frozenset({"amx_int8"}), "onednn"),
    (frozenset(), "x86"),
    (frozenset(), "fbgemm"),
    (frozenset(), "qnnpack"),
)


def default_engine() -> Engine:
    """The engine for this CPU's instructions, of those that this torch was built with.

    Raises:
        QuantizationUnavailable: it has none of x86, fbgemm and qnnpack.
    """
    for instructions, engine in PREFERRED:
        has_instructions = not instructions or bool(instructions & cpu_features())
        if has_instructions and engine in torch.backends.quantized.supported_engines:
            return engine
    raise QuantizationUnavailable(
        f"this torch has none of the engines x86, fbgemm and qnnpack, only {supported_engines()}; use another build"
    )


def checked_engine(engine: Engine | None) -> Engine:
    """``engine``, or the default for None.

    Raises:
        QuantizationUnavailable: this torch lacks it.
    """
    if engine is None:
        return default_engine()
    if engine not in torch.backends.quantized.supported_engines:
        raise QuantizationUnavailable(f"this torch has no engine {engine!r}, only {supported_engines()}")
    return engine


def available_engines() -> tuple[Engine, ...]:
    """The engines of this torch, the preferred ones first."""
    return tuple(engine for engine in get_args(Engine) if engine in torch.backends.quantized.supported_engines)


def supported_engines() -> str:
    """The engines of this torch, for a message."""
    return ", ".join(torch.backends.quantized.supported_engines) or "none"
