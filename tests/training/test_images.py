"""Image sets from a folder: what is read, how it is standardised, and every way in which a folder can be broken."""

import importlib.util
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from genlab.training import images, splits
from genlab.training.data import load, outline
from genlab.training.images import SETS, read, standardise

COUNTS = {"train": 3, "test": 2}  # images of each class in the folders these tests write
SMALL = replace(SETS["cifar10"], counts={split: (count,) * 10 for split, count in COUNTS.items()})


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def table(pixels: NDArray[np.uint8], labels: list[int], kind: str = "PNG") -> pa.Table:
    images = [{"bytes": encoded(each, kind), "path": f"{row}.png"} for row, each in enumerate(pixels)]
    schema = pa.schema([("img", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())])
    return pa.table({"img": images, "label": labels}, schema=schema)


def pictures(split: str) -> tuple[NDArray[np.uint8], list[int]]:
    count = 10 * COUNTS[split]
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 32, 32, 3), np.uint8), rng.permutation(np.arange(count) % 10).tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole, small data set: one file a split, in the folder itself."""
    for split in COUNTS:
        pq.write_table(table(*pictures(split)), tmp_path / f"{split}.parquet")
    return tmp_path


def test_images_come_back_in_order(folder: Path) -> None:
    for split, found in zip(COUNTS, read(SMALL, str(folder)), strict=True):
        pixels, labels = pictures(split)
        assert np.array_equal(found.pixels, pixels)
        assert found.labels.tolist() == labels
        assert found.labels.dtype == np.int64
        assert not found.jpeg


def test_shards_in_the_hubs_own_folder_are_read_in_order(folder: Path) -> None:
    whole = pq.read_table(folder / "train.parquet")
    nested = folder / "plain_text"
    nested.mkdir()
    (folder / "test.parquet").rename(nested / "test-00000-of-00001.parquet")
    (folder / "train.parquet").unlink()
    for shard, start in enumerate((0, 11, 22)):
        pq.write_table(whole.slice(start, 11), nested / f"train-{shard:05}-of-00003.parquet", row_group_size=4)
    train, _ = read(SMALL, str(folder))
    assert np.array_equal(train.pixels, pictures("train")[0])


@pytest.mark.parametrize("place", [".", "cifar10", "cifar10/plain_text"])
def test_the_environment_may_name_the_folder(folder: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder / "data"
    (root / place).mkdir(parents=True)
    for split in COUNTS:
        (folder / f"{split}.parquet").rename(root / place / f"{split}.parquet")
    monkeypatch.setenv("GENLAB_DATA", str(root))
    train, test = read(SMALL)
    assert (len(train.pixels), len(test.pixels)) == (30, 20)


def test_an_argument_goes_before_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLAB_DATA", str(folder / "nowhere"))
    assert len(read(SMALL, str(folder))[0].pixels) == 30


def test_jpeg_is_read_and_remembered(folder: Path) -> None:
    pixels, labels = pictures("test")
    smooth = np.full_like(pixels, 100)
    pq.write_table(table(smooth, labels, "JPEG"), folder / "test.parquet")
    train, test = read(SMALL, str(folder))
    assert (train.jpeg, test.jpeg) == (False, True)
    assert np.abs(test.pixels.astype(int) - 100).max() <= 2


def test_standardisation_uses_every_training_image(folder: Path) -> None:
    train, test = read(SMALL, str(folder))
    train.pixels[:, 0, 0, 0] = 7  # a pixel that never changes
    all_train, all_test = standardise(train, test)
    some_train, some_test = standardise(train, test, first=4)
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
        read(SMALL, str(folder))


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


# --- other sets, with few images in the schema of the hub ---------------------------------------------------------------

COLUMNS = {"cifar100": ("img", "fine_label"), "svhn": ("image", "label"), "fashion-mnist": ("image", "label")}
UNEQUAL = {"train": (5, 2, 4), "test": (1, 3, 2)}


def few(name: str) -> images.ImageSet:
    """A set with the counts of ``UNEQUAL`` in place of its own."""
    return replace(SETS[name], counts=UNEQUAL)


def write(folder: Path, name: str) -> dict[str, tuple[NDArray[np.uint8], list[int]]]:
    """Files as the hub has them: with coarse labels beside CIFAR-100's fine ones, and grey images without an axis of channels."""
    image, label = COLUMNS[name]
    known, written = few(name), {}
    folder.mkdir(parents=True, exist_ok=True)
    for split, counts in known.counts.items():
        rng = np.random.default_rng(len(split))
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts)).tolist()
        pixels = rng.integers(0, 256, (len(labels), *known.shape), np.uint8)
        stored = pixels if known.shape[2] > 1 else pixels[..., 0]
        blobs = pa.array([{"bytes": encoded(each), "path": None} for each in stored])
        columns = {image: blobs, label: pa.array(labels, pa.int64())}
        if name == "cifar100":
            columns["coarse_label"] = pa.array([0] * len(labels), pa.int64())
        pq.write_table(pa.table(columns), folder / f"{split}-00000-of-00001.parquet")
        written[split] = pixels, labels
    return written


