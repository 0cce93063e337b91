"""A private pack's words leave no trace: not in the rows, and in no byte of any log once they are masked."""

import dataclasses
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

import zipfile_zstd  # type: ignore[import-untyped] # noqa: F401 - teaches zipfile how Inspect packs its logs
from inspect_ai.log import EvalError, EvalRetryError, read_eval_log, write_eval_log
from tests.evaluation.evals import Script, evaluated

from genlab.evaluation.logs import expected, read_texts
from genlab.evaluation.masking import WITHHELD, mask_logs, masked, withheld
from genlab.grading.graded import GradedText
from genlab.skills.pack import Pack, load, save
from genlab.skills.skill import Exemplar, Skill, Topic

SKILLS = tuple(
    Skill(
        name=f"Quxname{letter} (quxbracket{letter})",
        category="quxcategory",
        definition=f"A quxdefinition{letter} of things.",
        example=f"The quxexample{letter} went home",
        aliases=(f"quxalias{letter}",),
        source=f"quxsource{letter}",
    )
    for letter in "abcd"
)
PRIVATE = Pack(
    name="hidden",
    version="1",
    skills=SKILLS,
    topics=tuple(Topic(f"quxtopic {letter}") for letter in "xyz"),
    private=True,
    salt="5e1fquxsalt",
    exemplars=(Exemplar((SKILLS[0].name, SKILLS[1].name), "quxtopic x", "The quxexemplar on quxtopic x."),),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log of a private pack; the student and the grader chatter, one reply is unreadable, one sample erred."""
    folder = tmp_path_factory.mktemp("private")
    save(PRIVATE, folder / "hidden.yaml")

    def chatter(name: str, said: list[str]) -> str | None:
        if name == "student":
            return f"Answer: The quxtext for {len(said)} turns, a quxaliasa indeed.\nExplanation: quxexplanation."
        return "I quxrefuse." if "quxtopic z" in said[0] else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CACHE_DIR", str(folder / "cache"))
        patch.chdir(folder)
        log = evaluated(folder, script=Script(chatter), pack="hidden.yaml", n=9, controls=12, generations=2)
    assert log.samples
    told = "the provider said: quxerror"
    log.samples[0].error = EvalError(message=told, traceback=f"line 1\n{told}", traceback_ansi=told)
    log.samples[1].error_retries = [EvalRetryError(message=told, traceback=told, traceback_ansi=told)]
    (path,) = (folder / "logs").glob("*.eval")
    write_eval_log(log, str(path))
    return folder / "logs"


@pytest.fixture
def logs(place: Path, tmp_path: Path) -> Path:
    shutil.copytree(place, tmp_path / "logs")
    return tmp_path / "logs"


def contents(folder: Path) -> bytes:
    """Every byte of every file, packed ones unpacked."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found += [path.name.encode(), path.read_bytes()]
            if path.suffix == ".eval":
                with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                    found += [each.encode() + archive.read(each) for each in archive.namelist()]
    return b"\n".join(found)


def secrets() -> list[bytes]:
    words = [skill.name for skill in SKILLS] + [topic.name for topic in PRIVATE.topics]
    words += [
        "quxname",
        "quxbracket",
        "quxdefinition",
        "quxexample",
        "quxalias",
        "quxsource",
        "quxtopic",
        "quxexemplar",
        "quxsalt",
    ]
    words += ["quxtext", "quxexplanation", "quxrefuse", "quxerror"]
    return [word.casefold().encode() for word in words]


def test_before_it_is_masked_a_log_holds_them_all(place: Path) -> None:
    """Or the next test could not fail; a salt, a source and an alias never go to a model."""
    held = contents(place).lower()
    assert {word.decode() for word in secrets() if word not in held} <= {"quxsource", "quxsalt"}


def test_no_private_word_is_left_in_any_byte(logs: Path) -> None:
    mask_logs(logs, PRIVATE)
    held = contents(logs).lower()
    assert [word.decode() for word in secrets() if word in held] == []
    assert b"hidden" in held  # the pack's own name is no secret: settings and ids hold it


def test_no_private_word_is_left_in_a_row(place: Path) -> None:
    every = [masked(row, PRIVATE) for row in read_texts(place)]
    held = json.dumps([dataclasses.asdict(row) for row in every]).casefold()
    assert [word.decode() for word in secrets() if word.decode() in held] == []
    assert {row.status for row in every} == {"graded", "ungraded", "unanswered"}


def test_grades_tokens_and_who_is_who_stay(place: Path, logs: Path) -> None:
    plain = read_texts(place)
    mask_logs(logs, PRIVATE)
    hidden = read_texts(logs)
    assert len(hidden) == len(plain)
    words = {"skills", "topic", "text", "draft", "reasons", "why", "truth"}
    for before, after in zip(plain, hidden, strict=True):
        for each in dataclasses.fields(GradedText):
            if each.name not in words:
                assert getattr(after, each.name) == getattr(before, each.name), each.name
        assert after.skills == tuple(PRIVATE.shown(name) for name in before.skills)
        assert after.topic == PRIVATE.shown(before.topic)
        assert bool(after.text) == bool(before.text)
        assert after.why == "" or before.why != ""
    (path,) = logs.glob("*.eval")
    assert expected(read_eval_log(str(path))) == (9 + 12) * 2


def test_masking_again_changes_nothing(place: Path, logs: Path) -> None:
    """A run that was killed while it masked its logs begins with some that are masked, and has to end with the same rows."""
    wanted = [masked(row, PRIVATE) for row in read_texts(place)]
    mask_logs(logs, PRIVATE)
    assert repr([masked(row, PRIVATE) for row in read_texts(logs)]) == repr(wanted)
    mask_logs(logs, PRIVATE)
    assert repr([masked(row, PRIVATE) for row in read_texts(logs)]) == repr(wanted)
    assert repr([masked(masked(row, PRIVATE), PRIVATE) for row in read_texts(place)]) == repr(wanted)


def test_equal_texts_are_told_to_be_equal_and_an_empty_one_to_be_empty() -> None:
    assert withheld("", PRIVATE) == ""
    assert withheld("Bees hum.", PRIVATE) == withheld("Bees hum.", PRIVATE) != withheld("Bees hum!", PRIVATE)
    assert withheld("Bees hum.", PRIVATE) != withheld("Bees hum.", dataclasses.replace(PRIVATE, salt="other"))
    assert withheld("Bees hum.", PRIVATE).startswith(WITHHELD[:-1])


def test_the_pack_is_what_was_saved(place: Path) -> None:
    assert load(str(place.parent / "hidden.yaml")).digest == PRIVATE.digest
