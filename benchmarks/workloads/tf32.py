"""Oracle of steps whose float32 products are in TF32: close to the reference, and yet not as close as float32."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from tbp import bench
from tbp.bench.workloads import TOLERANCES

# TF32 has float16's 10 bits.
TF32_TOLERANCES = {torch.float32: TOLERANCES[torch.float16]}


def rounded_to_tf32(
    case: bench.Case, step: bench.Step, reference: Callable[[bench.Case, bench.Step], Tensor | Mapping[str, Tensor]]
) -> dict[str, Callable[[], bool]]:
    """The condition that the step is not float32 under another name: it errs by more than float32 may."""

    def is_rounded() -> bool:
        expected = reference(case, step)
        output = expected if isinstance(expected, Tensor) else expected["output"]
        return bench.relative_error(step.output(), output) > TOLERANCES[torch.float32]

    return {"its products are rounded to TF32": is_rounded}
