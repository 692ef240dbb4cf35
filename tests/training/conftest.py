"""Every test of training steps runs on one thread."""

from ..torch_threads import one_thread  # noqa: F401 - a fixture
