"""The sample project: a tiny Transformer package and eight commits of its life, as any project outside tbp has.

``COMMITS`` is the whole history: each commit's subject and the files it writes. One commit really slows attention
down, one really speeds the feed-forward network up; the other six touch nothing that is timed.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class SampleCommit(Struct, frozen=True):
    """One commit: its subject, and the text of every file it writes."""

    subject: str
    files: Mapping[str, str]


_ATTENTION_HEAD = '''"""Self-attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention over (batch, sequence, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
'''

_ATTENTION_FUSED = f"""{_ATTENTION_HEAD}        attended = F.scaled_dot_product_attention(q, k, v)
        return self.out(attended.transpose(1, 2).flatten(2))
"""

_ATTENTION_WITH_WEIGHTS = f"""{_ATTENTION_HEAD}        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        self.last_weights = torch.softmax(scores, dim=-1)
        attended = self.last_weights @ v
        return self.out(attended.transpose(1, 2).flatten(2))
"""

_FEED_FORWARD = '''"""The position-wise feed-forward network."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FeedForward(nn.Module):
    """Two linear layers around a GELU, over (batch, sequence, width)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
'''

_FEED_FORWARD_BY_HAND = f"""{_FEED_FORWARD}        x = self.up(x)
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return self.down(0.5 * x * (1 + torch.tanh(inner)))
"""

_FEED_FORWARD_FUSED = f"""{_FEED_FORWARD}        return self.down(F.gelu(self.up(x), approximate="tanh"))
""".replace("import math\n\n", "").replace("import torch\nimport torch.nn", "import torch.nn")

_BLOCK = '''"""One Transformer block."""

from torch import Tensor, nn

from .attention import Attention
from .feed_forward import FeedForward


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each with a residual connection."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads), FeedForward(width, hidden)
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.feed_forward(self.norm_2(x))
'''

_SUITES = '''"""tinyformer's suites: declarations that tbp turns into timings, traces and counters."""

from tbp import bench

from .workloads.inference import FAMILY


class Inference(bench.Suite):
    family = FAMILY
    variants = ("attention", "attention_twin", "feed_forward")
    shapes = {"tokens": (256,)}
    fixed = {"width": 64, "heads": 4}
    devices = ("cpu",)
    counters = ("operators", "peak_bytes")
'''

_WORKLOADS = '''"""The builds and references of tinyformer's workloads."""

import torch
import torch.nn.functional as F

from tbp import bench

FAMILY = "tinyformer"


def _attention_reference(case, step):
    """softmax(q kᵀ ÷ √K) v in float64."""
    weights = {name: value.double().cpu() for name, value in step.module.state_dict().items()}
    x = step.inputs[0].double().cpu()
    qkv = F.linear(x, weights["qkv.weight"], weights["qkv.bias"])
    q, k, v = qkv.reshape(*x.shape[:2], 3, case["heads"], -1).permute(2, 0, 3, 1, 4)
    attended = torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, -1) @ v
    return F.linear(attended.transpose(1, 2).flatten(2), weights["out.weight"], weights["out.bias"])


def _feed_forward_reference(case, step):
    weights = {name: value.double().cpu() for name, value in step.module.state_dict().items()}
    hidden = F.linear(step.inputs[0].double().cpu(), weights["up.weight"], weights["up.bias"])
    return F.linear(F.gelu(hidden, approximate="tanh"), weights["down.weight"], weights["down.bias"])


@bench.workload(FAMILY, "attention", reference=_attention_reference, twin="attention_twin")
def attention(case):
    make = bench.subject("tinyformer.attention", "Attention")
    module = case.place(lambda: make(case["width"], case["heads"]))
    return bench.inference(module, case.randn(1, case["tokens"], case["width"]))


@bench.workload(FAMILY, "feed_forward", reference=_feed_forward_reference)
def feed_forward(case):
    make = bench.subject("tinyformer.feed_forward", "FeedForward")
    module = case.place(lambda: make(case["width"], 4 * case["width"]))
    return bench.inference(module, case.randn(1, case["tokens"], case["width"]))
'''

_CONFIG = """{
    "version": 1,
    "project": "tinyformer",
    "repo": ".",
    "branches": ["main"],
    "plugins": [".tbp.asv.environment"],
    "environment_type": "tbp",
    "launch_method": "forkserver",
    "benchmark_dir": "benchmarks",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html"
}
"""

_README = """# tinyformer

A tiny Transformer, made by `tbp demo` to have something to measure.
"""

_PROJECT = """[project]
name = "tinyformer"
version = "0.1"
"""

COMMITS = (
    SampleCommit(
        "A tiny Transformer: attention, feed-forward, block",
        {
            "tinyformer/__init__.py": '"""A tiny Transformer."""\n',
            "tinyformer/attention.py": _ATTENTION_FUSED,
            "tinyformer/feed_forward.py": _FEED_FORWARD_BY_HAND,
            "pyproject.toml": _PROJECT,
            "README.md": _README,
            ".gitignore": ".asv/\n__pycache__/\n",
        },
    ),
    SampleCommit("Put attention and feed-forward into a block", {"tinyformer/block.py": _BLOCK}),
    SampleCommit("Say in the README how to try it", {"README.md": f"{_README}\nTry `Block(64, 4, 256)`.\n"}),
    SampleCommit("Keep the attention weights for the visualiser", {"tinyformer/attention.py": _ATTENTION_WITH_WEIGHTS}),
    SampleCommit("Export Block", {"tinyformer/__init__.py": '"""A tiny Transformer."""\n\nfrom .block import Block\n'}),
    SampleCommit("Use torch's own GELU", {"tinyformer/feed_forward.py": _FEED_FORWARD_FUSED}),
    SampleCommit("Add a change log", {"CHANGELOG.md": "# 0.2\n\n- GELU is torch's own.\n"}),
    SampleCommit("Version 0.2", {"pyproject.toml": _PROJECT.replace("0.1", "0.2")}),
)

# Outside the history: asv reads its configuration and the suites from the working tree, for every commit.
WORKING_TREE = {
    "asv.conf.json": _CONFIG,
    "benchmarks/__init__.py": "",
    "benchmarks/inference.py": _SUITES,
    "benchmarks/workloads/__init__.py": "",
    "benchmarks/workloads/inference.py": _WORKLOADS,
}
