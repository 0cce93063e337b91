"""Batched generation against one row at a time without a cache, in every order, and against transformers' own sampling."""

import copy
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.students.tiny_student import LINES, conversations, make_tiny, written_slowly
from transformers import AutoModelForCausalLM, LogitsProcessorList, TopKLogitsWarper, TopPLogitsWarper
from transformers.cache_utils import DynamicLayer

from genlab import chance
from genlab.students.cache import Growing, growing
from genlab.students.choosing import Choosing
from genlab.students.folder import tokenizer
from genlab.students.generating import Reply, TooLong, Writer, key_of

TOKENS = 24
ASKED = conversations(30)


@pytest.fixture(scope="module")
def writer(student: Path) -> Writer:
    """Of the tiny student, wilder, and taking a tenth of its tokens for the end of a reply: rows end here and there."""
    model = AutoModelForCausalLM.from_pretrained(student)
    with torch.no_grad():
        for each in model.model.layers.parameters():
            each.mul_(6)  # as it is made, it says the same token for ever
    known = Writer(student).tokenizer
    model.generation_config.eos_token_id = [known.eos_token_id, *range(10, len(known), 20)]
    return Writer.of(model, known)


def slowly(writer: Writer, asked: list[list[dict[str, str]]], heat: float = 0.0) -> list[Reply]:
    """What the replies must be."""
    found = []
    for each, prompt in zip(asked, writer.tokens(asked), strict=True):
        draws = chance.numpy("writer", *key_of(each)).random(TOKENS) if heat else None
        tail = written_slowly(writer.model.eval(), prompt, set(writer.ends), TOKENS, draws, heat or 1.0)
        text = writer.tokenizer.decode(tail, skip_special_tokens=True)
        found.append(Reply(text, len(prompt), len(tail), tail[-1] in writer.ends))
    return found


@pytest.mark.parametrize("heat", [0.0, 0.7, 1.5])
def test_a_batch_writes_what_a_row_alone_would(writer: Writer, heat: float) -> None:
    replies = writer.write(ASKED, temperature=heat, max_tokens=TOKENS)
    assert replies == slowly(writer, ASKED, heat)
    assert len({each.output_tokens for each in replies}) > 3  # rows did end here and there
    assert {each.finished for each in replies} == {True, False}


@given(st.randoms(use_true_random=False), st.integers(1, 40), st.sampled_from([0.0, 0.7]))
@settings(max_examples=8, deadline=None)
def test_a_text_does_not_depend_on_its_place_or_its_neighbours(
    writer: Writer, shuffled: random.Random, batch: int, heat: float
) -> None:
    keys: list[tuple[chance.Key, ...]] = [("row", row) for row in range(len(ASKED))]
    whole = writer.write(ASKED, temperature=heat, max_tokens=TOKENS, keys=keys)
    rows = shuffled.sample(range(len(ASKED)), shuffled.randint(1, len(ASKED)))
    some = writer.write(
        [ASKED[row] for row in rows], temperature=heat, max_tokens=TOKENS, keys=[keys[row] for row in rows], batch=batch
    )
    assert some == [whole[row] for row in rows]


def test_keys_tell_replies_apart_and_without_them_equal_conversations_are_equal(writer: Writer) -> None:
    same = [ASKED[0]] * 8
    assert len(set(writer.write(same, temperature=1.0, max_tokens=TOKENS))) == 1
    assert len({each.text for each in writer.write(same, temperature=1.0, keys=[("k", n) for n in range(8)])}) > 4
    assert len(set(writer.write(same, keys=[("k", n) for n in range(8)], max_tokens=TOKENS))) == 1  # temperature 0


def test_fewer_tokens_are_the_beginning_of_more(writer: Writer) -> None:
    for heat in (0.0, 1.0):
        long, short = (writer.write(ASKED, temperature=heat, max_tokens=most) for most in (TOKENS, 5))
        for one, other in zip(long, short, strict=True):
            assert other.output_tokens == min(5, one.output_tokens)
            assert other.finished == (one.finished and one.output_tokens <= 5)


