"""Text as rows of tokens: cuts, vocabularies that bring every text back, names that say it all, and every way to go wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.training import grammar
from genlab.training.data import load, outline
from genlab.training.text import parse, sealed
from genlab.training.vocabulary import BytePairs, Words

LINES = [f"line {number}: the old cat near Zürich hears {number % 7} quiet birds.\n" for number in range(300)]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    file = tmp_path / "notes.txt"
    file.write_text("".join(LINES), encoding="utf-8")
    return file


# --- a file -----------------------------------------------------------------------------------------------------------


def test_rows_follow_each_other_and_targets_are_the_next_tokens(notes: Path) -> None:
    data = load(f"text-tokens8-vocab300:{notes}")
    vocabulary = data.vocabulary
    assert isinstance(vocabulary, BytePairs)
    assert (data.inputs, data.outputs, data.classes, data.train_counts) == ((8,), 300, 300, ())
    assert data.train_inputs.dtype == data.train_targets.dtype == torch.int64
    for inputs, targets, text in (
        (data.train_inputs, data.train_targets, "".join(LINES[:-30])),
        (data.test_inputs, data.test_targets, "".join(LINES[-30:])),
    ):
        stream = vocabulary.encode(text)
        rows = (len(stream) - 1) // 8
        assert inputs.flatten().tolist() == stream[: rows * 8]
        assert targets.flatten().tolist() == stream[1 : rows * 8 + 1]
        assert text.startswith(vocabulary.decode(inputs.flatten().tolist()))


def test_the_test_set_is_the_last_tenth_and_teaches_the_vocabulary_nothing(notes: Path) -> None:
    plain = load(f"text-tokens8:{notes}")
    tail = [line.replace("quiet", "zzzzz").replace("hears", "zzzzz") for line in LINES[-30:]]
    notes.write_text("".join([*LINES[:-30], *tail]), encoding="utf-8")
    other = load(f"text-tokens8:{notes}")  # the same name: the file is read again
    assert plain.vocabulary == other.vocabulary
    assert torch.equal(plain.train_inputs, other.train_inputs)
    assert plain.checksum != other.checksum


def test_fewer_rows_are_the_first_of_the_same(notes: Path) -> None:
    some, every = load(f"text-20-tokens8:{notes}"), load(f"text-tokens8:{notes}")
    assert torch.equal(some.train_inputs, every.train_inputs[:20])
    assert torch.equal(some.test_targets, every.test_targets)
    for data in (some, every):
        found = outline(data.name)
        assert (found.inputs, found.outputs, found.tokens) == (data.inputs, data.outputs, True)
        assert (found.train, found.test) == (len(data.train_inputs), len(data.test_inputs))


def test_a_sealed_name_is_another_for_another_text_and_refuses_a_changed_one(notes: Path) -> None:
    name = f"text-20-tokens8:{notes}"
    before = sealed(name)
    assert before.startswith(f"{name}@")
    assert sealed(before) == before
    assert torch.equal(load(before).train_inputs, load(name).train_inputs)
    notes.write_text("other " + notes.read_text(encoding="utf-8"), encoding="utf-8")
    assert sealed(name) != before
    with pytest.raises(ValueError, match=r"has changed: its SHA-256 begins with .*leave out what follows the @"):
        load(f"text-21-tokens8:{notes}@{before[-16:]}")


@pytest.mark.parametrize("name", ["digits-100", "cifar10-5k", "grammar-20", "wikitext-2-20"])
def test_names_without_a_file_are_sealed_as_they_are(name: str) -> None:
    assert sealed(name) == name


def test_a_file_of_one_long_line_is_cut_too(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text(" ".join(line.strip() for line in LINES))
    data = load(f"text-tokens8-vocab256:{file}")
    whole = file.read_text(encoding="utf-8")
    assert data.vocabulary is not None
    assert whole.startswith(data.vocabulary.decode(data.train_inputs.flatten().tolist()))
    assert len(data.test_inputs) == (len(whole[len(whole) - len(whole) // 10 :].encode()) - 1) // 8


# --- vocabularies -----------------------------------------------------------------------------------------------------

LEARNED = BytePairs.learn("".join(LINES), 320)


@settings(deadline=None, max_examples=20)
@given(st.text())
def test_any_text_comes_back_from_its_tokens(text: str) -> None:
    assert LEARNED.decode(LEARNED.encode(text)) == text


def test_the_bytes_alone_are_a_vocabulary() -> None:
    plain = BytePairs.learn("aaaa", 256)
    assert plain.size == 256
    assert len(plain.encode("Zürich\n")) == len("Zürich\n".encode())
    assert len(LEARNED.encode("the old cat")) < 11


def test_a_vocabulary_is_the_same_in_another_process() -> None:
    code = f"from genlab.training.vocabulary import BytePairs\nprint(BytePairs.learn(''.join({LINES!r}), 320).checksum)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == LEARNED.checksum
    assert BytePairs.learn("".join(LINES), 319).checksum != LEARNED.checksum


def test_words_are_tokens_of_a_fixed_list() -> None:
    words = Words(("a", "b", "."))
    assert words.encode("b a .") == [1, 0, 2]
    assert words.decode([1, 0, 2]) == "b a ."
    assert words.checksum != Words(("b", "a", ".")).checksum
    with pytest.raises(ValueError, match="none of the 3 in this vocabulary: c, d"):
        words.encode("a d c")


# --- the grammar ------------------------------------------------------------------------------------------------------


def test_sentences_are_keyed_and_use_every_word() -> None:
    sentences = [grammar.sentence("grammar", "train", index) for index in range(400)]
    assert sentences[7] == grammar.sentence("grammar", "train", 7)
    assert {word for each in sentences for word in each} == set(grammar.WORDS)
    assert all(each[-1] == "." and each.count(".") == 1 for each in sentences)
    assert len(set(sentences)) > 300


def test_verbs_agree_with_their_subjects() -> None:
    singular, plural = (set(grammar.NOUNS[number]) for number in (0, 1))
    verbs = [set(grammar.ALONE[number]) | set(grammar.WITH_OBJECT[number]) for number in (0, 1)]
    simple = 0
    for index in range(400):
        words = grammar.sentence("agreement", index)
        if "that" not in words:
            subject = next(word for word in words if word in singular | plural)
            verb = next(word for word in words if word in verbs[0] | verbs[1])
            assert (subject in plural) == (verb in verbs[1])
            simple += 1
    assert simple > 100


def test_grammar_rows_are_the_first_of_more_and_need_no_file() -> None:
    some, more = load("grammar-50-tokens16"), load("grammar-80-tokens16")
    assert torch.equal(some.train_inputs, more.train_inputs[:50])
    assert torch.equal(some.test_inputs, more.test_inputs)
    assert some.train_inputs.shape == (50, 16)
    assert torch.equal(some.train_inputs.flatten()[1:], some.train_targets.flatten()[:-1])
    assert some.checksum != more.checksum
    assert some.checksum.startswith("d44f33a018e88f1e")
    assert some.vocabulary is not None
    assert some.vocabulary.decode(some.train_inputs[0].tolist()).startswith("the cats that sleep wait .")
    assert load("grammar-50").inputs == (35,)


def test_moving_leaves_tokens_integers() -> None:
    moved = load("grammar-20-tokens8").to("cpu", torch.float64)
    assert moved.train_inputs.dtype == moved.test_targets.dtype == torch.int64
    assert moved.vocabulary is not None


# --- WikiText-2 from a folder -----------------------------------------------------------------------------------------


def wikitext(folder: Path, rows: int = 1000, column: str = "text") -> Path:
    place = folder / "wikitext-2-raw-v1"
    place.mkdir()
    rng = np.random.default_rng(0)
    words = np.array(["the", "cat", "sat", "on", "= Heading =", "mat", "1 @,@ 000"])
    for split in ("train", "test"):
        lines = ["", *(" ".join(rng.choice(words, 30)) + " \n" for _ in range(rows))]
        pq.write_table(pa.table({column: pa.array(lines, pa.string())}), place / f"{split}-00000-of-00001.parquet")
    return folder


def test_wikitext_is_read_from_the_folder_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = wikitext(tmp_path)
    monkeypatch.setenv("GENLAB_DATA", str(folder))
    data = load("wikitext-2-20-tokens8-vocab260")
    assert data.train_inputs.shape == (20, 8)
    assert data.test_inputs.shape == (500, 8)
    assert data.vocabulary is not None
    whole = "".join(pq.read_table(folder / "wikitext-2-raw-v1")["text"].to_pylist())
    assert data.vocabulary.decode(data.train_inputs.flatten().tolist()) in whole
    same = load("wikitext-2-20-tokens8-vocab260", data_dir=str(folder))
    assert same.checksum == data.checksum


def test_the_outline_of_wikitext_needs_no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENLAB_DATA", str(tmp_path))
    found = outline("wikitext-2-2k-tokens64-vocab4096")
    assert (found.inputs, found.outputs, found.train, found.test, found.tokens) == ((64,), 4096, 2000, 500, True)


def test_absent_wikitext_is_had_in_three_ways(tmp_path: Path) -> None:
    said = r"no train\*\.parquet in .* WikiText-2 can be had in three ways: .*GENLAB_DATA.*-raw-v1/.*`pip install datasets`"
    with pytest.raises(ValueError, match=said):
        load("wikitext-2-20", data_dir=str(tmp_path))


def test_other_columns_and_short_texts_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with pytest.raises(ValueError, match=r"expected columns text: string; got page: string"):
        load("wikitext-2-20", data_dir=str(wikitext(one, column="page")))
    with pytest.raises(ValueError, match=r"the test text has .* tokens, .* rows of 35, and 500 are wanted"):
        load("wikitext-2-20-vocab256", data_dir=str(wikitext(two, rows=50)))


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["digits", "cifar10-5k", "chebyshev-4-20", "text-vocab300-tokens8:x", "wikitext-103", "grammar-0"]
)
def test_names_of_other_data_are_left_to_them(name: str) -> None:
    assert parse(name) is None


def test_a_name_is_taken_apart() -> None:
    named = parse("text-5k-tokens16-vocab512:a folder/with:colons-9@0123456789abcdef")
    assert named is not None
    assert (named.kind, named.first, named.tokens, named.vocabulary) == ("text", 5000, 16, 512)
    assert (named.file, named.seal) == ("a folder/with:colons-9", "0123456789abcdef")
    plain = parse("text:me@home.txt")
    assert plain is not None
    assert (plain.file, plain.seal, plain.first, plain.tokens) == ("me@home.txt", None, None, 35)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", r"a file is named after text and nothing else, like text:notes.txt"),
        ("wikitext-2-20:notes.txt", r"a file is named after text and nothing else"),
        ("grammar", r"grammar-N wants a number of rows and has its own 31 words: grammar-200"),
        ("grammar-20-vocab300", r"has its own 31 words"),
        ("text:FOLDER", r"cannot read .*: name a text file"),
        ("text:FOLDER/nowhere.txt", r"cannot read .*nowhere\.txt \(No such file"),
        ("text:FOLDER/latin.txt", r"latin\.txt: expected text in UTF-8"),
        ("text:FOLDER/short.txt", r"the training text has \d+ tokens, 0 rows of 35, and 1 are wanted: name fewer, or shorter"),
        ("text-9k:FOLDER/notes.txt", r"rows of 35, and 9,000 are wanted"),
        ("text-vocab255:FOLDER/notes.txt", r"a vocabulary of 255 has no room for the 256 bytes: at least 256"),
        ("text-vocab9999:FOLDER/notes.txt", r"no pair is twice in the training text after \d+ tokens: use -vocab\d+"),
    ],
)
def test_a_name_that_cannot_be_had_says_what_can(notes: Path, name: str, said: str) -> None:
    (notes.parent / "latin.txt").write_bytes("Zürich\n".encode("latin-1") * 500)
    (notes.parent / "short.txt").write_text("a b\nc\n")
    with pytest.raises(ValueError, match=said):
        load(name.replace("FOLDER", str(notes.parent)))


def test_a_text_is_read_from_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'grammar-20' is read from no folder .*remove data_dir="):
        load("grammar-20", data_dir=str(tmp_path))
