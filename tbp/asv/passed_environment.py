"""The environment variables that asv gets, and so every build and benchmark of every commit.

A job that measures holds tokens, and the code that it runs was written by whoever wrote the commit. So variables are
passed by an allow-list, which docs/explanation/security.md has for users; ``pass_environment`` in [tool.tbp] adds to
it. This is no sandbox: a benchmark may read what its user may read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# A name, or the beginning of several with a star behind it.
PASSED = (
    # who runs it, where, in which language
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TMP", "TEMP", "CI",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "COLUMNS", "NO_COLOR",
    # tbp and asv
    "TBP_*", "ASV_*",
    # Python and its environments
    "PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONWARNINGS", "PYTHONMALLOC", "PYTHON_GIL",
    "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV", "VIRTUALENV_*", "PYENV_ROOT", "PYENV_VERSION", "CONDA_PREFIX", "CONDA_EXE",
    "CONDA_DEFAULT_ENV", "CONDA_PYTHON_EXE", "CONDA_PKGS_DIRS", "CONDA_ENVS_PATH", "MAMBA_EXE", "MAMBA_ROOT_PREFIX",
    # installing: indexes, proxies, certificates
    "PIP_*", "UV_*", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy",
    "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    # compilers and libraries
    "CC", "CXX", "FC", "AR", "LD", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "FFLAGS", "LDFLAGS", "ARCHFLAGS", "MAKEFLAGS",
    "MAX_JOBS", "CMAKE_*", "PKG_CONFIG_PATH", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "CCACHE_*", "SCCACHE_DIR",
    # threads and memory
    "OMP_*", "GOMP_*", "KMP_*", "MKL_*", "OPENBLAS_*", "BLIS_*", "NUMEXPR_*", "MALLOC_*", "JEMALLOC_*",
    # devices and what computes on them
    "CUDA_*", "CUBLAS_*", "CUDNN_*", "NCCL_*", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_TF32_OVERRIDE", "HIP_*", "HSA_*", "ROCM_*", "ROCR_*", "MIOPEN_*", "ZE_*", "SYCL_*", "ONEAPI_*", "ASCEND_*",
    "HABANA_*", "GLOO_*", "TORCH_*", "TORCHINDUCTOR_*", "TORCHDYNAMO_*", "PYTORCH_*", "TRITON_*", "ATEN_*", "DNNL_*",
    "ONEDNN_*", "XLA_*", "PJRT_*", "JAX_*", "TF_*", "KINETO_*",
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_CACHE",
    "TRANSFORMERS_OFFLINE",
)  # fmt: skip

_SECRET_NAME = re.compile("token|secret|passw|passphrase|credential|api_?key|access_?key|private|auth", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"://[^/\s@]+@")  # https://user:password@index


def passed_on(variables: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """Returns those of ``variables`` that PASSED allows, and those of ``also``, which the project allows by name.

    Nothing whose name or value looks like a secret passes, unless ``also`` has its whole name.
    """
    also = tuple(also)
    names = {name for name in (*PASSED, *also) if not name.endswith("*")}
    beginnings = tuple(name.removesuffix("*") for name in (*PASSED, *also) if name.endswith("*"))
    allowed = {name for name in variables if name in names or name.startswith(beginnings)}
    public = {name for name in allowed if not (_SECRET_NAME.search(name) or _SECRET_VALUE.search(variables[name]))}
    return {name: value for name, value in variables.items() if name in public or name in also}
