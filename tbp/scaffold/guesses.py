"""Arguments for a callable that nobody has told of: by the names and annotations of its parameters.

Takes the syntax of a function, gives source text such as ``NUMBERS, 10``. The names in capitals are constants, whose
values are ``CONSTANTS``. A guess is tried before it is offered (``tbp.scaffold.trial``), so a wrong one costs a moment.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

CONSTANTS: Mapping[str, str] = {
    "TEXT": '"The quick brown fox jumps over the lazy dog. " * 10',
    "WORDS": '["apple", "pear", "plum", "cherry", "fig"] * 200',
    "NUMBERS": "list(range(1_000))",
    "PAIRS": "{number: str(number) for number in range(1_000)}",
}


WIDTH = 64  # of a model that is made with guessed sizes
CHANNELS = 3  # of a colour image
MOST_FEATURES = 100_000  # an input of 128 tokens then has 50 MB


def _by_name(table: Mapping[str, str]) -> dict[str, str]:
    """``{"a b": "1"}`` → ``{"a": "1", "b": "1"}``."""
    return {name: text for names, text in table.items() for name in names.split()}


_VALUES = _by_name(
    {
        "s string text txt sentence phrase line content source src data_string body html markdown query": "TEXT",
        "word name term key_name title slug underscored_word camel_cased_word identifier": '"the_quick_brown_fox"',
        "words strings names tokens_list lines texts": "WORDS",
        "iterable iterables seq sequence sequences items it iterator values xs lst l coll collection elements array "
        "arr numbers nums data list_ container args": "NUMBERS",
        "n k num count number size length width height m times step steps chunk_size batch_size window": "10",
        "d mapping dictionary dct dict_ map_": "PAIRS",
        "func function fn f key keyfunc transform mapper": "str",
        "pred predicate cond condition": "bool",
        "x y z value val a b": "7",
    }
)
_ANNOTATIONS = _by_name(
    {
        "str AnyStr Text": "TEXT", "int": "10", "float complex Number": "0.5", "bool": "True", "bytes": "TEXT.encode()",
        "list List Iterable Sequence Collection tuple Tuple Iterator Container Sized": "NUMBERS",
        "set Set frozenset": "set(NUMBERS)", "dict Dict Mapping MutableMapping": "PAIRS", "Callable": "str",
    }
)  # fmt: skip
# Of constructors of nn.Modules: a small model that fits together, as its width is a multiple of its heads.
_SIZES = _by_name(
    {
        "width dim d_model model_dim hidden_size embed_dim embedding_dim emb_dim n_embd embed_size channels "
        "in_channels out_channels in_features out_features in_dim out_dim input_dim output_dim input_size features "
        "dims n_state normalized_shape units num_features num_channels d size n_embed emb_size model_size": str(WIDTH),
        "hidden hidden_dim d_ff ff_dim dim_feedforward ffn_dim intermediate_size mlp_dim inner_dim d_hidden": "256",
        "heads num_heads n_heads n_head nhead h num_attention_heads head_count kv_heads groups num_groups": "4",
        "layers num_layers depth n_layers n_layer num_blocks blocks num_hidden_layers experts num_experts": "2",
        "head_dim d_k d_v dim_head head_size rank top_k": "16",
        "vocab vocab_size num_embeddings num_tokens ntoken n_vocab num_classes n_classes classes": "1000",
        "max_len max_length seq_len max_seq_len max_sequence_length context_length block_size n_ctx context "
        "max_position_embeddings sequence_length num_positions n_positions": "512",
        "kernel_size patch_size kernel": "3", "stride padding": "1",
        "dropout p drop dropout_rate eps bias_std drop_rate attn_dropout": "0.0",
        "bias causal batch_first": "True",
    }
)  # fmt: skip


def guessed_arguments(function: ast.FunctionDef | None, *, is_method: bool, is_torch: bool) -> str | None:
    """The required arguments of a call; None where one of them cannot be guessed. Without a function: none."""
    if function is None:
        return ""
    positional = [*function.args.posonlyargs, *function.args.args]
    required = positional[: len(positional) - len(function.args.defaults)][1 if is_method else 0 :]
    # A keyword without a default has None in the list of defaults.
    keywords = [
        argument
        for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if default is None
    ]
    values = [_guess(argument, is_torch) for argument in (*required, *keywords)]
    if not required and not keywords and not is_torch:
        values = _worthwhile(positional[1 if is_method else 0 :], function.args.vararg)
    texts = [text for text in values if text is not None]
    if len(texts) < len(values):
        return None
    named_ones = [f"{argument.arg}={text}" for argument, text in zip(keywords, texts[len(required) :], strict=False)]
    return ", ".join([*texts[: len(required)], *named_ones] if keywords else texts)


def likely_features(init: ast.FunctionDef | None) -> tuple[int, int]:
    """Features and channels of the inputs of a module: by its parameters' defaults, or the first layer of each kind."""
    if init is None:
        return WIDTH, CHANNELS
    first = {kind: sizes[0] for kind in ("Linear", "Conv2d") if (sizes := _first_sizes(init, kind))}
    by_default = _default_width(init)
    return by_default or first.get("Linear", WIDTH), by_default or first.get("Conv2d", CHANNELS)


