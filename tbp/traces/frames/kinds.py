"""The kinds of frames, and what names tell of them."""

# What a frame is.
OPERATOR, ANNOTATION, RUNTIME = "operator", "annotation", "runtime"
PYTHON = "python"  # a Python function around operators (with_stack)
MODULE = "module"  # a call of an nn.Module (with_stack or with_modules)
DEVICE = "device"  # a kernel, copy or fill, below the operator that launched it
REST_OF_DEVICE = "rest"  # device work that no operator owns (``kernels.REST``), at the top
SMALLER = "smaller"  # several frames too small to be told apart, below the one that called them
KINDS = frozenset({OPERATOR, ANNOTATION, RUNTIME, PYTHON, MODULE, DEVICE, REST_OF_DEVICE, SMALLER})

# torch.compile's marks: a compiled function, and in it a call of its generated code, in the backward pass without it.
REGIONS = ("Torch-Compiled Region: ", "## Call CompiledFxGraph ")

# torch's own functions, built-in ones and frozen modules stand between a line and its operator in all programs.
_LIBRARY = ("torch/", "torch\\", "<")


def is_outside_of_torch(name: str) -> bool:
    """True for a Python function of a program, and for a module."""
    return not name.startswith(_LIBRARY)
