"""The comparison in an artifact of a gate, whose every byte the pull request's author may have chosen.

Takes the artifact's bytes, gives a ``Comparison`` or the reason why there is none. One file of it is read, up to a
size, as JSON of known keys; its Markdown, names and other files are never looked at.
"""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO

from tbp.comparison.json_form import from_json
from tbp.errors import UnreadableInput
from tbp.model.comparison import Comparison
from tbp.system.bounded import in_bytes

MOST_ARTIFACT_BYTES = 2_000_000
"""A gate of 1,000 benchmarks takes 60 kB packed."""

MOST_JSON_BYTES = 5_000_000
"""Its gate.json has 0.5 MB."""

# Python unpacks these piece by piece; of 2 MB of bzip2 it makes 40 GB at once, whatever it is asked for.
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MOST_FILES = 100
FILE = "gate.json"


def comparison_of(artifact: bytes) -> Comparison:
    """The comparison in gate.json of a zip file. Raises UnreadableInput where it is not what tbp writes."""
    if len(artifact) > MOST_ARTIFACT_BYTES:
        raise UnreadableInput(f"the artifact is larger than the {in_bytes(MOST_ARTIFACT_BYTES)} that are read")
    try:
        with zipfile.ZipFile(BytesIO(artifact)) as files:
            if len(files.infolist()) > MOST_FILES:
                raise UnreadableInput(f"the artifact has more than {MOST_FILES} files")
            if files.getinfo(FILE).compress_type not in _BOUNDED:
                raise UnreadableInput(f"{FILE} is packed otherwise than GitHub does it")
            with files.open(FILE) as file:
                content = file.read(MOST_JSON_BYTES + 1)
    except KeyError:
        raise UnreadableInput(f"the artifact has no {FILE}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise UnreadableInput(f"the artifact is no whole zip file ({type(error).__name__})") from None
    if len(content) > MOST_JSON_BYTES:
        raise UnreadableInput(f"{FILE} is larger than the {in_bytes(MOST_JSON_BYTES)} that are read")
    return from_json(content)
