"""Attention of a batch whose sequences have different lengths: padded to the longest under a mask, or ragged."""

# B batch, S positions of the longest sequence, M positions of all, D model width

from dataclasses import replace

import torch
from torch import Tensor

from tbp import bench

from .attention_oracle import Seen, attended, projections

FAMILY = "attention"


def _lengths(case: bench.Case) -> list[int]:
    """From a B-th of the longest to all of it; together half of what padding makes of them."""
    batch, longest = case["tokens"] // case["sequence_length"], case["sequence_length"]
    return [max(1, longest * (index + 1) // batch) for index in range(batch)]


def _reference(case: bench.Case, step: bench.Step) -> Tensor:
    """The positions there are, sequence after sequence."""
    assert step.module is not None
    pairs = projections(step.module.state_dict())
    sequences = torch.split_with_sizes(step.inputs[0].double().cpu(), _lengths(case))
    return torch.cat([attended(pairs, x[None], x[None], case["heads"], Seen())[0] for x in sequences])


def _step(case: bench.Case, *, padded: bool) -> bench.Step:
    attention = bench.subject("tbp.blocks", "MultiHeadAttention")
    bench.subject("tbp.blocks", "KeyValueCache")  # a commit without it has no ragged attention
    module = case.place(lambda: attention(case["d_model"], case["heads"]))
    lengths = _lengths(case)
    positions_MD = case.randn(sum(lengths), case["d_model"])
    parts = list(torch.split_with_sizes(positions_MD, lengths))
    if padded:
        mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None, None, :].to(case.device)
        x_BSD = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
        step = bench.inference(module, x_BSD, mask=mask)

        def output() -> Tensor:
            rows = step.output()
            return torch.cat([row[:length] for row, length in zip(rows, lengths, strict=True)])
    else:
        step = bench.inference(module, torch.nested.nested_tensor(parts, layout=torch.jagged))

        def output() -> Tensor:
            values: Tensor = step.output().values()
            return values

    # Of the work that has to be done; padding does more.
    products = sum(2 * 2 * length**2 * case["d_model"] for length in lengths)
    flops = 2 * sum(lengths) * 4 * case["d_model"] ** 2 + products
    moved = sum(weight.nbytes for weight in module.parameters()) + 2 * positions_MD.nbytes
    return replace(
        step,
        output=output,
        inputs=(positions_MD,),
        flops=flops,
        counted=0,
        tokens=sum(lengths),
        bytes_moved=moved,
    )


@bench.workload(FAMILY, "padded", reference=_reference)
def padded(case: bench.Case) -> bench.Step:
    return _step(case, padded=True)


@bench.workload(FAMILY, "ragged", reference=_reference, baseline="padded")
def ragged(case: bench.Case) -> bench.Step:
    return _step(case, padded=False)
