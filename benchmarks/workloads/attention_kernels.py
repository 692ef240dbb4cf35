"""Which kernel computes attention: torch's fused ones, or the plain operators of its math path."""

from collections.abc import Callable

from tbp.bench.counters import dispatched

MATH = "math"
FUSED = ("flash", "efficient", "cudnn")
_OPERATOR = "_scaled_dot_product_"  # and the kernel's name: aten::_scaled_dot_product_flash_attention_for_cpu


def kernel_of(run: Callable[[], object]) -> str:
    """The fused kernel that ``run`` dispatches, ``math`` where it dispatches none."""
    operators = [name for name in dispatched(run) if _OPERATOR in name]
    return next((kernel for kernel in FUSED if any(f"{_OPERATOR}{kernel}" in name for name in operators)), MATH)
