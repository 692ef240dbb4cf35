"""``nox`` runs every check; ``nox -s NAME`` one of them. Sessions install through constraints.txt, with pip."""

import socket
from pathlib import Path

import nox

nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True

# Tests wait for browsers, git and asv half of their time. More than two at once would disturb those that measure.
IN_TWO_PROCESSES = ("--numprocesses=2", "--dist=worksteal")


def _install(session: nox.Session, *what: str) -> None:
    session.install("-c", "constraints.txt", *what)


def _install_group(session: nox.Session, *groups: str, extras: str = "bench") -> None:
    """tbp with its ``extras``, editable, and the named dependency groups of pyproject.toml."""
    pyproject = nox.project.load_toml("pyproject.toml")
    tbp = f".[{extras}]" if extras else "."
    _install(session, "-e", tbp, *nox.project.dependency_groups(pyproject, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lint, types, the direction of imports, and what workflows may do."""
    _install_group(session, "lint", "test")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("python", "tools/lint_workflows.py")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, the slow and the browser ones included where a Chromium is found."""
    _install_group(session, "test", "docs", extras="bench,tensorboard,completion,dask,store")
    session.run("pytest", *IN_TWO_PROCESSES, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The docs site, into build/docs; `nox -s docs -- links` asks every address that its pages name instead."""
    _install_group(session, "docs", extras="")
    links = session.posargs == ["links"]
    session.run("sphinx-build", "-W", "--keep-going", "-b", "linkcheck" if links else "html", "docs", "build/docs")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzzing of every reader: half an hour, or as long as the arguments of tools/fuzz/run.py say."""
    _install_group(session, "test", "fuzz")
    session.run(
        "python", "tools/fuzz/run.py", *(session.posargs or ["all", "--executions=1000000", "--cpu-seconds=120"])
    )


@nox.session
def package(session: nox.Session) -> None:
    """Wheel and sdist in dist/: twine's check of both, and each installed in an environment of its own."""
    session.install("build", "twine")
    folder = Path(session.create_tmp()).resolve()
    for old in folder.glob("*.*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    files = sorted(map(str, folder.glob("*.*")))
    session.run("twine", "check", "--strict", *files)
    for file in files:
        environment = folder / ("of-" + file.rpartition(".")[2])
        session.run("python", "-m", "venv", "--clear", str(environment))
        session.run(str(environment / "bin" / "pip"), "install", "-q", "-c", "constraints.txt", file, external=True)
        session.run(str(environment / "bin" / "tbp"), "--version", external=True)
        session.run(str(environment / "bin" / "tbp"), "schema", external=True, silent=True)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests_on(session: nox.Session) -> None:
    """The quick tests on each Python that is found; the others are skipped, and said to be."""
    _install_group(session, "test")
    session.run("pytest", *IN_TWO_PROCESSES, "-m", "not slow", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the pinned versions; skipped where pypi.org cannot be asked."""
    try:
        socket.create_connection(("pypi.org", 443), timeout=5).close()
    except OSError as error:
        session.skip(f"pip-audit asks pypi.org, and it cannot be reached: {error}")
    session.install("pip-audit")
    session.run("pip-audit", "--requirement", "constraints.txt", "--no-deps", "--disable-pip")


@nox.session
def sbom(session: nox.Session) -> None:
    """sbom.cdx.json: the parts of an installation of tbp in CycloneDX; vendored scripts are in docs/decisions/0011."""
    _install(session, ".[bench]")
    tool = Path(session.create_tmp()) / "cyclonedx"
    session.run("virtualenv", str(tool), silent=True)
    session.run(str(tool / "bin" / "pip"), "install", "--quiet", "cyclonedx-bom", external=True)
    arguments = ["environment", str(Path(session.bin) / "python"), "--pyproject", "pyproject.toml"]
    session.run(str(tool / "bin" / "cyclonedx-py"), *arguments, "--output-file", "sbom.cdx.json", external=True)


@nox.session
def demo(session: nox.Session) -> None:
    """The demo, into demo/ or where --out says."""
    _install_group(session)
    session.run("tbp", "demo", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The nightly job: new commits, traces, report, exit code."""
    _install_group(session)
    session.run("tbp", "nightly", *session.posargs)


@nox.session
def quick(session: nox.Session) -> None:
    """The quick suites on the newest commit."""
    _install_group(session)
    session.run("asv", "machine", "--yes", silent=True)
    session.run("asv", "run", "--bench", "Quick", *(session.posargs or ["HEAD^!"]), success_codes=[0, 2])
    session.run("tbp", "report", "--exit-zero")
