"""One optimizer step of DistributedDataParallel in two processes, over micro-batches, and the naive one."""

# B batch, S sequence, R ranks

import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW

from tbp import bench

from .trained import batch_of, model_of, training_step, whole_batch_gradient

FAMILY = "distributed"

RANKS = 2


def _rank(case: bench.Case, name: str) -> bench.Step:
    """The step of one rank, on its part of the batch."""
    accumulate = bench.subject("tbp.training", name)
    model = model_of(case)
    wrapped = DistributedDataParallel(model)
    optimizer = AdamW(model.parameters(), lr=1e-4, fused=True)
    x_BSD, labels_BS = (whole.chunk(dist.get_world_size())[dist.get_rank()] for whole in batch_of(case))
    parts = case["micro_batches"]
    micro_batches = list(zip(x_BSD.chunk(parts), labels_BS.chunk(parts), strict=True))
    return training_step(case, model, optimizer, lambda: accumulate(wrapped, micro_batches, optimizer, parts))


def naive_rank(case: bench.Case) -> bench.Step:
    return _rank(case, "naive_train_with_gradient_accumulation")


def accumulated_rank(case: bench.Case) -> bench.Step:
    return _rank(case, "train_with_gradient_accumulation")


def _reference(case: bench.Case, step: bench.Step) -> Tensor:
    """The gradient of the whole batch in float64, which every rank has to apply."""
    alone = training_step(case, model_of(case), AdamW([Tensor()]), lambda: None)
    return whole_batch_gradient(case, alone).expand(RANKS, -1)


@bench.workload(FAMILY, "naive", reference=_reference)
def naive(case: bench.Case) -> bench.Step:
    """Ranks exchange the gradients of every micro-batch."""
    return bench.distributed(naive_rank, case, RANKS)


@bench.workload(FAMILY, "accumulated", reference=_reference, baseline="naive")
def accumulated(case: bench.Case) -> bench.Step:
    """Ranks exchange gradients once a step."""
    return bench.distributed(accumulated_rank, case, RANKS)
