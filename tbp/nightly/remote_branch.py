"""A branch of a remote as a store of files: its newest tree, its blobs, and commits that replace it or fail.

Takes a local repository and the name of one of its remotes. Only plumbing of git is used: no index, HEAD or working
tree of the repository is touched, so a bare, shallow or detached one serves as well. Two references below
``refs/tbp/`` remember what was fetched. Which files there are and how they merge is left to ``tbp.nightly.exchange``.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from tbp.errors import RunFailed, UsageError
from tbp.model.series import short_hash
from tbp.nightly.bounds import too_much
from tbp.project.git import IDENTITY, GitFailed, beginning_of_git, lines_of, run_git
from tbp.system.children import temporary_folder
from tbp.web.secret import is_loopback

# Of a fetch or a push. Ten times what a gigabyte takes at 100 Mbit/s; a dead connection takes for ever.
NETWORK_S = 900.0
RACED = "another push was quicker"
# Commits that the branch has before the next one replaces them all. Undoing a bad push takes a few of them, and what
# was pruned leaves the remote with the last commit that had it.
MOST_COMMITS = 50
TOKEN = "TBP_DATA_TOKEN"
# Bytes of blobs that are in memory at once.
BATCH_BYTES = 64_000_000
# Of the list of all files: a million of them.
MOST_LISTED_BYTES = 256_000_000
_ERROR = re.compile(r"(remote: )?(error|fatal): (?!failed to push some refs)")
MOST_REASON = 3  # lines of git's that a message repeats
# git prints the address of a remote, which may hold a password.
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")
# ``run_git`` forbids all of them. ext:: would run any program.
_PROTOCOLS = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}


class Blob(Struct, frozen=True):
    """A file of the branch."""

    hash: str
    size: int


class RemoteBranch(Struct, frozen=True):
    """The branch ``name`` of ``remote``, as ``repository`` reaches it; ``scratch`` names the references of its user."""

    repository: Path
    remote: str
    name: str
    scratch: str

    def __str__(self) -> str:
        return f"{self.remote}/{self.name}"

    @property
    def _reference(self) -> str:
        return f"refs/heads/{self.name}"

    @property
    def _fetched(self) -> str:
        return f"refs/tbp/{self.scratch}/data"

    def tip(self) -> str:
        """The newest commit on the remote, fetched; empty where there is no such branch. Raises RunFailed."""
        if not (newest := self._remote_tip()):
            return ""
        if newest != self._parsed(f"{self._fetched}^{{commit}}"):
            self._fetch()
        return self._parsed(f"{self._fetched}^{{commit}}")

    def files(self, tip: str) -> dict[str, Blob]:
        """The plain files of the commit ``tip`` by path. Raises RunFailed, also for more than it may have."""
        listing = ("ls-tree", "-r", "-z", "-l", "--full-tree", tip)
        try:
            listed = beginning_of_git(self.repository, *listing, most_bytes=MOST_LISTED_BYTES)
        except GitFailed as failed:
            raise RunFailed(str(failed)) from None
        if len(listed) == MOST_LISTED_BYTES:
            raise too_much(f"{self} has more files than a data branch may have")
        files = {}
        for entry in filter(None, listed.split(b"\0")):
            about, _, path = entry.partition(b"\t")
            mode, kind, blob, size = about.decode().split()
            if kind == "blob" and mode.startswith("100"):  # neither links nor submodules
                files[os.fsdecode(path)] = Blob(blob, int(size))
        return files

    def contents(self, blobs: Sequence[Blob]) -> Iterator[bytes]:
        """The contents of ``blobs``, in their order. Raises RunFailed where one is missing."""
        for batch in _batches(blobs):
            out = self._git("cat-file", "--batch", stdin="".join(f"{blob.hash}\n" for blob in batch).encode())
            start = 0
            for blob in batch:
                end = out.index(b"\n", start)
                head = out[start:end].split()
                if len(head) != 3 or int(head[2]) != blob.size:
                    raise RunFailed(
                        f"{self}: {short_hash(blob.hash)} of it is missing in {self.repository}: "
                        f"run `git fetch --refetch --no-filter {self.remote} {self.name}` there"
                    )
                start = end + 1 + blob.size + 1
                yield out[end + 1 : start - 1]

    def content(self, blob_hash: str) -> bytes | None:
        """The content of a blob of an earlier commit; None where it is gone."""
        done = self._run("cat-file", "blob", blob_hash)
        return None if done.returncode else done.stdout

    def stored(self, folder: Path, paths: Sequence[str]) -> list[str]:
        """The hashes of files below ``folder``, which are in git's store from now on. Raises RunFailed."""
        names = "".join(f"{folder / path}\n" for path in paths).encode(errors="surrogateescape")
        # No filters: the repository's own may run any program.
        return self._git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names).decode().split()

    def commit(
        self, tip: str, changed: Mapping[str, str], removed: Iterable[str], texts: Mapping[str, bytes], subject: str
    ) -> str:
        """A commit of the files of ``tip`` with changes; ``tip`` itself where there are none.

        ``changed`` has hashes by path, ``texts`` the contents of small files. Raises RunFailed.
        """
        made = {
            path: self._git("hash-object", "-w", "--stdin", stdin=text).decode().strip() for path, text in texts.items()
        }
        with temporary_folder() as folder:
            index = {"GIT_INDEX_FILE": str(folder / "index")}
            self._git("read-tree", *([tip] if tip else ["--empty"]), variables=index)
            lines = [f"100644 {blob}\t{path}\0" for path, blob in {**changed, **made}.items()]
            lines += [f"0 {'0' * len(tip)}\t{path}\0" for path in removed]
            self._git(
                "update-index", "-z", "--index-info",
                stdin="".join(lines).encode(errors="surrogateescape"), variables=index,
            )  # fmt: skip
            tree = self._git("write-tree", variables=index).decode().strip()
        if tip and tree == self._parsed(f"{tip}^{{tree}}"):
            return tip
        is_long = bool(tip) and int(self._git("rev-list", "--count", tip)) >= MOST_COMMITS
        parents = ["-p", tip] if tip and not is_long else []
        return self._git("commit-tree", tree, *parents, "-m", subject, variables=IDENTITY).decode().strip()

    def push(self, commit: str, tip: str) -> str:
        """Replaces ``tip``, the commit that the remote must have, by ``commit``; returns why that failed, or nothing.

        ``RACED`` is the reason where the remote has another commit by now. Raises RunFailed where it does not answer.
        """
        done = self._network(
            "push", "--porcelain", "--quiet", "--no-verify", "--no-follow-tags", "--no-recurse-submodules",
            "--signed=false", f"--force-with-lease={self._reference}:{tip}", self.remote, f"{commit}:{self._reference}",
        )  # fmt: skip
        newest = self._remote_tip() if done[0] else commit
        if newest == commit:
            self._git("update-ref", self._fetched, commit)
            return ""
        return RACED if newest != tip else done[1]

    def _remote_tip(self) -> str:
        status, reason, out = self._network("ls-remote", "--heads", self.remote, self._reference)
        if status:
            raise RunFailed(f"{self.remote} cannot be asked for its branch {self.name}: {reason}")
        # git's pattern is the end of a name, so refs/heads/a/refs/heads/NAME matches as well.
        tips = (line.partition("\t") for line in lines_of(out))
        return next((commit for commit, _, reference in tips if reference == self._reference), "")

    def _fetch(self) -> None:
        status, reason, _ = self._network(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-prune",
            "--no-filter", self.remote, f"+{self._reference}:{self._fetched}",
        )  # fmt: skip
        if status:
            raise RunFailed(f"{self} cannot be fetched: {reason}")

    def _network(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, the reason in git's words where it is not 0, and the output."""
        variables = {**_PROTOCOLS, **self._authorization()}
        try:
            done = run_git(self.repository, *arguments, variables=variables, timeout_s=NETWORK_S)
        except GitFailed as failed:
            raise RunFailed(f"{self}: {failed}") from None
        return done.returncode, reason(done.stderr.decode(errors="replace")), done.stdout.decode(errors="replace")

    def _authorization(self) -> dict[str, str]:
        """Variables by which git sends the token of the environment to the host of the remote, and to no other."""
        token = os.environ.get(TOKEN, "")
        done = self._run("remote", "get-url", "--push", self.remote)
        address = urlsplit(done.stdout.decode(errors="replace").strip())
        is_safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname or ""))
        if not token or not is_safe:
            return {}
        host = f"{address.hostname}:{address.port}" if address.port else f"{address.hostname}"
        header = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        server = f"http.{address.scheme}://{host}/"
        # git sends the header on to whatever server a redirect leads to.
        settings = {f"{server}.extraHeader": f"Authorization: Basic {header}", f"{server}.followRedirects": "false"}
        variables = {"GIT_CONFIG_COUNT": str(count + len(settings))}
        for number, (key, value) in enumerate(settings.items(), start=count):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return variables

    def _parsed(self, revision: str) -> str:
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return "" if done.returncode else done.stdout.decode().strip()

    def _git(self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> bytes:
        done = self._run(*arguments, stdin=stdin, variables=variables)
        if done.returncode:
            raise RunFailed(
                f"git {arguments[0]} failed in {self.repository}: {reason(done.stderr.decode(errors='replace'))}"
            )
        return done.stdout

    def _run(
        self, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return run_git(self.repository, *arguments, stdin=stdin, variables=variables)
        except GitFailed as failed:
            raise RunFailed(str(failed)) from None


def remote_branch(repository: Path, text: str, scratch: str) -> RemoteBranch:
    """The branch that ``text``, ``[REMOTE/]BRANCH``, names; without a remote it is origin's.

    Raises:
        UsageError: the repository has no such remote, or no branch can be called so.
    """
    branch = RemoteBranch(repository, "origin", text, scratch)
    remotes = lines_of(branch._git("remote").decode(errors="replace"))
    for remote in sorted(remotes, key=len, reverse=True):
        if text.startswith(f"{remote}/"):
            branch = RemoteBranch(repository, remote, text.removeprefix(f"{remote}/"), scratch)
            break
    if branch.remote not in remotes:
        known = f"; it has {', '.join(remotes[:MOST_REASON])}" if remotes else ""
        raise UsageError(
            f"{repository} has no remote {branch.remote}{known}: add it with `git remote add`, "
            "or say --data REMOTE/BRANCH"
        )
    if branch._run("check-ref-format", f"refs/heads/{branch.name}").returncode or branch.name.startswith("-"):
        raise UsageError(f"--data {text}: no branch can be called so; say --data REMOTE/BRANCH")
    return branch


def reason(words: str) -> str:
    """The errors that git named, else the end of its words, which may be a hook's; without passwords in addresses.

    Advice can follow the error: a lock that a killed push left behind is named seven lines before the end.
    """
    lines = [line.strip() for line in words.splitlines() if line.strip() and not line.startswith("hint:")]
    errors = [line for line in lines if _ERROR.match(line)]
    return _PASSWORD.sub("***@", " / ".join((errors or lines)[-MOST_REASON:])) or "git gave no reason"


def _batches(blobs: Iterable[Blob]) -> Iterator[list[Blob]]:
    batch: list[Blob] = []
    size = 0
    for blob in blobs:
        if batch and size + blob.size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(blob)
        size += blob.size
    if batch:
        yield batch
