"""The matrices of a model between which units can be removed: in blocks of tbp, of torch and of Hugging Face.

Takes a model, gives its feed-forward networks and its attentions under one set of names. Which units go is decided in
``pruning``. Hugging Face's modules are known by their package and the names inside: ``transformers`` is not imported.
"""

# F hidden width, G key/value heads

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from tbp.blocks import FeedForward, MultiHeadAttention
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


@dataclass(frozen=True, eq=False)
class AttentionHeads:
    """The projections of an attention, and the module that counts its heads."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out: nn.Linear
    head_width: int
    counter: nn.Module = field(repr=False)
    count_names: tuple[str, ...]  # attributes of ``counter`` that count the query heads
    kv_count_names: tuple[str, ...] = ()
    width_names: tuple[str, ...] = ()  # those that hold heads × head width

    @property
    def num_heads(self) -> int:
        return self.query.out_features // self.head_width

    @property
    def num_kv_heads(self) -> int:
        return self.key.out_features // self.head_width

    def count(self) -> None:
        """Write the numbers of heads that the projections have now into the module."""
        values = {self.count_names: self.num_heads, self.kv_count_names: self.num_kv_heads}
        values[self.width_names] = self.query.out_features
        for names, value in values.items():
            for name in names:
                setattr(self.counter, name, value)


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


def attention_heads(model: nn.Module) -> Iterator[AttentionHeads]:
    """Every attention with projections of its own: of tbp, of Hugging Face's BERT, and torch's once projected."""
    for module in model.modules():
        if isinstance(module, MultiHeadAttention | ProjectedAttention):
            yield AttentionHeads(
                *(module.q_proj, module.k_proj, module.v_proj, module.out_proj),
                module.head_width,
                module,
                ("num_heads",),
                ("num_kv_heads",),
            )
        elif _is_hugging_face(module):
            projections = [_linear_at(module, name) for name in HUGGING_FACE_ATTENTION]
            query, key, value, out = projections
            if query is None or key is None or value is None or out is None:
                continue
            counter = module.get_submodule("self")
            width = counter.attention_head_size
            assert isinstance(width, int)
            yield AttentionHeads(
                query, key, value, out, width, counter, ("num_attention_heads",), (), ("all_head_size",)
            )


def _is_hugging_face(module: nn.Module) -> bool:
    return type(module).__module__.startswith("transformers.")


def _linear_at(module: nn.Module, path: str) -> nn.Linear | None:
    try:
        child = module.get_submodule(path)
    except AttributeError:
        return None
    return child if type(child) is nn.Linear else None
