"""The programs that measure: this Python, torch and asv without importing them, and variables for them."""

from __future__ import annotations

import platform
import re
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tbp.doctor.facts import Software
from tbp.doctor.variables import WATCHED

# torch/version.py: __version__ = '2.13.0+cu130', and cuda: Optional[str] = '13.0'.
_VERSION = re.compile(r"^__version__ *= *['\"]([^'\"]+)", re.MULTILINE)
_CUDA = re.compile(r"^cuda\b[^=]*= *['\"]([^'\"]+)", re.MULTILINE)


def software(variables: Mapping[str, str]) -> Software:
    """The packages of this Python; of the ``variables`` of the environment those that are watched."""
    torch, cuda = torch_of(_torch_version_file())
    return Software(
        python=platform.python_version(),
        is_debug_python=bool(sysconfig.get_config_var("Py_DEBUG")),
        torch=torch,
        torch_cuda=cuda,
        asv=_installed("asv"),
        variables={name: variables[name] for name in WATCHED if variables.get(name)},
    )


def torch_of(text: str) -> tuple[str, str]:
    """Version and CUDA of torch/version.py; each empty where it is not there."""
    found_version, found_cuda = _VERSION.search(text), _CUDA.search(text)
    return found_version[1] if found_version else "", found_cuda[1] if found_cuda else ""


def _torch_version_file() -> str:
    with suppress(OSError, ImportError, ValueError):
        spec = find_spec("torch")
        if spec is not None and spec.origin:
            return Path(spec.origin).with_name("version.py").read_text("utf-8", "replace")
    return ""


def _installed(name: str) -> str:
    with suppress(PackageNotFoundError):
        return version(name)
    return ""
