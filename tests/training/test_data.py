"""Data sets: closed forms, standardisation, fixed checksums, and every way in which a CIFAR-10 folder can be broken."""

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from genlab.training import cifar
from genlab.training.data import load

SMALL = {"train": 3, "test": 2}  # images of each class in the folders these tests write


# --- data made here ---------------------------------------------------------------------------------------------------


def test_digits_are_split_at_a_thousand_and_standardised() -> None:
    digits = load("digits")
    assert (digits.inputs, digits.outputs, digits.classes) == ((1, 8, 8), 10, 10)
    assert (len(digits.train_inputs), len(digits.test_inputs)) == (1000, 797)
    assert (digits.train_inputs.dtype, digits.train_targets.dtype) == (torch.float32, torch.int64)
    mean, deviation = digits.train_inputs.double().mean(dim=0), digits.train_inputs.double().std(dim=0, correction=0)
    constant = deviation == 0
    assert constant.any()
    assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-6)
    assert torch.allclose(deviation[~constant], torch.ones_like(deviation[~constant]), atol=1e-6)
    assert torch.equal(torch.cat([digits.train_targets, digits.test_targets]), torch.from_numpy(load_digits().target).long())
    assert sum(digits.train_counts) == 1000


@settings(deadline=None, max_examples=30)
@given(first=st.integers(1, 1000))
def test_fewer_digits_are_the_first_of_the_same(first: int) -> None:
    some, every = load(f"digits-{first}"), load("digits")
    assert torch.equal(some.train_inputs, every.train_inputs[:first])
    assert torch.equal(some.test_inputs, every.test_inputs)
    assert sum(some.train_counts) == first
    assert len(some.train_counts) == 10


@settings(deadline=None, max_examples=30)
@given(degree=st.integers(1, 12), points=st.integers(2, 50))
def test_chebyshev_is_the_cosine_of_a_multiple_angle(degree: int, points: int) -> None:
    data = load(f"chebyshev-{degree}-{points}")
    x, y = data.train_inputs.double(), data.train_targets.double()
    assert x.shape == y.shape == (points, 1)
    assert (x[0].item(), x[-1].item()) == (-1, 1)
    assert torch.allclose(y, torch.cos(degree * torch.arccos(x)), atol=1e-5)  # float32 inputs, slope up to degree ** 2


@pytest.mark.parametrize("name", ["chebyshev-4-20", "linear-50-50"])
def test_regression_has_no_classes_and_no_test_set(name: str) -> None:
    data = load(name)
    assert (data.classes, data.train_counts, data.outputs) == (None, (), data.train_targets.shape[1])
    assert torch.equal(data.train_inputs, data.test_inputs)
    assert torch.equal(data.train_targets, data.test_targets)
    assert "no test set" in data.note


