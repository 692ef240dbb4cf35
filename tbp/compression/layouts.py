"""The matrices of a model between which units can be removed: in blocks of tbp, of torch and of Hugging Face.

Takes a model, gives its feed-forward networks and its attentions under one set of names. Which units go is decided in
``pruning``. Hugging Face's modules are known by their package and the names inside: ``transformers`` is not imported.
"""

# F hidden width, G key/value heads

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from tbp.blocks import FeedForward, MultiHeadAttention
from tbp.blocks.projections import block_rows, keep_columns, keep_rows
from tbp.compression.projected_attention import ProjectedAttention

# (into the hidden units, out of them), as BERT, RoBERTa and ELECTRA name them, then DistilBERT, then BART and ViT.
HUGGING_FACE_HIDDEN = (("intermediate.dense", "output.dense"), ("lin1", "lin2"), ("fc1", "fc2"))
# Of a layer's attention in BERT, RoBERTa and ELECTRA; the heads are counted in its child "self".
HUGGING_FACE_ATTENTION = ("self.query", "self.key", "self.value", "output.dense")


@dataclass(frozen=True, eq=False)
class HiddenUnits:
    """A feed-forward network: a hidden unit is a row of each of ``into``, and a column of ``out``."""

    into: tuple[nn.Linear, ...]
    out: nn.Linear


class PrunableAttention(Protocol):
    """An attention from which key/value heads can be removed, with the query heads that they serve."""

    @property
    def num_heads(self) -> int: ...
    @property
    def num_kv_heads(self) -> int: ...
    @property
    def head_width(self) -> int: ...
    @property
    def value_weight(self) -> Tensor:
        """(G · K, width) weight that makes the values."""

    @property
    def out_proj(self) -> nn.Linear: ...
    def keep_heads(self, kept_G: Tensor) -> None: ...


@dataclass(frozen=True, eq=False)
class HuggingFaceAttention:
    """The attention of a layer of BERT: projections in its child ``self``, which counts the heads."""

    counter: Any  # the child: torch gives a module's attributes no types
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out_proj: nn.Linear
    head_width: int

    @property
    def num_heads(self) -> int:
        return self.query.out_features // self.head_width

    @property
    def num_kv_heads(self) -> int:
        return self.num_heads

    @property
    def value_weight(self) -> Tensor:
        return self.value.weight

    def keep_heads(self, kept_G: Tensor) -> None:
        """Remove all heads but ``kept_G``. The model's configuration keeps the old number."""
        rows = block_rows(kept_G, self.head_width)
        for linear in (self.query, self.key, self.value):
            keep_rows(linear, rows)
        keep_columns(self.out_proj, rows)
        self.counter.num_attention_heads = kept_G.numel()
        self.counter.all_head_size = rows.numel()


def hidden_units(model: nn.Module) -> Iterator[HiddenUnits]:
    """Every feed-forward network: ``FeedForward``, those in torch's Transformer layers, and in Hugging Face's."""
    for module in model.modules():
        if isinstance(module, FeedForward):
            gates = () if module.gate is None else (module.gate,)
            yield HiddenUnits((module.up, *gates), module.down)
        elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            yield HiddenUnits((module.linear1,), module.linear2)
        elif _is_hugging_face(module):
            for names in HUGGING_FACE_HIDDEN:
                into, out = (_linear_at(module, name) for name in names)
                if into is not None and out is not None and into.out_features == out.in_features:
                    yield HiddenUnits((into,), out)


def prunable_attentions(model: nn.Module) -> Iterator[PrunableAttention]:
    """Every attention of tbp, of Hugging Face's BERT, and of torch once it is a ``ProjectedAttention``."""
    for module in model.modules():
        if isinstance(module, MultiHeadAttention | ProjectedAttention):
            yield module
        elif _is_hugging_face(module):
            query, key, value, out = (_linear_at(module, name) for name in HUGGING_FACE_ATTENTION)
            if query is not None and key is not None and value is not None and out is not None:
                counter: Any = module.get_submodule("self")
                yield HuggingFaceAttention(counter, query, key, value, out, counter.attention_head_size)


def _is_hugging_face(module: nn.Module) -> bool:
    return type(module).__module__.startswith("transformers.")


def _linear_at(module: nn.Module, path: str) -> nn.Linear | None:
    try:
        child = module.get_submodule(path)
    except AttributeError:
        return None
    return child if type(child) is nn.Linear else None
