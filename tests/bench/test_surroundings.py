"""What a process measures in, read from the system without opening a package."""

import importlib.metadata
import re
from pathlib import Path

import pytest
import torch

from tbp.bench import surroundings
from tbp.bench.devices import Device
from tbp.bench.surroundings import clock_mhz, governor, packages


def test_the_governor_is_what_the_system_says_and_empty_where_it_says_nothing(tmp_path: Path):
    (tmp_path / "scaling_governor").write_text("powersave\n")
    assert governor(tmp_path / "scaling_governor") == "powersave"
    assert governor(tmp_path / "none") == ""


def test_packages_are_those_that_python_finds():
    expected = {
        re.sub(r"[-_.]+", "-", found.name).lower(): found.version
        for found in reversed(list(importlib.metadata.distributions()))
    }
    assert dict(pair.split("=", 1) for pair in packages().split(";")) == expected


def test_of_two_versions_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for folder, name in (
        ("one", "My_Package-2.0.dist-info"),
        ("two", "my.package-1.0.dist-info"),
        ("two", "b-3-py3.11.egg-info"),
    ):
        (tmp_path / folder / name).mkdir(parents=True)
    (tmp_path / "two" / "no package").mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "none")])
    assert packages() == "b=3;my-package=2.0"


def test_a_device_s_clock_is_asked_of_cuda_only_and_may_be_unknown(monkeypatch: pytest.MonkeyPatch):
    cpu, cuda = Device("cpu", "a processor", lambda: None), Device("cuda", "a device", lambda: None)
    monkeypatch.setattr(torch.cuda, "clock_rate", lambda: 1410)
    assert (clock_mhz(cpu), clock_mhz(cuda)) == (0, 1410)

    def missing() -> int:
        raise ModuleNotFoundError("pynvml")

    monkeypatch.setattr(torch.cuda, "clock_rate", missing)
    assert clock_mhz(cuda) == 0


def test_nothing_of_the_package_folders_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    before = packages()
    (tmp_path / "late-1.0.dist-info").mkdir()
    assert packages() == before
    surroundings._packages.cache_clear()
    assert packages() == "late=1.0"
