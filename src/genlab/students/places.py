"""Where a model is: a student that ships with genlab, a folder, or a name on the hub."""

import hashlib
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

_HUB = re.compile(r"[\w.-]+(/[\w.-]+)?")
READ_WHOLE = 64 * 2**20  # bytes of a weights file up to which all of it is hashed: our assumption


def shipped() -> dict[str, Path]:
    """The students that come with genlab, by name."""
    place = Path(str(files("genlab.students"))) / "shipped"
    return {each.parent.name: each.parent for each in sorted(place.glob("*/config.json"))}


def shipped_digest(name: str) -> str | None:
    """Sixteen hex digits of the weights of a student that comes with genlab; None for any other model."""
    folder = shipped().get(name)
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:16] if folder else None


def place(name: str | Path) -> str:
    """What transformers is to load: a folder's path, or a name on the hub.

    The name of a shipped student is that student, even where a folder of the same name lies at hand: write ``./name`` for
    the folder.

    Raises:
        ValueError: it is none of the three, or a folder without a model.
    """
    ours = shipped()
    if str(name) in ours:
        return str(ours[str(name)])
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not any((folder / each).is_file() for each in ("config.json", "adapter_config.json")):
            raise ValueError(f"{folder} holds no model: expected a Hugging Face folder, with config.json and *.safetensors")
        return str(folder.resolve())
    known = f"Students that come with genlab: {', '.join(ours) or 'none in this installation'}."
    if folder.exists() or folder.is_absolute() or not _HUB.fullmatch(str(name)) or str(name).startswith("."):
        raise ValueError(f"no model folder at {name}: give a folder, a name on the hub (owner/name), or a student. {known}")
    if "/" not in str(name):
        raise ValueError(f"no student and no folder is called {name!r}. {known} A name on the hub is written owner/name.")
    return str(name)


def installed() -> None:
    """Check that the libraries that run a student are there, without importing them.

    Raises:
        ValueError: one is not; what to type.
    """
    if missing := [name for name in ("torch", "transformers") if find_spec(name) is None]:
        raise ValueError(f"a student that runs here wants {' and '.join(missing)}: pip install 'genlab[sft]'")


def fingerprint(location: str) -> str:
    """Sixteen hex digits that change with the model at a ``place``; "" for a name on the hub, whose revision says which it is.

    Of weights beyond ``READ_WHOLE`` bytes a file, size and time of change stand for the content.
    """
    folder = Path(location)
    if not folder.is_dir():
        return ""
    found = hashlib.sha256()
    for each in sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".jinja")):
        known = each.stat()
        content = each.read_bytes() if known.st_size <= READ_WHOLE else f"{known.st_size} {known.st_mtime_ns}".encode()
        found.update(each.name.encode() + hashlib.sha256(content).digest())
    return found.hexdigest()[:16]