def test_nothing_of_the_callers_is_changed(writer: Writer) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    writer.model.train()
    before = writer.model.generation_config.to_dict()
    writer.write(ASKED[:4], temperature=1.0, max_tokens=3)
    assert writer.model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert writer.model.generation_config.to_dict() == before


# --------------------------------------------------------------------------------------------------- choosing


def shares(scores: torch.Tensor, **how: Any) -> torch.Tensor:
    """How often each token is chosen by numbers that lie evenly."""
    count = 4000
    draws = [np.array([(place + 0.5) / count]) for place in range(count)]
    chosen = Choosing(draws, **how)(torch.zeros(count, 0), scores.expand(count, -1))
    assert (chosen.isfinite().sum(-1) == 1).all()
    return chosen.argmax(-1).bincount(minlength=len(scores)) / count


@given(st.integers(0, 10**6), st.floats(0.2, 3), st.sampled_from([1.0, 0.9, 0.5, 0.01]), st.sampled_from([0, 1, 3, 12]))
@settings(max_examples=60, deadline=None)
def test_tokens_are_chosen_as_often_as_transformers_would(seed: int, heat: float, top_p: float, top_k: int) -> None:
    scores = torch.from_numpy(chance.numpy("scores", seed).normal(size=12) * 3).float()
    warped = LogitsProcessorList(([TopKLogitsWarper(top_k)] if top_k else []) + [TopPLogitsWarper(top_p)])
    nothing: Any = torch.zeros(1, 0, dtype=torch.long)
    wanted = warped(nothing, scores[None] / heat).softmax(-1)[0]
    found = shares(scores, temperature=heat, top_p=top_p, top_k=top_k)
    assert (found - wanted).abs().max() < 1e-3


# ------------------------------------------------------------------------------------------------ other models


SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
KINDS: dict[str, Callable[[int], Any]] = {
    "learned positions": lambda size: transformers.GPT2Config(vocab_size=size, n_positions=96, n_embd=32, n_layer=2, n_head=2),
    "grouped heads": lambda size: transformers.Qwen2Config(vocab_size=size, num_key_value_heads=1, **SIZES),
    "sliding windows": lambda size: transformers.MistralConfig(
        vocab_size=size, num_key_value_heads=2, sliding_window=8, head_dim=16, **SIZES
    ),
    "no attention": lambda size: transformers.MambaConfig(vocab_size=size, hidden_size=32, num_hidden_layers=2, state_size=4),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_causal_model_writes_as_it_would_alone(kind: str) -> None:
    known = tokenizer(LINES, size=300)
    ends = [known.eos_token_id, *range(5, 300, 12)]
    config = KINDS[kind](len(known))
    config.initializer_range, config.bos_token_id, config.eos_token_id = 0.3, None, ends[0]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    model.generation_config.eos_token_id = ends
    assert (growing(model) is None) == (kind == "no attention")
    writer = Writer.of(model, known)
    alone = [one for each in ASKED[:12] for one in writer.write([each], max_tokens=TOKENS)]
    assert alone == slowly(writer, ASKED[:12])
    assert len({each.output_tokens for each in alone}) > 1
    assert writer.write(ASKED[:12], max_tokens=TOKENS) == alone  # transformers' Mamba would read the padding too


def test_penalties_do_not_count_the_padding(writer: Writer) -> None:
    model = copy.deepcopy(writer.model)
    model.generation_config.pad_token_id = writer.tokenizer.eos_token_id
    model.generation_config.repetition_penalty = 3.0
    known = copy.deepcopy(writer.tokenizer)
    known.pad_token = known.eos_token
    punished = Writer.of(model, known)
    alone = [one for each in ASKED for one in punished.write([each], max_tokens=TOKENS)]
    assert punished.write(ASKED, max_tokens=TOKENS) == alone
    assert alone != writer.write(ASKED, max_tokens=TOKENS)


def test_a_row_at_its_last_position_does_not_end_the_others() -> None:
    """It would go on being fed, at positions that the model has not, until half of the rows have ended."""
    known = tokenizer(LINES, size=300)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(KINDS["learned positions"](len(known)))  # type: ignore[no-untyped-call]
    writer = Writer.of(model, known)
    writer.ends = []
    asked = [[{"role": "user", "content": " cat" * length}] for length in (45, 3, 4, 5, 6)]
    together = writer.write(asked, max_tokens=60)
    assert together == [one for each in asked for one in writer.write([each], max_tokens=60)]
    assert [each.output_tokens for each in together] == [4, 60, 60, 60, 60]


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 4)), min_size=1, max_size=6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_growing_cache_holds_what_transformers_would(steps: list[tuple[int, int]], seed: int) -> None:
    drawn, rows = chance.numpy("cache", seed), 4
    ours, theirs = Growing(), DynamicLayer()  # type: ignore[no-untyped-call]
    for tokens, kept in steps:
        keys, values = (torch.from_numpy(drawn.normal(size=(rows, 2, tokens, 3))) for _ in range(2))
        for one, other in zip(ours.update(keys, values), theirs.update(keys, values), strict=True):
            assert torch.equal(one, other)
        assert ours.get_seq_length() == theirs.get_seq_length()
        chosen = torch.from_numpy(drawn.permutation(rows)[:kept])
        rows = len(chosen)
        ours.batch_select_indices(chosen)
        theirs.batch_select_indices(chosen)