@pytest.mark.parametrize("place", ["{0}", "{0}/{1}", "{1}", "."])
@pytest.mark.parametrize(
    ("name", "folder"), [("cifar100", "cifar100"), ("svhn", "cropped_digits"), ("fashion-mnist", "fashion_mnist")]
)
def test_other_sets_are_read_in_order_wherever_the_hubs_files_lie(tmp_path: Path, name: str, folder: str, place: str) -> None:
    written = write(tmp_path / place.format(name, folder), name)
    for split, found in zip(written, read(few(name), str(tmp_path)), strict=True):
        pixels, labels = written[split]
        assert np.array_equal(found.pixels, pixels)
        assert found.labels.tolist() == labels


@pytest.mark.parametrize("name", COLUMNS)
def test_inputs_have_their_channels_first_and_are_standardised(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    train, test = read(few(name), str(tmp_path))
    inputs, others = standardise(train, test)
    assert inputs.shape[1:] == others.shape[1:] == SETS[name].inputs
    flat = train.pixels.reshape(len(train.pixels), -1) / 255
    plain = ((test.pixels.reshape(len(test.pixels), -1) / 255 - flat.mean(axis=0)) / flat.std(axis=0)).reshape(test.pixels.shape)
    assert np.allclose(others, plain.transpose(0, 3, 1, 2), atol=1e-5)


def test_a_stride_keeps_every_few_images_of_both_sets(tmp_path: Path) -> None:
    write(tmp_path, "fashion-mnist")
    train, test = read(few("fashion-mnist"), str(tmp_path))
    whole, strided = standardise(train, test), standardise(train, test, stride=4)
    assert all(np.array_equal(one[::4], other) for one, other in zip(whole, strided, strict=True))
    assert tuple(map(len, strided)) == (3, 2)


def test_names_say_channels_and_splits_keep_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(images.SETS, "cifar10", SMALL)
    monkeypatch.setitem(splits.HELD, "cifar10", 6)
    constants = SMALL.channels
    assert constants is not None
    for name in ("cifar10-channels", "cifar10-7-channels", "cifar10-channels/held-out", "cifar10-7-channels/held-out"):
        data = load(name, data_dir=str(folder))
        assert data.black == images.black(constants)
        assert torch.equal(data.train_inputs[:7], load("cifar10-channels", data_dir=str(folder)).train_inputs[:7])
        assert len(data.train_inputs) == outline(name).train
        assert "each channel normalised" in data.note
    assert load("cifar10", data_dir=str(folder)).black is None


def test_pixels_are_in_the_unit_interval_and_splits_keep_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(images.SETS, "cifar10", SMALL)
    monkeypatch.setitem(splits.HELD, "cifar10", 6)
    stored = torch.from_numpy(read(SMALL, str(folder))[0].pixels[:7]).permute(0, 3, 1, 2)
    for name in ("cifar10-pixels", "cifar10-7-pixels", "cifar10-pixels/held-out", "cifar10-7-pixels/held-out"):
        data = load(name, data_dir=str(folder))
        assert torch.equal((255 * data.train_inputs[:7]).round().to(torch.uint8), stored)
        assert 0 <= data.test_inputs.min() < data.test_inputs.max() <= 1
        assert data.black == (0, 0, 0)
        assert len(data.train_inputs) == outline(name).train
        assert "not normalised" in data.note


@pytest.mark.parametrize(
    "name", ["fashion-mnist-1k-strided", "fashion-mnist-5", "fashion-mnist/held-out", "fashion-mnist-3/held-out"]
)
def test_names_of_an_image_set_say_its_examples(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(images.SETS, "fashion-mnist", replace(few("fashion-mnist"), stride=4))
    monkeypatch.setitem(splits.HELD, "fashion-mnist", 6)
    write(tmp_path, "fashion-mnist")
    whole, data, found = load("fashion-mnist", data_dir=str(tmp_path)), load(name, data_dir=str(tmp_path)), outline(name)
    train, test, validation = {
        "fashion-mnist-1k-strided": (slice(0, 11, 4), slice(0, 6, 4), None),
        "fashion-mnist-5": (slice(0, 5), slice(0, 6), None),
        "fashion-mnist/held-out": (slice(0, 5), slice(0, 6), slice(5, 11)),
        "fashion-mnist-3/held-out": (slice(0, 3), slice(0, 6), slice(5, 11)),
    }[name]
    assert torch.equal(data.train_inputs, whole.train_inputs[train])
    assert torch.equal(data.train_targets, whole.train_targets[train])
    assert torch.equal(data.test_inputs, whole.test_inputs[test])
    assert torch.equal(data.test_targets, whole.test_targets[test])
    assert (data.validation_inputs is None) == (validation is None)
    if data.validation_inputs is not None and data.validation_targets is not None and validation is not None:
        assert torch.equal(data.validation_inputs, whole.train_inputs[validation])
        assert torch.equal(data.validation_targets, whole.train_targets[validation])
    sizes = len(data.train_inputs), len(data.test_inputs), 0 if data.validation_inputs is None else len(data.validation_inputs)
    assert (found.train, found.test, found.validation) == sizes
    assert data.name == name
    assert ("every 4th image" in data.note) == ("strided" in name)


def test_channels_are_normalised_with_the_papers_constants(folder: Path) -> None:
    constants = SETS["cifar10"].channels
    assert constants is not None
    train, test = read(SMALL, str(folder))
    train.pixels[0] = 0
    inputs, others = images.normalise(train, test, constants, first=4)
    assert (inputs.shape, others.shape) == ((4, 3, 32, 32), (20, 3, 32, 32))
    assert inputs.dtype == np.float32
    for channel in range(3):
        mean, deviation = constants[0][channel], constants[1][channel]
        assert np.allclose(others[:, channel], (test.pixels[..., channel] / 255 - mean) / deviation, atol=1e-6)
        assert set(inputs[0, channel].ravel().tolist()) == {images.black(constants)[channel]}  # to the bit


def test_unequal_counts_are_checked_too(tmp_path: Path) -> None:
    write(tmp_path, "svhn")
    with pytest.raises(ValueError, match=r"expected 4, 3, 4 train images of classes 0 \.\. 2, got \[5, 2, 4\]\. Fetch"):
        read(replace(few("svhn"), counts={"train": (4, 3, 4), "test": (1, 3, 2)}), str(tmp_path))


@pytest.mark.parametrize(
    ("written", "asked", "said"),
    [
        ("svhn", "cifar100", r"expected columns img: .*, fine_label: int64; got image: struct"),
        ("svhn", "fashion-mnist", r"row 0: expected an image of shape \(28, 28\), got \(32, 32, 3\)"),
        ("fashion-mnist", "svhn", r"row 0: expected an image of shape \(32, 32, 3\), got \(28, 28\)"),
    ],
)
def test_one_set_is_not_taken_for_another(tmp_path: Path, written: str, asked: str, said: str) -> None:
    write(tmp_path, written)
    with pytest.raises(ValueError, match=said):
        read(few(asked), str(tmp_path))


@pytest.mark.parametrize("name", SETS)
def test_an_absent_set_says_how_it_is_had(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ValueError, match=rf"no train\*\.parquet in .*{SETS[name].source.title} can be had .*{SETS[name].source.hub}"
    ):
        load(name, data_dir=str(tmp_path))


def test_the_table_has_the_sizes_that_are_published() -> None:
    sizes = {name: (each.size("train"), each.size("test"), each.classes) for name, each in SETS.items()}
    assert sizes == {
        "cifar10": (50_000, 10_000, 10),
        "cifar100": (50_000, 10_000, 100),
        "svhn": (73_257, 26_032, 10),
        "fashion-mnist": (60_000, 10_000, 10),
    }
