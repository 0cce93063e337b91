"""The study that a condition belongs to, as far as its code can still be found: a store can be looked at without it, too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KnownStudy:
    """A study by name.

    Attributes:
        reference: where it is found, as ``genlab run`` takes it.
        title, paper: in its own words; empty where it is gone.
        missing: why its code could not be read; empty where it could.
        label: from a condition's settings to a few words; where the code is gone, the settings.
    """

    name: str
    reference: str
    title: str
    paper: str
    missing: str
    label: Callable[[Mapping[str, Any]], str]


def known_study(name: str, reference: str) -> KnownStudy:
    """The study of a reference. Whatever is wrong with its file is told, not raised: its conditions stay to be seen."""
    from genlab.studies.catalogue import Choice, load, presets

    try:
        study = load(Choice(reference, next(iter(presets(reference)))))[0]
    except Exception as error:  # a file of the user's own may raise anything
        return KnownStudy(name, reference, "", "", f"{error}", _settings)

    def label(settings: Mapping[str, Any]) -> str:
        try:
            return study.label(settings)
        except Exception:  # settings of another version of the file
            return _settings(settings)

    return KnownStudy(name, reference, study.title, study.paper, "", label)


def _settings(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())
