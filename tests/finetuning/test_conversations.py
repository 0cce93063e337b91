import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer

from genlab.finetuning import assembly, conversations
from genlab.finetuning.recipe import Recipe

UNMARKED = (  # as most models on the hub: no generation block, each message by itself
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FORGETFUL = (  # what is said earlier is shortened once more is said
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}"
    "{% if loop.last %}{{ m['content'] }}{% else %}{{ m['content'][:2] }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TALK = [{"role": "user", "content": "the river"}, {"role": "assistant", "content": "sails again."}]


def learnt(tokenizer: Any, row: dict[str, list[int]]) -> str:
    """What carries loss, with a bar between stretches."""
    said, before = "", True
    for label in row["labels"]:
        if label != -100:
            said += ("" if before else "|") + tokenizer.decode([label])
        before = label != -100 or not said
    return said


@pytest.mark.parametrize("turns", [2, 4])
@pytest.mark.parametrize("template", [None, UNMARKED])
def test_every_turn_of_the_assistant_carries_loss_and_nothing_else_does(
    base: str, tmp_path: Path, talks: Callable[..., Any], turns: int, template: str | None
) -> None:
    folder = _with_template(base, tmp_path / "model", template)
    said = talks(5, turns)
    recipe = Recipe(str(folder))
    rows = conversations.read(Dataset.from_list([{"messages": talk} for talk in said]))
    trainer = assembly.trainer(recipe, rows, assembly.arguments(recipe, tmp_path, "cpu"), [])
    prepared: Any = trainer.train_dataset
    tokenizer = AutoTokenizer.from_pretrained(folder)
    answers = [[turn["content"] + "<|end|>" for turn in talk if turn["role"] == "assistant"] for talk in said]
    assert [learnt(tokenizer, row) for row in prepared] == ["|".join(each) for each in answers]
    assert [len(each) for each in answers] == [turns // 2] * 5


def test_where_the_template_marks_turns_our_own_labels_are_those_of_trl(
    base: str, tmp_path: Path, talks: Callable[..., Any]
) -> None:
    recipe = Recipe(base)
    rows = Dataset.from_list([{"messages": talk} for talk in talks(20, 4)])
    trainer = assembly.trainer(recipe, rows, assembly.arguments(recipe, tmp_path, "cpu"), [])
    prepared: Any = trainer.train_dataset
    ours = conversations.labelled(rows, AutoTokenizer.from_pretrained(base))
    assert ours["input_ids"][:] == prepared["input_ids"][:]
    assert ours["labels"][:] == prepared["labels"][:]


def test_a_template_that_rewrites_earlier_turns_is_refused(base: str, tmp_path: Path, talks: Callable[..., Any]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(_with_template(base, tmp_path / "model", FORGETFUL))
    with pytest.raises(ValueError, match="does not mark the assistant's turns"):
        conversations.labelled(Dataset.from_list([{"messages": talk} for talk in talks(1, 4)]), tokenizer)


def test_loss_on_everything_where_it_is_asked_for(base: str, tmp_path: Path) -> None:
    recipe = Recipe(base, assistant_only=False)
    rows = Dataset.from_list([{"messages": TALK}])
    trainer = assembly.trainer(recipe, rows, assembly.arguments(recipe, tmp_path, "cpu"), [])
    prepared: Any = trainer.train_dataset
    assert prepared[0]["labels"] == prepared[0]["input_ids"]


def test_of_prompt_and_completion_as_texts_the_completion_carries_loss(base: str, tmp_path: Path) -> None:
    recipe = Recipe(base)
    rows = conversations.read(Dataset.from_list([{"prompt": "the river", "completion": " sails."}]))
    trainer = assembly.trainer(recipe, rows, assembly.arguments(recipe, tmp_path, "cpu"), [])
    prepared: Any = trainer.train_dataset
    assert learnt(AutoTokenizer.from_pretrained(base), prepared[0]) == " sails.<|end|>"


def test_alpaca_becomes_a_conversation() -> None:
    rows = [
        {"instruction": "Name it.", "input": "a boat", "output": "Lamp."},
        {"instruction": "Sail.", "input": "", "output": "Never."},
    ]
    read = conversations.read(Dataset.from_list(rows))
    assert [[turn["content"] for turn in talk] for talk in read["messages"]] == [
        ["Name it.\n\na boat", "Lamp."],
        ["Sail.", "Never."],
    ]


def test_files_and_folders_hold_the_same_data(tmp_path: Path, data: Dataset) -> None:
    data.save_to_disk(tmp_path / "disk")
    DatasetDict({"train": data}).save_to_disk(tmp_path / "splits")
    data.to_parquet(tmp_path / "data.parquet")
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    expected = conversations.fingerprint(conversations.read(data))
    for name in ("disk", "splits", "data.parquet", "data.jsonl"):
        assert conversations.fingerprint(conversations.read(tmp_path / name)) == expected, name
    assert conversations.fingerprint(conversations.read(data.select(range(39)))) != expected


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": "hello"}], "the data want .*; got the columns text"),
        ([], "no row"),
        ([{"messages": TALK}, {"messages": TALK[:1]}], "row 2: nobody answers"),
        ([{"messages": [{"role": "poet", "content": "x"}]}], "row 1: a message has a role"),
        ([{"prompt": "a", "completion": [TALK[1]]}], "both texts or both lists"),
    ],
)
def test_what_is_no_data_is_refused(rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        conversations.read(Dataset.from_list(rows))


def test_a_place_that_holds_no_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text('{"messages": []}\n{"mess')
    (tmp_path / "data.csv").write_text("a,b\n")
    for place, said in (
        ("missing.jsonl", "no file"),
        ("broken.jsonl", "line 2 is no JSON"),
        ("data.csv", "save_to_disk, a .jsonl or a .parquet"),
        (".", "no folder of datasets' save_to_disk"),
    ):
        with pytest.raises(ValueError, match=said):
            conversations.read(tmp_path / place)


def _with_template(base: str, folder: Path, template: str | None) -> Path:
    """A copy of the model, with another chat template."""
    import shutil

    shutil.copytree(base, folder)
    if template:
        (folder / "chat_template.jinja").write_text(template)
    return folder