def given_width(arguments: str) -> int:
    """The width that the arguments of a constructor say: a first number, or one by its name; 0 without."""
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    named = (each.value for each in call.keywords if each.arg and _SIZES.get(each.arg.lower()) == str(WIDTH))
    return next((size for each in (*call.args, *named) if (size := _integer(each))), 0)


def _default_width(init: ast.FunctionDef) -> int:
    """The default of the first parameter that is a width; the guessed one where it has none; 0 without a width."""
    positional = [*init.args.posonlyargs, *init.args.args]
    padded = [None] * (len(positional) - len(init.args.defaults)) + list(init.args.defaults)
    for argument, default in zip([*positional, *init.args.kwonlyargs], [*padded, *init.args.kw_defaults], strict=True):
        name = argument.arg.lower().strip("_")
        if _SIZES.get(name) == str(WIDTH) and not name.startswith("out"):
            return _integer(default) or WIDTH
    return 0


def _first_sizes(init: ast.FunctionDef, layer: str) -> list[int]:
    """The first arguments of the calls that make such a layer, where they are numbers; in the order of the text."""
    calls = [each for each in ast.walk(init) if isinstance(each, ast.Call) and each.args]
    made = [each for each in calls if getattr(each.func, "attr", getattr(each.func, "id", "")) == layer]
    return [size for each in sorted(made, key=lambda call: call.lineno) if (size := _integer(each.args[0]))]


def _integer(node: ast.expr | None) -> int:
    """The number that a constant is, within what a first benchmark may need; 0 for anything else."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_FEATURES else 0


def _worthwhile(optional: list[ast.arg], several: ast.arg | None) -> list[str | None]:
    """Data for a first parameter that is optional, as of ``SortedList(iterable=None)``: of nothing there is no work."""
    first = next(iter(optional), several)
    text = _VALUES.get(first.arg) if first is not None else None
    return [text] if text in ("NUMBERS", "TEXT", "PAIRS", "WORDS") else []


def _guess(argument: ast.arg, is_torch: bool) -> str | None:
    name = argument.arg.lower().strip("_")
    if is_torch:
        return _SIZES.get(name)
    if name in _VALUES and not _annotated(argument):
        return _VALUES[name]
    annotated = _ANNOTATIONS.get(_annotated(argument))
    by_name = _VALUES.get(name)
    # Both are texts, and the name knows more: a word, or a whole text.
    return by_name if annotated == "TEXT" and by_name is not None and by_name.startswith('"') else annotated or by_name


def _annotated(argument: ast.arg) -> str:
    """The outermost name of an annotation: ``Iterable`` of ``typing.Iterable[T] | None``."""
    if argument.annotation is None:
        return ""
    text = ast.unparse(argument.annotation).strip("'\"").removeprefix("Optional[").removeprefix("typing.")
    match = re.match(r"(?:[\w]+\.)*(\w+)", text)
    return match[1] if match else ""
