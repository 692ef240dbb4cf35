"""asv's environment type ``tbp``: the commit from its checkout, everything else from the host.

Listed under ``plugins`` in asv.conf.json, so this module is imported in asv's own process and knows asv. It gives asv

- the environment type: a bare virtual environment with two ``.pth`` files, one for the commit's source and its
  metadata (``tbp.asv.project_metadata``), one for the packages of the Python that runs asv. Creating it took 4.7 s and
  switching commits 0.6 s where asv's own virtualenv with torch took 137 s and 58 s. For pure-Python projects; a project
  with compiled parts uses asv's own types;
- the environment variables that tell the ruler where to leave sessions and traces (``tbp.bench.recorder``);
- the output of benchmarks that failed, stored beside their results (``tbp.asv.keep_reasons``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asv import environment, util
from asv.config import Config
from asv.console import log
from asv.machine import Machine, MachineCollection
from asv.plugins.virtualenv import Virtualenv

from tbp.asv.keep_reasons import keep_reasons
from tbp.asv.project_metadata import write_metadata

# Sorted by name when Python starts: the commit's source comes before the host's packages.
SUBJECT_PTH = "aa_subject.pth"
HOST_PTH = "zz_host.pth"


class HostEnvironment(Virtualenv):  # type: ignore[misc]  # asv ships no types
    """A virtual environment that sees the host's packages behind the commit's own."""

    tool_name = "tbp"
    matches_python_fallback = False

    def __init__(self, conf: Any, python: str, requirements: dict[str, str], tagged_env_vars: Any) -> None:
        if python != _host_python():
            raise environment.EnvironmentUnavailable(
                f"environment type tbp runs on the Python that runs asv ({_host_python()}), not on {python}; "
                "run asv with that Python, or use environment_type virtualenv"
            )
        super().__init__(conf, python, requirements, tagged_env_vars)
        self._executable = sys.executable

    @classmethod
    def matches(cls, python: str) -> bool:
        return python == _host_python()

    @property
    def _site_packages(self) -> Path:
        return Path(self._path) / "lib" / f"python{self._python}" / "site-packages"

    def _setup(self) -> None:
        log.info(f"Creating environment for {self.name}")
        seed = ["--no-setuptools"] if self._requirements else ["--no-pip", "--no-setuptools"]
        util.check_call([sys.executable, "-P", "-m", "virtualenv", *seed, "-p", self._executable, self._path])
        lines = [f"import site; site.addsitedir({path!r})" for path in _host_packages()]
        (self._site_packages / HOST_PTH).write_text("\n".join(lines) + "\n")
        if self._requirements:
            names = [f"{key.removeprefix('pip+')}{_pinned(value)}" for key, value in self._requirements.items()]
            log.info(f"Installing {', '.join(names)} for {self.name}")
            self._run_pip(["install", *names], env=dict(os.environ))

    def checkout_project(self, repo: Any, commit_hash: str) -> None:
        # Benchmarks import the checkout: until it is whole, no commit is installed. A run killed here would otherwise
        # leave the earlier commit marked as installed, with files of another commit.
        self._set_installed_commit_hash(None)
        super().checkout_project(repo, commit_hash)

    def _build_project(self, repo: object, commit_hash: str, build_dir: str) -> None:
        """Build nothing: the commit's source is imported where it was checked out."""

    def _install_project(self, repo: object, commit_hash: str, build_dir: str) -> None:
        source = Path(build_dir)
        self._remove_metadata()
        write_metadata(source, commit_hash, self._metadata_dir)
        if (source / "src").is_dir() and not (source / "src" / "__init__.py").exists():
            source = source / "src"
        self._subject_pth.write_text(f"{source}\n{self._metadata_dir}\n")

    def _uninstall_project(self) -> None:
        self._set_installed_commit_hash(None)
        self._subject_pth.unlink(missing_ok=True)
        self._remove_metadata()

    def _remove_metadata(self) -> None:
        shutil.rmtree(self._metadata_dir, ignore_errors=True)

    @property
    def _metadata_dir(self) -> Path:
        """The folder of the commit's name and version."""
        return Path(self._path) / "subject"

    @property
    def _subject_pth(self) -> Path:
        return self._site_packages / SUBJECT_PTH

    def run_executable(self, executable: str, args: list[str], **kwargs: Any) -> Any:
        """Run as asv does, with the commit's folder for the ruler and a fixed OpenMP wait policy in the environment."""
        env = dict(kwargs.pop("env", os.environ))
        env["TBP_SUBJECT_DIR"] = self._build_root
        # By default libgomp's threads spin between regions, and a neighbour's load changes the measurement.
        env.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        return super().run_executable(executable, args, env=env, **kwargs)


def _host_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _host_packages() -> list[str]:
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def _pinned(version: str) -> str:
    return f"=={version}" if version[:1].isdigit() else version


def _options(arguments: list[str]) -> argparse.Namespace:
    """Configuration and machine of asv's command line, as argparse takes them: ``--conf=x`` and ``-mbox`` too."""
    parser = argparse.ArgumentParser(add_help=False, argument_default="")
    parser.add_argument("--config")
    parser.add_argument("--machine", "-m")
    return parser.parse_known_args(arguments)[0]


def _machine_name(machine: str) -> str:
    """The machine's name in asv's results; ``machine`` is the one of the command line."""
    name = machine or Machine.get_unique_machine_name()
    try:
        return str(MachineCollection.load(name).get("machine", name))
    except util.UserError:
        return name


def announce(arguments: list[str]) -> None:
    """Tell the ruler, through the environment, where this asv run keeps its results."""
    if not {"run", "continuous"} & set(arguments) or {"--dry-run", "-n"} & set(arguments):
        return
    options = _options(arguments)
    try:
        # asv is in the folder of its configuration by now. Without a name it is asv.conf.json or asv.conf.jsonc.
        results_dir = Path(Config.load(Path(options.config).name or None).results_dir)
    except util.UserError:
        return  # asv itself reports the error
    os.environ.setdefault("TBP_RESULTS_DIR", str(results_dir.resolve()))
    os.environ.setdefault("TBP_MACHINE", _machine_name(options.machine))
    os.environ.setdefault("TBP_RUN", f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}")


announce(sys.argv[1:])
keep_reasons()