@pytest.mark.parametrize("size", [1, 7, 50])
def test_linear_inputs_are_white_and_targets_linear(size: int) -> None:
    data = load(f"linear-{size}-{size}")
    x, y = data.train_inputs.double(), data.train_targets.double()
    assert torch.allclose(x.T @ x / size, torch.eye(size, dtype=torch.float64), atol=1e-6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the official recipe, plainly
        q, a = torch.linalg.qr(torch.randn(size, size)).Q, torch.randn(size, size)
    assert torch.allclose(data.train_inputs, q * size**0.5, atol=1e-4)
    assert torch.allclose(y, x @ a.double().T, atol=1e-4)


@pytest.mark.parametrize(("one", "other"), [("digits-1k", "digits"), ("digits-500", "digits-500")])
def test_equal_data_have_equal_checksums(one: str, other: str) -> None:
    assert load(one).checksum == load(other).checksum


def test_checksums_differ_between_data_and_are_those_of_yesterday() -> None:
    sums = {name: load(name).checksum for name in ("digits", "digits-999", "chebyshev-4-20", "chebyshev-5-20", "linear-50-50")}
    assert len(set(sums.values())) == 5
    assert sums["digits"].startswith("fa459c6e19bfc830")
    assert sums["chebyshev-4-20"].startswith("45958fe6e429e2c8")


def test_moving_changes_floats_and_leaves_labels_and_checksum() -> None:
    digits, line = load("digits-20"), load("chebyshev-3-20")
    moved, double = digits.to("cpu", torch.float64), line.to(torch.device("cpu"), torch.float64)
    assert (moved.train_inputs.dtype, moved.train_targets.dtype, moved.test_targets.dtype) == (
        torch.float64,
        torch.int64,
        torch.int64,
    )
    assert (double.train_targets.dtype, double.test_inputs.dtype) == (torch.float64, torch.float64)
    assert torch.equal(moved.train_inputs, digits.train_inputs.double())
    assert (moved.checksum, moved.name, moved.train_counts) == (digits.checksum, digits.name, digits.train_counts)
    with pytest.raises(ValueError, match=r"got torch\.int64"):
        digits.to("cpu", torch.int64)


def test_loading_leaves_the_callers_random_state() -> None:
    before = torch.get_rng_state()
    for name in ("digits", "chebyshev-4-20", "linear-50-50"):
        load(name)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fashion", "unknown data 'fashion': expected cifar10, cifar10-N"),
        ("digits-0", "unknown data"),
        ("chebyshev-4", "unknown data"),
        ("digits-1001", "digits has 1,000 training examples, got 1,001"),
        ("cifar10-51k", "cifar10 has 50,000 training examples, got 51,000"),
        ("linear-50-20", "use linear-50-50"),
    ],
)
def test_an_impossible_name_says_what_is_possible(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load(name)


def test_a_folder_that_would_not_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'digits' is read from no folder .*remove data_dir="):
        load("digits", data_dir=str(tmp_path))


# --- CIFAR-10 from a folder -------------------------------------------------------------------------------------------


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def table(pixels: NDArray[np.uint8], labels: list[int], kind: str = "PNG") -> pa.Table:
    images = [{"bytes": encoded(each, kind), "path": f"{row}.png"} for row, each in enumerate(pixels)]
    schema = pa.schema([("img", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())])
    return pa.table({"img": images, "label": labels}, schema=schema)


def pictures(split: str) -> tuple[NDArray[np.uint8], list[int]]:
    count = 10 * SMALL[split]
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 32, 32, 3), np.uint8), rng.permutation(np.arange(count) % 10).tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole, small data set: one file a split, in the folder itself."""
    for split in SMALL:
        pq.write_table(table(*pictures(split)), tmp_path / f"{split}.parquet")
    return tmp_path


def test_images_come_back_in_order(folder: Path) -> None:
    for split, images in zip(SMALL, cifar.read(str(folder), SMALL), strict=True):
        pixels, labels = pictures(split)
        assert np.array_equal(images.pixels, pixels)
        assert images.labels.tolist() == labels
        assert images.labels.dtype == np.int64
        assert not images.jpeg


def test_shards_in_the_hubs_own_folder_are_read_in_order(folder: Path) -> None:
    whole = pq.read_table(folder / "train.parquet")
    nested = folder / "plain_text"
    nested.mkdir()
    (folder / "test.parquet").rename(nested / "test-00000-of-00001.parquet")
    (folder / "train.parquet").unlink()
    for shard, start in enumerate((0, 11, 22)):
        pq.write_table(whole.slice(start, 11), nested / f"train-{shard:05}-of-00003.parquet", row_group_size=4)
    train, _ = cifar.read(str(folder), SMALL)
    assert np.array_equal(train.pixels, pictures("train")[0])


@pytest.mark.parametrize("place", [".", "cifar10", "cifar10/plain_text"])
def test_the_environment_may_name_the_folder(folder: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder / "data"
    (root / place).mkdir(parents=True)
    for split in SMALL:
        (folder / f"{split}.parquet").rename(root / place / f"{split}.parquet")
    monkeypatch.setenv("GENLAB_DATA", str(root))
    train, test = cifar.read(per_class=SMALL)
    assert (len(train.pixels), len(test.pixels)) == (30, 20)


def test_an_argument_goes_before_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLAB_DATA", str(folder / "nowhere"))
    assert len(cifar.read(str(folder), SMALL)[0].pixels) == 30


def test_jpeg_is_read_and_remembered(folder: Path) -> None:
    pixels, labels = pictures("test")
    smooth = np.full_like(pixels, 100)
    pq.write_table(table(smooth, labels, "JPEG"), folder / "test.parquet")
    train, test = cifar.read(str(folder), SMALL)
    assert (train.jpeg, test.jpeg) == (False, True)
    assert np.abs(test.pixels.astype(int) - 100).max() <= 2


def test_standardisation_uses_every_training_image(folder: Path) -> None:
    train, test = cifar.read(str(folder), SMALL)
    train.pixels[:, 0, 0, 0] = 7  # a pixel that never changes
    all_train, all_test = cifar.standardise(train, test)
    some_train, some_test = cifar.standardise(train, test, first=4)
    assert (all_train.shape, all_test.shape) == ((30, 3, 32, 32), (20, 3, 32, 32))
    assert all_train.dtype == all_test.dtype == np.float32
    assert np.array_equal(some_train, all_train[:4])
    assert np.array_equal(some_test, all_test)

    flat = train.pixels.reshape(30, 3072) / 255  # the official recipe, plainly: features in height, width, channel order
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    deviation[0] = 1
    plain = ((test.pixels.reshape(20, 3072) / 255 - mean) / deviation).reshape(20, 32, 32, 3).transpose(0, 3, 1, 2)
    assert np.allclose(all_test, plain, atol=1e-5)
    assert np.allclose(all_train.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(np.delete(all_train.std(axis=0).ravel(), 0), 1, atol=1e-5)
    assert all_train[:, 0, 0, 0].tolist() == [0] * 30


def test_the_real_set_is_asked_for_by_default(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"train\.parquet: expected 50,000 train rows, got 30"):
        load("cifar10-1k", data_dir=str(folder))


def truncate(folder: Path) -> None:
    file = folder / "train.parquet"
    file.write_bytes(file.read_bytes()[:-100])


def scramble(folder: Path) -> None:
    file = folder / "train.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + bytes(200) + whole[204:])


def rewrite(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        pq.write_table(change(pq.read_table(folder / "train.parquet")), folder / "train.parquet")

    return broken


def with_labels(*labels: int | None) -> Callable[[pa.Table], pa.Table]:
    def change(whole: pa.Table) -> pa.Table:
        return whole.set_column(1, "label", pa.array([*labels, *whole["label"].to_pylist()[len(labels) :]], pa.int64()))

    return change


def with_image(blob: bytes | None) -> Callable[[pa.Table], pa.Table]:
    def change(whole: pa.Table) -> pa.Table:
        images = whole["img"].to_pylist()
        images[5] = {"bytes": blob, "path": "5.png"}
        return whole.set_column(0, "img", pa.array(images, whole.schema.field("img").type))

    return change


BLACK = np.zeros((32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, r"train\.parquet: expected a whole Parquet file, but reading it failed"),
        (scramble, r"train\.parquet: expected a whole Parquet file, but reading it failed"),
        (rewrite(lambda whole: whole.drop_columns("label")), r"train\.parquet: expected columns img: .* got img: struct"),
        (rewrite(lambda whole: whole.rename_columns(["image", "label"])), r"expected columns img: .* got image: struct"),
        (rewrite(lambda whole: whole.set_column(0, "img", whole["label"])), r"got img: int64, label: int64"),
        (rewrite(lambda whole: whole.set_column(1, "label", whole["label"].cast(pa.string()))), r"got img: .* label: string"),
        (rewrite(lambda whole: whole.slice(1)), r"train\.parquet: expected 30 train rows, got 29"),
        (rewrite(with_labels(*[0] * 9)), r"expected 3 train images of each class, got \[\d+, "),
        (rewrite(with_labels(10)), r"train\.parquet: expected labels 0 \.\. 9, got \[10\]"),
        (rewrite(with_labels(-1)), r"train\.parquet: expected labels 0 \.\. 9, got \[-1\]"),
        (rewrite(with_labels(None)), r"train\.parquet: expected labels 0 \.\. 9, got \[None\]"),
        (rewrite(with_image(b"not an image")), r"train\.parquet, row 5: expected a PNG or JPEG image, but decoding it failed"),
        (
            rewrite(with_image(encoded(BLACK)[:60])),
            r"train\.parquet, row 5: expected a PNG or JPEG image, but decoding it failed",
        ),
        (rewrite(with_image(None)), r"train\.parquet, row 5: expected the bytes of an image, got none"),
        (rewrite(with_image(encoded(BLACK[..., 0]))), r"row 5: expected an image of shape \(32, 32, 3\), got \(32, 32\)"),
        (rewrite(with_image(encoded(BLACK[1:]))), r"row 5: expected an image of shape \(32, 32, 3\), got \(31, 32, 3\)"),
        (lambda folder: (folder / "test.parquet").unlink(), r"no test\*\.parquet in .*three ways"),
        (
            lambda folder: pq.write_table(table(*pictures("test")), folder / "train-extra.parquet"),
            r"expected 30 train rows, got 50",
        ),
    ],
)
def test_a_broken_folder_says_which_file_and_what_was_expected(folder: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(folder)
    with pytest.raises(ValueError, match=said):
        cifar.read(str(folder), SMALL)


@pytest.mark.parametrize("place", ["nowhere", ".", "a file"])
def test_absent_data_are_had_in_three_ways(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").touch()
    said = r"three ways: pass data_dir=FOLDER .* GENLAB_DATA .* `pip install datasets`"
    with pytest.raises(ValueError, match=said):
        load("cifar10-5k", data_dir=str(tmp_path / place))
    monkeypatch.setenv("GENLAB_DATA", str(tmp_path / place))
    with pytest.raises(ValueError, match=said):
        load("cifar10-5k")


@pytest.mark.skipif(importlib.util.find_spec("datasets") is not None, reason="with `datasets` this would go to the hub")
def test_without_folder_and_without_datasets_the_three_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLAB_DATA", "")
    with pytest.raises(ValueError, match=r"no folder was given and `datasets` is not installed.*three ways"):
        load("cifar10")
