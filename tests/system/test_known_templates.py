"""Templates are compiled once for each version of tbp and of themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from tbp.report.site.known_templates import known_templates

HELLO = "hello {{ name }}"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TBP_NO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tbp" / "templates"


@pytest.fixture
def render(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, int]]:
    """What a template says in a new environment, and how many had to be compiled for it."""

    def said(source: str = HELLO) -> tuple[str, int]:
        compiled: list[str] = []

        class Watched(Environment):
            def compile(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
                compiled.append("")
                return super().compile(*arguments, **named)  # type: ignore[call-overload]

        environment = Watched(loader=DictLoader({"page": source}), bytecode_cache=known_templates())
        return environment.get_template("page").render(name="reader"), len(compiled)

    return said


def test_a_template_is_compiled_once(kept: Path, render: Callable[..., tuple[str, int]]):
    assert [render(), render()] == [("hello reader", 1), ("hello reader", 0)]
    assert len(list(kept.iterdir())) == 1


def test_a_changed_one_is_compiled_again(kept: Path, render: Callable[..., tuple[str, int]]):
    render()
    assert render("bye {{ name }}") == ("bye reader", 1)


@pytest.mark.parametrize("damage", [b"", b"\0" * 400])
def test_a_damaged_one_is_compiled_again(kept: Path, render: Callable[..., tuple[str, int]], damage: bytes):
    render()
    (file,) = kept.iterdir()
    file.write_bytes(damage)
    assert [render(), render()] == [("hello reader", 1), ("hello reader", 0)]


def test_another_version_of_tbp_compiles_its_own(
    kept: Path, render: Callable[..., tuple[str, int]], monkeypatch: pytest.MonkeyPatch
):
    render()
    monkeypatch.setattr("tbp.system.cache.code_version", lambda: b"0123456789abcdef")
    assert render() == ("hello reader", 1)


def test_it_can_be_switched_off(kept: Path, render: Callable[..., tuple[str, int]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TBP_NO_CACHE", "1")
    assert [render(), render()] == [("hello reader", 1), ("hello reader", 1)]
    assert not kept.exists()
