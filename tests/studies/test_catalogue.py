"""What may be typed after genlab run, and what is said to whoever typed something else."""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.results.snapshots import Snapshot
from genlab.studies.catalogue import STUDIES, Choice, load, parse, presets
from genlab.studies.study import Advance, Condition, Study, all_conditions


@dataclass(frozen=True)
class Toy(Study):
    name: ClassVar[str] = "toy"
    whole: int = 1
    real: float = 0.5
    reals: tuple[float, ...] = (0.5,)
    wholes: tuple[int, ...] = (1,)
    words: tuple[str, ...] = ("a",)
    word: str = "a"
    maybe: float | None = None
    folder: str | None = None
    kind: Literal["flat", "round"] = "flat"
    flag: bool = False

    def conditions(self) -> list[Condition]:
        return [self.condition(seed=0, whole=self.whole)]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        raise NotImplementedError


FIELDS = "whole, real, reals, wholes, words, word, maybe, folder, kind, flag"


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("whole=7", 7),
        ("whole=4/2", 2),
        ("whole = 7 ", 7),
        ("whole=-7", -7),
        ("real=0.25", 0.25),
        ("real=1e-3", 0.001),
        ("real=2/7", 2 / 7),
        ("real=3", 3.0),
        ("reals=2/4,2/7", (0.5, 2 / 7)),
        ("reals=1, 2 ,0.5", (1.0, 2.0, 0.5)),
        ("reals=3", (3.0,)),
        ("wholes=1,2", (1, 2)),
        ("words=fc-tanh,cnn-relu", ("fc-tanh", "cnn-relu")),
        ("words=base, D(1,2),D(1,2,3)", ("base", "D(1,2)", "D(1,2,3)")),
        ("word=a=b", "a=b"),
        ("word=none", "none"),
        ("maybe=none", None),
        ("maybe=None", None),
        ("maybe=1/4", 0.25),
        ("folder=/data/cifar", "/data/cifar"),
        ("folder=none", None),
        ("kind=round", "round"),
        ("flag=true", True),
        ("flag=no", False),
    ],
)
def test_an_assignment_takes_its_fields_type(assignment: str, value: object) -> None:
    name, parsed = parse(Toy(), assignment)
    assert (name, parsed, type(parsed)) == (assignment.partition("=")[0].strip(), value, type(value))


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 1000)), min_size=1, max_size=4))
def test_fractions_are_the_numbers_python_makes_of_them(pairs: list[tuple[int, int]]) -> None:
    text = ",".join(f"{above}/{below}" for above, below in pairs)
    assert parse(Toy(), f"reals={text}") == ("reals", tuple(above / below for above, below in pairs))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("whole", "--set wants field=value, got 'whole'"),
        ("hole=1", f"toy has no field 'hole'. Did you mean whole? Its fields: {FIELDS}"),
        ("zzz=1", f"toy has no field 'zzz'. Its fields: {FIELDS}"),
        ("=1", f"toy has no field ''. Its fields: {FIELDS}"),
        ("whole=many", "whole is int, got 'many': input should be a valid integer"),
        ("whole=5/2", "whole is int, got '5/2': input should be a valid integer"),
        ("whole=", "whole is int, got '': input should be a valid integer"),
        ("whole=none", "whole is int, got 'none': input should be a valid integer"),
        ("real=fast", "real is float, got 'fast': input should be a valid number"),
        ("real=2/0", "real is float, got '2/0': input should be a valid number"),
        ("reals=0.1,fast", "reals is a list of float separated by commas, got '0.1,fast': input should be a valid number"),
        ("wholes=1,2.5", "wholes is a list of int separated by commas, got '1,2.5': input should be a valid integer"),
        ("maybe=some", "maybe is float | None, got 'some': input should be a valid number"),
        ("kind=square", "kind is Literal['flat', 'round'], got 'square': input should be 'flat' or 'round'"),
        ("flag=perhaps", "flag is bool, got 'perhaps': input should be a valid boolean"),
    ],
)
def test_a_wrong_assignment_says_what_was_wanted(assignment: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(Toy(), assignment)


def test_every_study_of_the_catalogue_has_presets_of_its_own() -> None:
    for name in STUDIES:
        for preset, make in presets(name).items():
            studies = make()
            assert studies, preset
            assert {study.name for study in studies} == {name}
            assert load(Choice(name, preset)) == tuple(studies)


def test_assignments_hold_for_every_study_of_a_preset() -> None:
    pytest.importorskip("torch")
    before, after = load(Choice("edge_of_stability")), load(Choice("edge_of_stability", "mini", ("seeds=1", "steps=7")))
    assert len(after) == len(before) > 1
    assert {(study.seeds, study.steps) for study in after} == {(1, 7)}  # type: ignore[attr-defined]
    assert len(all_conditions(after)) < len(all_conditions(before))


def test_the_last_assignment_wins(tmp_path: Path) -> None:
    (study,) = load(Choice(written(tmp_path, "study = Toy()"), "mini", ("whole=2", "whole=3")))
    assert study.whole == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice("edge_of_stabilty"), "no study 'edge_of_stabilty'. Did you mean edge_of_stability? There are: edge_of_stability"),
        (
            Choice("zzz"),
            "no study 'zzz'. There are: edge_of_stability, skill_mix, skill_composition, hessian_generalization, "
            "implicit_regularization, aligned_gradients, instruct_skillmix; or a file of yours, path/to/file.py",
        ),
        (Choice("edge_of_stability", "large"), "edge_of_stability has no preset 'large'; it has mini, longer, demo, paper"),
        (Choice("edge_of_stability", "mini", ("step=1",)), "has no field 'step'. Did you mean steps?"),
        (Choice("edge_of_stability", "mini", ("beside=flaw",)), "beside is Literal['nothing', 'flow', 'quadratic'], got 'flaw'"),
        (Choice("nowhere.py:study"), "no file 'nowhere.py': a study of yours is path/to/file.py:name"),
    ],
)
def test_a_wrong_choice_says_what_there_is(choice: Choice, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        load(choice)


def written(folder: Path, text: str) -> str:
    """The reference of a file that holds the toy study and a text."""
    (folder / "mine.py").write_text(f"from {__name__} import Toy\n\n{text}\n")
    return f"{folder / 'mine.py'}:study"


@pytest.mark.parametrize(
    ("text", "wholes"),
    [
        ("study = Toy(whole=3)", {"mini": [3]}),
        ("study = [Toy(whole=3), Toy(whole=4)]", {"mini": [3, 4]}),
        ("study = (Toy(),)", {"mini": [1]}),
        ("study = {'small': lambda: [Toy()], 'large': lambda: (Toy(whole=9),)}", {"small": [1], "large": [9]}),
    ],
)
def test_a_study_of_ones_own(text: str, wholes: dict[str, list[int]], tmp_path: Path) -> None:
    reference = written(tmp_path, text)
    assert list(presets(reference)) == list(wholes)
    assert {name: [each.whole for each in load(Choice(reference, name))] for name in wholes} == wholes  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("other = Toy()", "NoneType"),
        ("study = Toy", "ABCMeta"),
        ("study = 7", "int"),
        ("study = 'toy'", "str"),
        ("study = []", "list"),
        ("study = [Toy(), 7]", "list"),
        ("def study(): return Toy()", "function"),
    ],
)
def test_something_else_in_a_file_is_told(text: str, kind: str, tmp_path: Path) -> None:
    reference = written(tmp_path, text)
    message = f"has no study 'study': it must be a Study, a list of them, or a mapping of presets; got {kind}"
    with pytest.raises(ValueError, match=message):
        presets(reference)


def test_a_study_and_its_records_may_be_defined_in_the_file(tmp_path: Path) -> None:
    walk = Path(__file__).parents[1] / "laws" / "walk.py"
    (tmp_path / "a walk.py").write_text(walk.read_text())
    (study,) = load(Choice(f"{tmp_path}/a walk.py:study", "mini", ("seeds=2", "pause=1/4")))
    assert [condition.settings for condition in study.conditions()] == [
        {"seed": 0, "steps": 4, "pause": 0.25},
        {"seed": 1, "steps": 4, "pause": 0.25},
    ]
