"""A model in ONNX Runtime, in float32 or with dynamic INT8: the fastest way to run an encoder on a CPU.

Takes a model and an example of its input, gives a module that computes the same and holds the exported graph. Needs the
extra ``onnx``; its packages are imported when they are needed.
"""

from __future__ import annotations

import copy
import importlib
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tbp.compression.quiet import quiet_libraries

INPUT, OUTPUT = "input", "output"
INSTALL = "pip install 'tbp-perf[onnx]', or onnx, onnxscript and onnxruntime"


class OnnxUnavailable(RuntimeError):
    """The packages that export to ONNX and run it are not there."""


class OnnxModel(nn.Module):
    """One input tensor to one output tensor, both on the CPU, without gradients, by ONNX Runtime.

    The graph is a buffer of bytes, so that the module's size in memory and in a checkpoint is the graph's.

    Args:
        graph: a serialised ONNX model.
        int8: whether its products are in INT8; a record, no option.
        threads: of the runtime. None: as many as torch has now.

    Raises:
        OnnxUnavailable: ONNX Runtime is missing.
    """

    graph: Tensor

    def __init__(self, graph: bytes, *, int8: bool = False, threads: int | None = None) -> None:
        super().__init__()
        runtime = _imported("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning threads steal time
        self.int8 = int8
        self.register_buffer("graph", torch.frombuffer(bytearray(graph), dtype=torch.uint8))
        self._session: Any = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """The graph's output for ``x``, which has the shape and dtype of the example."""
        (output,) = self._session.run([OUTPUT], {INPUT: x.detach().contiguous().numpy()})
        return torch.from_numpy(output)


def to_onnx_runtime(model: nn.Module, example: Tensor, *, int8: bool = False, threads: int | None = None) -> OnnxModel:
    """``model`` as ONNX Runtime runs it, for inputs shaped as ``example``.

    Args:
        int8: weights in INT8, and each activation's range taken when it comes.

    Raises:
        OnnxUnavailable: onnx, onnxscript or ONNX Runtime is missing.
    """
    for needed in ("onnx", "onnxscript", "onnxruntime"):
        _imported(needed)
    with quiet_libraries(), torch.no_grad():
        program = torch.onnx.export(
            copy.deepcopy(model).eval(),
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
    assert program is not None
    exported = program.model_proto.SerializeToString()
    return OnnxModel(_in_int8(exported) if int8 else exported, int8=int8, threads=threads)


def _in_int8(graph: bytes) -> bytes:
    """The graph with products in INT8. ONNX Runtime's quantiser takes and writes files only."""
    quantization = _imported("onnxruntime.quantization")
    with tempfile.TemporaryDirectory(prefix="tbp-onnx-") as folder, quiet_libraries():
        source, target = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(graph)
        # Signed weights: ONNX Runtime took .26 of float32's time with them and .48 with unsigned ones (Zen 4).
        quantization.quantize_dynamic(source, target, weight_type=quantization.QuantType.QInt8)
        return target.read_bytes()


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise OnnxUnavailable(f"{name} is not installed: {INSTALL}") from error
