"""The kinds of frames."""

# What a frame is.
OPERATOR, ANNOTATION, RUNTIME = "operator", "annotation", "runtime"
PYTHON = "python"  # a Python function around operators (with_stack)
MODULE = "module"  # a call of an nn.Module (with_stack or with_modules)
DEVICE = "device"  # a kernel, copy or fill, below the operator that launched it
REST_OF_DEVICE = "rest"  # device work that no operator owns (``kernels.REST``), at the top
SMALLER = "smaller"  # several frames too small to be told apart, below the one that called them
KINDS = frozenset({OPERATOR, ANNOTATION, RUNTIME, PYTHON, MODULE, DEVICE, REST_OF_DEVICE, SMALLER})
