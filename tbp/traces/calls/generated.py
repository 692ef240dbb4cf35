"""The name of a kernel that Inductor generated → the operators that it fuses.

Takes a name as recorded or as it compares between runs, gives the kind of kernel and ATen's operators. Inductor joins
the sorted names of the operators by "_" (torch/_inductor/utils.py, get_fused_kernel_name), and several of them have
that sign: the longest known name counts, and a word that no known name begins with is an operator of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

KINDS: Mapping[str, str] = {
    "poi": "pointwise",
    "red": "reduction",
    "per": "persistent reduction",
    "tem": "template",
    "for": "foreach",
    "spl": "split scan",
    "mix": "mixed reduction",
}
CPU = "cpp"

LONGEST_NAME = 1_000  # characters that are looked at; Inductor's names have up to some hundred

# Operators of several words that a graph of Inductor has (torch 2.13: its lowerings and decompositions), but for the
# families of fft, linalg, sparse and quantised ones.
_NAMES = """
_adaptive_avg_pool2d _adaptive_avg_pool2d_backward _embedding_bag _fused_rms_norm _fused_rms_norm_backward
_log_softmax _log_softmax_backward_data _native_batch_norm_legit _native_batch_norm_legit_functional
_native_batch_norm_legit_no_training _prelu_kernel _prelu_kernel_backward _reshape_alias _safe_softmax
_scaled_dot_product_attention_math _scaled_dot_product_cudnn_attention _scaled_dot_product_cudnn_attention_backward
_scaled_dot_product_efficient_attention _scaled_dot_product_efficient_attention_backward
_scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_backward
_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention_for_cpu_backward
_scaled_dot_product_fused_attention_overrideable _scaled_dot_product_fused_attention_overrideable_backward
_flash_attention_forward _flash_attention_backward _efficient_attention_forward _efficient_attention_backward
_scaled_mm _int_mm _grouped_mm _scaled_grouped_mm _softmax _softmax_backward_data _to_copy _unsafe_index
_unsafe_index_put _unsafe_masked_index _unsafe_masked_index_put_accumulate _unsafe_view _weight_norm_interface
_weight_norm_interface_backward _local_scalar_dense _convolution _thnn_fused_lstm_cell adaptive_avg_pool1d
adaptive_avg_pool2d adaptive_max_pool2d adaptive_max_pool2d_backward alias_copy as_strided as_strided_copy
as_strided_scatter avg_pool1d avg_pool2d avg_pool2d_backward avg_pool3d avg_pool3d_backward batch_norm_backward
binary_cross_entropy binary_cross_entropy_backward binary_cross_entropy_with_logits bitwise_and bitwise_left_shift
bitwise_not bitwise_or bitwise_right_shift bitwise_xor broadcast_tensors channel_shuffle clamp_max clamp_min
constant_pad_nd convolution_backward count_nonzero cross_entropy_loss diagonal_backward diagonal_copy
diagonal_scatter elu_backward embedding_backward embedding_bag embedding_dense_backward empty_like empty_strided
expand_as expand_copy float_power floor_divide full_like gather_backward gelu_backward glu_backward grid_sampler_2d
group_norm hardsigmoid_backward hardswish_backward hardtanh_backward huber_loss huber_loss_backward index_add
index_copy index_fill index_put index_reduce index_select index_select_backward kl_div l1_loss layer_norm
leaky_relu leaky_relu_backward lift_fresh lift_fresh_copy linalg_vector_norm log_sigmoid log_sigmoid_backward
log_sigmoid_forward log_softmax logical_and logical_not logical_or logical_xor logit_backward masked_fill
masked_scatter max_pool2d_with_indices max_pool2d_with_indices_backward max_pool3d_with_indices mse_loss
mse_loss_backward nan_to_num native_batch_norm native_batch_norm_backward native_dropout native_dropout_backward
native_group_norm native_group_norm_backward native_layer_norm native_layer_norm_backward new_empty
new_empty_strided new_full new_ones new_zeros nll_loss nll_loss2d_backward nll_loss2d_forward nll_loss_backward
nll_loss_forward ones_like permute_copy pixel_shuffle pixel_unshuffle rand_like randint_like randn_like
reflection_pad1d reflection_pad2d reflection_pad2d_backward repeat_interleave replication_pad2d rms_norm
scalar_tensor scaled_dot_product_attention scatter_add scatter_reduce select_backward select_scatter
sigmoid_backward silu_backward slice_backward slice_scatter smooth_l1_loss smooth_l1_loss_backward
softplus_backward split_with_sizes split_with_sizes_copy squeeze_copy std_mean sum_to_size take_along_dim
tanh_backward threshold_backward transpose_copy true_divide unbind_copy unfold_backward unfold_copy
unsafe_split unsqueeze_copy upsample_bicubic2d upsample_bilinear2d upsample_bilinear2d_backward
upsample_nearest1d upsample_nearest2d upsample_nearest2d_backward upsample_trilinear3d var_mean view_copy
zeros_like
"""
_SEVERAL_WORDS = frozenset(_NAMES.split())
_MOST_WORDS = max(name.count("_") for name in _SEVERAL_WORDS) + 2  # with the empty one before a leading sign

_GENERATED = re.compile(
    r"(?:graph_[^_]+_)?(?:triton_(?P<kind>[a-z]+)|cpp)_fused_(?P<fused>.+?)_(?:#?\d+'*|\d+_(?:\d+[dce]+)+|[0-9a-f]{6,64})"
)


class Generated(Struct, frozen=True):
    """A kernel that Inductor generated."""

    kind: str  # a value of KINDS, as Triton's was recorded, or CPU
    fuses: tuple[str, ...]  # names of ATen's operators, sorted

    @property
    def sentence(self) -> str:
        return f"{self.kind}, fuses {', '.join(self.fuses)}"


def generated(name: str) -> Generated | None:
    """The kernel of a name; None where Inductor did not make it, or names no operators."""
    match = _GENERATED.fullmatch(name) if len(name) <= LONGEST_NAME else None
    if match is None:
        return None
    kind = match["kind"]
    return Generated(KINDS.get(kind, kind) if kind else CPU, tuple(_operators(match["fused"].split("_"))))


def _operators(words: list[str]) -> list[str]:
    found_at, operators = 0, list[str]()
    while found_at < len(words):
        lengths = range(min(_MOST_WORDS, len(words) - found_at), 0, -1)
        known = (size for size in lengths if "_".join(words[found_at : found_at + size]) in _SEVERAL_WORDS)
        # A word alone; with the sign that an unknown name begins with.
        size = next(known, 1 + (not words[found_at] and found_at + 1 < len(words)))
        operators.append("_".join(words[found_at : found_at + size]))
        found_at += size
    return operators
