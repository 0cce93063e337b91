"""Which studies there are, and how a choice on the command line becomes study values."""

import dataclasses
import difflib
import importlib
import importlib.util
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from genlab.studies.study import Study

Presets = Mapping[str, Callable[[], Sequence[Study]]]

STUDIES: dict[str, str] = {  # name: module with PRESETS and a Study class; imported when asked for
    "edge_of_stability": "genlab.studies.edge_of_stability",
    "skill_mix": "genlab.studies.skill_mix",
    "skill_composition": "genlab.studies.skill_composition",
    "hessian_generalization": "genlab.studies.hessian_generalization",
    "implicit_regularization": "genlab.studies.implicit_regularization",
    "aligned_gradients": "genlab.studies.aligned_gradients",
    "instruct_skillmix": "genlab.studies.instruct_skillmix",
}
OUTSIDE = re.compile(r",(?![^()]*\))")  # a comma that stands in no parentheses


@dataclass(frozen=True)
class Choice:
    """What was typed: a study's name or ``file.py:name``, a preset, and ``field=value`` assignments."""

    reference: str
    preset: str = "mini"
    assignments: tuple[str, ...] = ()


def presets(reference: str) -> Presets:
    """The presets of a study by name, or of ``file.py:name`` where name is a Study, several, or a mapping of presets.

    Raises:
        ValueError: no such study, file or name.
    """
    if ":" in reference:
        return _presets_of_file(*reference.rsplit(":", 1))
    if reference not in STUDIES:
        near = difflib.get_close_matches(reference, STUDIES, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"no study {reference!r}.{hint} There are: {', '.join(STUDIES)}; or a file of yours, path/to/file.py:name"
        )
    found: Presets = importlib.import_module(STUDIES[reference]).PRESETS
    return found


def load(choice: Choice) -> tuple[Study, ...]:
    """The study values a choice stands for.

    Raises:
        ValueError: an unknown study, preset or field, or a value of the wrong type; the message says what is right.
    """
    known = presets(choice.reference)
    if choice.preset not in known:
        raise ValueError(f"{choice.reference} has no preset {choice.preset!r}; it has {', '.join(known)}")
    studies = tuple(known[choice.preset]())
    changes = dict(parse(studies[0], assignment) for assignment in choice.assignments)
    return tuple(dataclasses.replace(study, **changes) for study in studies)


def parse(study: Study, assignment: str) -> tuple[str, Any]:
    """``field=value`` checked against a study's fields. Lists are separated by commas, 2/7 is a number, none is None.

    A comma within parentheses separates nothing: D(1,2) is one word.

    Raises:
        ValueError: not of that form, an unknown field, or a value of the wrong type.
    """
    name, equals, text = (part.strip() for part in assignment.partition("="))
    if not equals:
        raise ValueError(f"--set wants field=value, got {assignment!r}")
    kinds = typing.get_type_hints(type(study))
    fields = [each.name for each in dataclasses.fields(study)]
    if name not in fields:
        near = difflib.get_close_matches(name, fields, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(f"{study.name} has no field {name!r}.{hint} Its fields: {', '.join(fields)}")
    return name, _value(name, text, kinds[name])


def _value(name: str, text: str, kind: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    many = typing.get_origin(kind) is tuple
    numeric = bool({int, float} & {kind, *typing.get_args(kind)})
    words = [piece.strip() for piece in OUTSIDE.split(text)] if many else [text]
    if many and "" in words:
        raise ValueError(f"{name} is {_words(kind)}, got {text!r}")
    words = [_number(word) for word in words] if numeric else words
    pieces: Any = words if many else words[0]
    if type(None) in typing.get_args(kind) and text.lower() == "none":
        return None
    try:
        return TypeAdapter(kind).validate_python(pieces)
    except ValidationError as error:
        first = error.errors()[0]
        wanted = first["msg"][0].lower() + first["msg"][1:]
        raise ValueError(f"{name} is {_words(kind)}, got {text!r}: {wanted}") from error


def _number(text: str) -> str:
    fraction = re.fullmatch(r"([0-9]+\.?[0-9]*)/([0-9]+\.?[0-9]*)", text)
    return repr(float(fraction[1]) / float(fraction[2])) if fraction and float(fraction[2]) else text


def _words(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return f"a list of {typing.get_args(kind)[0].__name__} separated by commas"
    return getattr(kind, "__name__", str(kind)) if typing.get_origin(kind) is None else str(kind).replace("typing.", "")


def _presets_of_file(file: str, name: str) -> Presets:
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"no file {file!r}: a study of yours is path/to/file.py:name")
    found = getattr(_module(path), name, None)
    if isinstance(found, Study):
        return {"mini": lambda: (found,)}
    if isinstance(found, Mapping):
        return found
    if isinstance(found, Sequence) and found and all(isinstance(each, Study) for each in found):
        return {"mini": lambda: tuple(found)}
    raise ValueError(
        f"{file} has no study {name!r}: it must be a Study, a list of them, or a mapping of presets; got {type(found).__name__}"
    )


def _module(path: Path) -> ModuleType:
    import sys

    key = f"genlab_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module
