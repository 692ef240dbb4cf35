"""The scripts of the page on clusters, run as files: what they start does the work of tbp."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .documents import ROOT, blocks

pytest.importorskip("distributed", reason="tbp-perf[dask] is not installed")

PAGE = ROOT / "docs" / "how-to" / "cluster.md"
TRACES = ROOT / "tests" / "data" / "h200"
A_WHILE_S = 60.0


@pytest.mark.parametrize("name", ["local", "ssh", "slurm"])
def test_a_script_is_as_the_page_shows_it(name: str):
    script = (ROOT / "tools" / f"cluster_{name}.py").read_text("utf-8")
    assert any(block.language == "python" and script.endswith(f"\n\n{block.text}") for block in blocks(PAGE))


@contextmanager
def started(name: str, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """The address that a script prints; it ends at Enter, as the page says."""
    command = [sys.executable, "-P", str(ROOT / "tools" / f"cluster_{name}.py"), *arguments]
    with subprocess.Popen(
        command, env=os.environ | (environment or {}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.communicate("\n", timeout=A_WHILE_S)
            assert process.returncode == 0
        finally:
            process.kill()


def hotspots(scheduler: str) -> str:
    command = [sys.executable, "-P", "-m", "tbp", "hotspots", "h200", "--bench", ".", "--scheduler", scheduler]
    process = subprocess.run(
        command, cwd=TRACES.parent, capture_output=True, text=True, check=True, timeout=2 * A_WHILE_S
    )
    return process.stdout


@pytest.mark.slow
def test_a_local_cluster_reads_traces():
    with started("local") as address:
        assert hotspots(address) == hotspots("serial") != ""


SSH_SERVER = """
import asyncio, asyncssh, subprocess

async def handle(process):
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(["bash", "-c", process.command], **pipes) as child:
        await process.redirect(child.stdin, child.stdout, child.stderr)
        while child.poll() is None:
            await asyncio.sleep(0.05)
        await process.stdout.drain()
        process.exit(child.returncode)

async def serve():
    keys = {"server_host_keys": ["key"], "authorized_client_keys": "key.pub"}
    server = await asyncssh.listen("127.0.0.1", 0, **keys, process_factory=handle, encoding=None)
    print(server.get_port(), flush=True)
    await server.wait_closed()

asyncio.run(serve())
"""


@pytest.fixture
def home_with_ssh(tmp_path: Path) -> Iterator[Path]:
    """A home whose ~/.ssh leads to a real SSH server on loopback, which runs what it is given."""
    asyncssh = pytest.importorskip("asyncssh", reason="SSHCluster needs it")
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "key")
    key.write_public_key(tmp_path / "key.pub")
    server = subprocess.Popen([sys.executable, "-c", SSH_SERVER], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    folder = tmp_path / "home" / ".ssh"
    folder.mkdir(parents=True)
    settings = {"Port": port, "IdentityFile": tmp_path / "key", "UserKnownHostsFile": folder / "known_hosts"}
    (folder / "config").write_text("Host *\n" + "".join(f"  {name} {value}\n" for name, value in settings.items()))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'key.pub').read_text()}")
    yield folder.parent
    server.kill()
    server.communicate()


@pytest.mark.slow
def test_a_cluster_by_ssh_reads_traces(home_with_ssh: Path):
    with started("ssh", "127.0.0.1", "127.0.0.1", environment={"HOME": str(home_with_ssh)}) as address:
        assert hotspots(address) == hotspots("serial")


@pytest.mark.slow
def test_jobs_of_slurm_read_traces(tmp_path: Path):
    """The page's jobqueue.yaml, with one small worker a job; ``sbatch`` runs the job's script here."""
    pytest.importorskip("dask_jobqueue", reason="SLURMCluster is its")
    (settings,) = [block.text for block in blocks(PAGE) if block.text.startswith("jobqueue:")]
    for large, small in (
        ("ib0", "lo"),
        ("cores: 8 ", "cores: 1 "),
        ("processes: 8 ", "processes: 1 "),
        ("32 GiB", "1 GiB"),
    ):
        assert large in settings
        settings = settings.replace(large, small)
    folder = tmp_path / "home" / ".config" / "dask"
    folder.mkdir(parents=True)
    (folder / "jobqueue.yaml").write_text(settings)
    # The file is removed as soon as sbatch ends; so its text is read before, as Slurm does.
    submit = 'job=$(cat "$1")\nsetsid bash -c "$job" > /dev/null 2>&1 &\necho "Submitted batch job $!"'
    for name, lines in {"sbatch": submit, "scancel": 'for job in "$@"; do kill -- "-$job"; done'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"HOME": str(folder.parents[1]), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with started("slurm", environment=environment) as address:
        assert hotspots(address) == hotspots("serial")
