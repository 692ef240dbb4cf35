"""One optimizer step of DistributedDataParallel in two processes, over ragged micro-batches, and the naive one."""

from dataclasses import replace

import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW

from tbp import bench

from .accumulation import mean_of_all, mean_of_means, micro_batches_of
from .training_steps import model_of, training_step

FAMILY = "distributed"

RANKS = 2


def _rank(case: bench.Case, name: str) -> bench.Step:
    """The step of one rank, on ``micro_batches`` of those of all."""
    accumulate = bench.subject("tbp.training", name)
    model, parts = model_of(case), case["micro_batches"]
    wrapped = DistributedDataParallel(model)
    optimizer = AdamW(model.parameters(), lr=1e-4, fused=True)
    batches = micro_batches_of(case, RANKS * parts)[dist.get_rank() * parts :][:parts]
    step = training_step(case, model, optimizer, lambda: accumulate(wrapped, batches, optimizer, parts))
    return replace(step, tokens=sum(labels.numel() for _, labels in batches))


def naive_rank(case: bench.Case) -> bench.Step:
    return _rank(case, "naive_train_with_gradient_accumulation")


def accumulated_rank(case: bench.Case) -> bench.Step:
    return _rank(case, "train_with_gradient_accumulation")


def _alone(case: bench.Case) -> bench.Step:
    """The whole batch in one process, for its weights and inputs."""
    return training_step(case, model_of(case), AdamW([Tensor()]), lambda: None)


def _mean_of_all(case: bench.Case, step: bench.Step) -> Tensor:
    """Every rank applies the gradient of the mean over the labels of all."""
    return mean_of_all(case, _alone(case), RANKS * case["micro_batches"]).expand(RANKS, -1)


def _mean_of_means(case: bench.Case, step: bench.Step) -> Tensor:
    return mean_of_means(case, _alone(case), RANKS * case["micro_batches"]).expand(RANKS, -1)


@bench.workload(FAMILY, "naive", reference=_mean_of_means, version=2)
def naive(case: bench.Case) -> bench.Step:
    """Ranks exchange the gradients of every micro-batch, and each micro-batch weighs alike."""
    return bench.distributed(naive_rank, case, RANKS)


@bench.workload(FAMILY, "accumulated", reference=_mean_of_all, baseline="naive", version=2)
def accumulated(case: bench.Case) -> bench.Step:
    """Ranks exchange gradients once a step, and each label weighs alike."""
    return bench.distributed(accumulated_rank, case, RANKS)
