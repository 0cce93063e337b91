"""Folders: any text survives the tokenizer, the template marks the assistant's words, and equal arguments give equal bytes."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from tests.students.tiny_student import LINES, WORDS, make_tiny
from transformers import AutoModelForCausalLM, AutoTokenizer

from genlab.students.folder import SPREAD, card, make, tokenizer
from genlab.students.places import place, shipped

TALK = [
    {"role": "user", "content": "the cat"},
    {"role": "assistant", "content": "sat on a mat."},
    {"role": "user", "content": "a dog"},
    {"role": "assistant", "content": "never."},
]
LEARNED = tokenizer(LINES, size=330)


@given(st.text().filter(lambda text: "<|" not in text))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert LEARNED.decode(LEARNED.encode(text, add_special_tokens=False), clean_up_tokenization_spaces=False) == text


def test_frequent_words_are_one_token_and_nothing_is_put_before_a_text() -> None:
    for word in WORDS:
        assert len(LEARNED.encode(f" {word}")) == 1
    assert LEARNED.encode(" cat") == LEARNED.encode(" cat", add_special_tokens=False)
    assert len(LEARNED) <= 330


def test_the_same_lines_give_the_same_tokenizer() -> None:
    again = tokenizer(iter(LINES), size=330)
    assert again.get_vocab() == LEARNED.get_vocab()
    assert again.encode("the cat saw") == LEARNED.encode("the cat saw")


@pytest.mark.parametrize(("lines", "size", "why"), [(LINES, 259, "at least 260"), ([], 300, "no line"), ([""], 300, "no line")])
def test_a_tokenizer_that_cannot_be_is_an_error(lines: list[str], size: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tokenizer(lines, size=size)


def test_a_conversation_is_compact_and_ends_where_the_assistant_goes_on() -> None:
    said = "<|user|>the cat<|assistant|>sat on a mat.<|end|><|user|>a dog<|assistant|>never.<|end|>"
    assert LEARNED.apply_chat_template(TALK, tokenize=False) == said
    assert LEARNED.apply_chat_template(TALK[:1], tokenize=False, add_generation_prompt=True) == "<|user|>the cat<|assistant|>"
    system = [{"role": "system", "content": "Be brief."}, *TALK[:1]]
    assert LEARNED.apply_chat_template(system, tokenize=False) == "<|user|>Be brief.<|user|>the cat"


def test_what_is_trained_on_is_the_assistants_words_and_their_end() -> None:
    found: Any = LEARNED.apply_chat_template(TALK, return_dict=True, return_assistant_tokens_mask=True)
    kept = [token for token, mask in zip(found["input_ids"], found["assistant_masks"], strict=True) if mask]
    assert LEARNED.decode(kept) == "sat on a mat.<|end|>never.<|end|>"


def test_equal_arguments_give_equal_files_and_leave_the_callers_chance_alone(student: Path, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    make_tiny(tmp_path / "tiny")
    make_tiny(tmp_path / "other", seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    names = sorted(each.name for each in student.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "README.md"} <= set(names)
    for name in names:
        assert (tmp_path / "tiny" / name).read_bytes() == (student / name).read_bytes(), name
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != (student / "model.safetensors").read_bytes()


def test_the_folder_is_an_ordinary_one(student: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(student, local_files_only=True)
    known = AutoTokenizer.from_pretrained(student, local_files_only=True)
    assert (type(model).__name__, model.dtype, model.config._attn_implementation) == ("LlamaForCausalLM", torch.float32, "sdpa")
    assert model.config.intermediate_size == 80  # 32 * 8/3, to a multiple of 8
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert model.get_input_embeddings().weight.std().item() == pytest.approx(SPREAD, rel=0.05)
    with safe_open(student / "model.safetensors", "pt") as file:
        assert not [name for name in file.keys() if "lm_head" in name]  # noqa: SIM118  # not a dict
    chosen = model.generation_config
    assert (chosen.do_sample, chosen.temperature, chosen.top_p, chosen.top_k) == (True, 1.0, 1.0, 0)
    assert (chosen.pad_token_id, chosen.eos_token_id) == (known.pad_token_id, known.eos_token_id)
    assert known.model_max_length == model.config.max_position_embeddings == 128
    assert known.apply_chat_template(TALK, tokenize=False) == LEARNED.apply_chat_template(TALK, tokenize=False)


def test_the_card_says_what_it_is_and_how_to_make_it(student: Path) -> None:
    _, head, text = (student / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(head)["pipeline_tag"] == "text-generation"
    for part in ("# tiny", "untrained", "2 layers of width 32 with 2 heads", "seed 0", "```console\nmake tiny\n```"):
        assert part in text
    before = (student / "README.md").read_text()
    card(student, about="A *poet*.", seed=7, command="", license="apache-2.0")
    _, head, text = (student / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "apache-2.0"
    assert "A *poet*." in text
    assert "seed 7" in text
    assert "console" not in text
    (student / "README.md").write_text(before)


@pytest.mark.parametrize("sizes", [{"width": 30}, {"layers": 0}, {"heads": 0}, {"positions": 0}])
def test_sizes_that_make_no_model_are_an_error(sizes: dict[str, int], tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"width": 32, "layers": 2, "heads": 2, "positions": 64} | sizes
    with pytest.raises(ValueError, match="width"):
        make(tmp_path / "none", LEARNED, seed=0, **chosen)
    assert not (tmp_path / "none").exists()


def test_a_model_is_a_shipped_student_a_folder_or_a_name_on_the_hub(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place(student) == place(f"{student}/") == str(student.resolve())
    monkeypatch.chdir(student.parent)
    assert place("tiny") == place("./tiny") == str(student.resolve())
    assert place("owner/model") == "owner/model"
    for name, folder in shipped().items():
        assert place(name) == str(folder)
    (tmp_path / "empty").mkdir()
    for wrong, why in [
        (f"{tmp_path}/empty", "holds no model"),
        (f"{tmp_path}/nowhere", "no model folder at"),
        ("./owner/model", "no model folder at"),
        ("nobody", "no student and no folder is called 'nobody'. Students that come with genlab: "),
    ]:
        with pytest.raises(ValueError, match=why):
            place(wrong)
