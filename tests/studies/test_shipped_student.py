"""The student that ships with genlab: one model and one number, however it is asked."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")
pytest.importorskip("trl")

from tests.evaluation.commands import GENLAB, INSPECT, done, surroundings
from tests.evaluation.endpoint import served
from tests.evaluation.parts import run

from genlab.evaluation.logs import read_texts
from genlab.evaluation.part import Part
from genlab.evaluation.roles import models_among
from genlab.grading.graded import GradedText
from genlab.results.records import columns_of, schema_of, table_of
from genlab.results.runs import Run
from genlab.skillworld.checker import check
from genlab.students.generating import Writer
from genlab.students.places import fingerprint, shipped
from genlab.studies.skill_composition import SkillComposition, method
from genlab.studies.skill_composition.scores import students
from genlab.studies.skill_mix import SkillMix

STUDENT = "batched/skillworld"
FOLDER = shipped()["skillworld"]
N = 20


def of_the_study(k: int) -> list[GradedText]:
    """The shipped student's texts as the study asks for them."""
    (condition,) = SkillComposition(mixture=("base",), base="skillworld", seeds=1, n=N, k=(k,)).conditions()
    pack = method.split_packs(condition.settings)["all"]
    found: list[GradedText] = method.checked(condition.settings, str(FOLDER), "cpu")(pack, "all", k)
    return found


def of_skill_mix(rows: list[GradedText]) -> list[tuple[object, ...]]:
    return [(row.index, row.skills, row.topic, row.text, row.points, row.full_marks, row.output_tokens) for row in rows]


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    """Skill-Mix as ``genlab run skill_mix`` has it evaluated where no student is named."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    study = SkillMix(n=N, k=(3,), controls=0)
    settings = study.conditions()[0].settings
    names = ("k", "n", "pack", "seed", "mode", "controls", "uncommon", "generations", "gradings")
    task = {name: settings[name] for name in names} | {"graders": 1, "first": 0, "cache": True}
    return Part(
        task, settings["student"], models_among(settings["grader"]), study.resolved().options(), {}, str(tmp_path / "logs")
    )


def test_skill_mix_and_the_study_say_the_same_of_it(part: Part) -> None:
    run(part)
    found = read_texts(part.log_dir)
    assert {(row.student, row.grader, row.status) for row in found} == {(STUDENT, "checker/skillworld", "graded")}
    expected = of_the_study(3)
    assert of_skill_mix(found) == of_skill_mix(expected)
    assert {round(row.input_tokens / 10) for row in found} == {round(row.input_tokens / 10) for row in expected}


def test_it_knows_its_skills_and_two_samples_differ() -> None:
    assert sum(row.full_marks or 0 for row in of_the_study(1)) >= 0.9 * N
    assert sum(row.full_marks or 0 for row in of_the_study(2)) >= 0.6 * N
    asked = [{"role": "user", "content": "Write about law, in at most one sentence: hedge."}]
    said = Writer(FOLDER).write([asked] * 8, temperature=1.0, keys=[(place,) for place in range(8)])
    assert len({reply.text for reply in said}) > 1
    assert sum(check(reply.text, ["hedge"], "law", 1)[0] for reply in said) >= 6


def test_its_card_says_how_to_make_it_again() -> None:
    for folder in shipped().values():
        card = (folder / "README.md").read_text()
        assert "python -m genlab.studies.skill_composition.remake" in card
        assert "seed 0" in card
        assert json.loads((folder / "generation_config.json").read_text())["do_sample"] is True
    assert sum(each.stat().st_size for folder in shipped().values() for each in folder.iterdir()) < 5e6


@pytest.mark.long
def test_a_server_of_it_is_evaluated_to_the_same_texts(part: Part, tmp_path: Path) -> None:
    with served(FOLDER) as url:
        words = ["eval", "genlab/skill_mix", "--model", f"openai-api/local/{FOLDER.name}", "--log-dir", "served"]
        small = [word for each in (f"n={N}", "k=3", "pack=skillworld", "controls=0", "generations=1") for word in ("-T", each)]
        more = ["--temperature", "0", "--max-tokens", "160", "--display", "none"]
        done([*INSPECT, *words, *small, *more], tmp_path, surroundings(tmp_path, url))
    served_texts = [(row.index, row.text, row.full_marks) for row in read_texts(tmp_path / "served")]
    assert served_texts == [(row.index, row.text, row.full_marks) for row in of_the_study(3)]


@pytest.mark.long
def test_data_finetuning_and_evaluation_fit_together(tmp_path: Path) -> None:
    """``genlab data``, ``genlab finetune`` and ``genlab run`` as a user types them."""
    home = surroundings(tmp_path)
    done([*GENLAB, "data", "skill-texts", "--out", "texts", "-k", "1,2", "--n", "40"], tmp_path, home)
    settings = ("steps=6", "batch=8", "step_size=1e-3", "lora_rank=4")
    tuned = [*GENLAB, "finetune", "skillworld-base", "texts", "--out", "tuned", "--lora"]
    done([*tuned, *(word for each in settings for word in ("--set", each))], tmp_path, home)
    grid = ("student=batched/tuned/model", "pack=skillworld", "n=6", "k=2", "generations=1", "gradings=1", "controls=0")
    said = done(
        [*GENLAB, "run", "skill_mix", "--out", "store", *(word for each in grid for word in ("--set", each))], tmp_path, home
    )
    assert "batched/tuned/model k=2 by checker/skillworld: full marks" in said


def test_the_study_reads_its_own_records() -> None:
    rows = of_the_study(2)
    (condition,) = SkillComposition(mixture=("base",), base="skillworld", seeds=1, n=N, k=(2,)).conditions()
    table = table_of(rows, schema_of(GradedText))
    (student,) = students([Run(condition.id, condition.settings, "evaluated", columns_of(table))])
    assert student.by_seed("all", 2, "full_marks") == {0: sum(row.full_marks or 0.0 for row in rows) / N}


def test_another_model_in_the_same_place_is_asked_anew(part: Part, tmp_path: Path) -> None:
    """Inspect's cache knows a model by its name: replies of one that stood there before are not its replies."""
    folder = tmp_path / "student"
    texts = []
    for place in (FOLDER, shipped()["skillworld-base"]):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place, folder)
        logs = str(tmp_path / place.name)
        run(dataclasses.replace(part, student=f"batched/{folder}", log_dir=logs))
        texts.append([row.text for row in read_texts(logs)])
    assert texts[0] == [row.text for row in of_the_study(3)]
    assert texts[0] != texts[1]
    assert fingerprint(str(FOLDER)) != fingerprint(str(folder)) == fingerprint(str(shipped()["skillworld-base"]))
    assert fingerprint("owner/name-on-the-hub") == ""
