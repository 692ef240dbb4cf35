"""Variables of the environment that change what a measurement means; all of them reach the benchmarks."""

from __future__ import annotations

THREADS = ("TBP_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

# Name → what it does to numbers; those that make them mean something else than users get.
DISTORTING = {
    "CUDA_LAUNCH_BLOCKING": "every launch waits for the GPU, so wall times are those of no real program",
    "PYTORCH_NO_CUDA_MEMORY_CACHING": "every tensor is allocated anew by the driver",
    "PYTHONMALLOC": "Python allocates by another allocator than it does elsewhere",
    "LD_PRELOAD": "a library takes the place of functions, as of the allocator",
    "TORCH_LOGS": "torch writes a log while it is timed",
    "TORCHDYNAMO_DISABLE": "torch.compile does nothing",
    "ATEN_CPU_CAPABILITY": "torch leaves instruction sets of this processor unused",
    "ONEDNN_MAX_CPU_ISA": "oneDNN leaves instruction sets of this processor unused",
    "DNNL_MAX_CPU_ISA": "oneDNN leaves instruction sets of this processor unused",
    "MKL_ENABLE_INSTRUCTIONS": "MKL leaves instruction sets of this processor unused",
    "ONEDNN_DEFAULT_FPMATH_MODE": "float32 products may be computed in a lower precision",
    "DNNL_DEFAULT_FPMATH_MODE": "float32 products may be computed in a lower precision",
    "NVIDIA_TF32_OVERRIDE": "TF32 is switched for all libraries, whatever torch is set to",
}
# Values with which a variable does nothing.
HARMLESS = {"CUDA_LAUNCH_BLOCKING": "0", "PYTHONMALLOC": "pymalloc", "TORCHDYNAMO_DISABLE": "0"}

WAITING = "OMP_WAIT_POLICY"

WATCHED = (*THREADS, WAITING, *DISTORTING)
