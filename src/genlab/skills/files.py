"""Files of a pack: read as UTF-8 text and as YAML without surprises, written whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_text(path: Path) -> str:
    """The text of a file, without the mark that some editors put at its start.

    Raises:
        ValueError: it is not UTF-8.
    """
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}): save it as UTF-8") from error


def read_yaml(text: str, where: str) -> Any:
    """What a YAML text holds: plain values only, no tag ever makes an object.

    Raises:
        ValueError: it is not YAML, or an entry holds a key twice, of which YAML would drop the first in silence.
    """
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)  # ten times as fast, where PyYAML was built with libyaml
        try:
            node = loader.get_single_node()
            twice = next(_keys_twice(node), None)
            content = loader.construct_document(node) if node is not None and twice is None else None
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2024-13-01
        raise ValueError(f"{where} is not YAML that genlab reads: {error}") from error
    if twice is not None:
        key, line = twice
        raise ValueError(
            f"{where}, line {line}: {key!r} stands twice in one entry. Where a second entry begins, put '- ' before it"
        )
    return content


def writable(path: Path, *, overwrite: bool) -> None:
    """Check that a file may be written.

    Raises:
        ValueError: it is there already, and ``overwrite`` was not asked for; or it is a folder.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file")
    if path.exists() and not overwrite:
        raise ValueError(f"{path} is there already: name another file, or say that it may be overwritten")


def write_whole(path: Path, text: str, *, overwrite: bool = False) -> None:
    """Write a text as UTF-8: afterwards all of it is there, or what was there before.

    Raises:
        ValueError: there is such a file already, and ``overwrite`` was not asked for.
        OSError: no room, no permission.
    """
    writable(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    try:
        with draft.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _keys_twice(root: Any) -> Iterator[tuple[str, int]]:
    """Keys that a mapping holds for the second time, with their lines."""
    from yaml import MappingNode, Node, ScalarNode, SequenceNode

    left: list[Any] = [root]
    met: set[int] = set()
    while left:
        node = left.pop()
        if isinstance(node, Node) and id(node) not in met:
            met.add(id(node))
            if isinstance(node, SequenceNode):
                left += node.value
            elif isinstance(node, MappingNode):
                left += [value for _, value in node.value]
                keys = [key for key, _ in node.value if isinstance(key, ScalarNode)]
                for place, key in enumerate(keys):
                    if key.value in {earlier.value for earlier in keys[:place]}:
                        yield key.value, key.start_mark.line + 1