# ------------------------------------------------------------------------------------------- what cannot be done


def test_the_models_positions_shorten_a_reply_and_a_prompt_without_room_is_named(student: Path) -> None:
    writer = Writer(student)
    writer.ends = []
    near = [{"role": "user", "content": " cat" * 116}]
    short, long = writer.write([ASKED[1], near], max_tokens=TOKENS)
    assert (short.output_tokens, short.finished) == (TOKENS, False)
    assert long.input_tokens + long.output_tokens == 128
    assert not long.finished
    far = [{"role": "user", "content": " cat" * 126}]
    with pytest.raises(TooLong, match=r"conversation 1 \(and 1 more\) has 128 tokens, and the model has 128 positions") as found:
        writer.write([near, far, far])
    assert found.value.rows == (1, 2)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"temperature": -1.0}, "temperature -1.0"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"top_p": 0.0}, "top_p 0.0"),
        ({"top_p": 1.1}, "top_p 1.1"),
        ({"top_k": -1}, "top_k -1"),
        ({"max_tokens": 0}, "max_tokens 0"),
        ({"batch": 0}, "batch 0"),
        ({"keys": [("a",)]}, "1 keys for 2 conversations"),
    ],
)
def test_numbers_out_of_range_are_errors(writer: Writer, how: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        writer.write(ASKED[:2], **how)


def test_no_conversation_has_no_reply_and_an_empty_one_is_an_error(writer: Writer) -> None:
    assert writer.write([]) == []
    with pytest.raises(ValueError, match="without a turn"):
        writer.write([[]])


def test_only_safetensors_with_a_chat_template_are_read(student: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(student, bare, ignore=shutil.ignore_patterns("chat_template.jinja"))
    with pytest.raises(ValueError, match="has no chat template"):
        Writer(bare)
    pickled = tmp_path / "pickled"
    shutil.copytree(student, pickled, ignore=shutil.ignore_patterns("model.safetensors"))
    (pickled / "pytorch_model.bin").write_bytes(b"never read")
    with pytest.raises(ValueError, match="no causal language model in safetensors"):
        Writer(pickled)


def test_writing_ends_once_nobody_waits(writer: Writer) -> None:
    asked = iter([True] * 3)
    with pytest.raises(InterruptedError):
        writer.write(ASKED, max_tokens=TOKENS, wanted=lambda: next(asked, False))
    assert list(asked) == []


def test_a_folder_and_the_same_in_memory_write_the_same(student: Path, tmp_path: Path) -> None:
    from_folder = Writer(student)
    of = Writer.of(AutoModelForCausalLM.from_pretrained(student), from_folder.tokenizer)
    assert of.write(ASKED, max_tokens=8) == from_folder.write(ASKED, max_tokens=8)
    make_tiny(tmp_path / "other", seed=1)
    assert Writer(tmp_path / "other").write(ASKED, max_tokens=8) != of.write(ASKED, max_tokens=8)
