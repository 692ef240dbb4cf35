"""Checkpoints of other code for tbp's blocks: the page of snippets it began with, ``nn.Transformer…Layer``, BERT.

A checkpoint is a ``state_dict``. Each part of a dotted name has the names that tbp may have for it; of all combinations
the one that the module has is taken. So prefixes may be anything, and one function serves a block or a whole model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from torch import Tensor, nn

from tbp.blocks.projections import NAMES

# How tutorials name a projection: W_q, w_q, Wq, q_linear, fc_q, q_lin; query, key and value are BERT's.
_PROJECTIONS = {
    rf"[Ww]_?{kind}|{kind}_lin(ear)?|fc_{kind}|{kind}_proj|{word}": (f"{kind}_proj",)
    for kind, word in (("q", "query"), ("k", "key"), ("v", "value"))
}
_PARTS: dict[str, tuple[str, ...]] = {
    **_PROJECTIONS,
    r"[Ww]_?o|o_proj|o(ut)?_lin(ear)?|fc_o(ut)?|w_concat": ("out_proj",),
    r"in_proj_(weight|bias)": (r"qkv_proj.\1",),
    r"self_attn|self_attention|attn|mha|multi_?head_attention": ("attention",),
    r"multihead_attn|encoder_attn|cross_attn|src_attn": ("cross_attention",),
    r"ffn|ff|mlp": ("feed_forward",),
    r"linear_?1|fc_?1|w_?1|lin1": ("up", "feed_forward.up"),
    r"linear_?2|fc_?2|w_?2|lin2": ("down", "feed_forward.down"),
    r"norm_?1": ("attention_norm",),
    r"norm_?2": ("cross_attention_norm", "feed_forward_norm"),  # a decoder layer has the first of them
    r"norm_?3": ("feed_forward_norm",),
    r"layer": ("layers",),
}
# Parts of a BERT layer, which only together tell which block is meant; the longer ones first.
_BERT = {
    "attention.output.LayerNorm": "attention_norm",
    "attention.output.dense": "attention.out_proj",
    "attention.self": "attention",
    "intermediate.dense": "feed_forward.up",
    "output.dense": "feed_forward.down",
    "output.LayerNorm": "feed_forward_norm",
}


def converted(state: Mapping[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """``state`` under the names that ``module`` has, ready for ``module.load_state_dict``.

    Tables of sinusoidal positions (``pe``) are dropped, because the module computes its table. A name without a
    counterpart stays, so that ``load_state_dict`` reports it.

    Raises:
        ValueError: two names of ``state`` mean one of the module.
    """
    names = set(_with_unpacked(module.state_dict()))
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.split(".")[-1] == "pe" and name not in names:
            continue
        target = next((candidate for candidate in _candidates(name) if candidate in names), name)
        if target in renamed:
            raise ValueError(f"two entries of the checkpoint mean {target}, {name} among them; drop one of them")
        renamed[target] = value
    return renamed


def _with_unpacked(names: Iterable[str]) -> Iterator[str]:
    """``names``, and those that also load into the module: three for a packed projection, a packed one for three."""
    for name in names:
        yield name
        yield name.replace("q_proj", "qkv_proj")
        for part in NAMES:
            yield name.replace("qkv_proj", part)


def _candidates(name: str) -> Iterator[str]:
    """Names that tbp may have for ``name``, itself first."""
    for parts_of_bert, replacement in _BERT.items():
        name = name.replace(parts_of_bert, replacement)
    options = [[part, *_translations(part)] for part in name.split(".")]
    for parts in product(*options):
        yield ".".join(parts)


def _translations(part: str) -> Iterator[str]:
    for pattern, replacements in _PARTS.items():
        if match := re.fullmatch(pattern, part):
            yield from (match.expand(replacement) for replacement in replacements)
