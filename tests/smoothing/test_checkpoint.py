"""Checkpoints: the keys they may have, and what is said of others."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from genlab.smoothing.checkpoint import load_classifier
from genlab.smoothing.layers import Normalised
from genlab.training import networks

ARCH, SHAPE = "cnn-bn-relu-width4", (3, 8, 8)


def network() -> torch.nn.Sequential:
    return networks.build(ARCH, inputs=SHAPE, outputs=5, seed=3)


def saved(state: dict[str, Tensor], path: Path) -> Path:
    save_file({name: value.clone() for name, value in state.items()}, path)
    return path


def load(path: Path, arch: str = ARCH) -> torch.nn.Module:
    return load_classifier(path, arch, inputs=SHAPE, outputs=5)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("normalised", [True, False])
def test_what_was_saved_is_loaded(prefix: str, normalised: bool, tmp_path: Path) -> None:
    model = Normalised(network(), [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]) if normalised else network()
    path = saved({prefix + name: value for name, value in model.state_dict().items()}, tmp_path / "m.safetensors")
    images = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    loaded = load(path)
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images), model.eval()(images))


def test_other_keys_are_named(tmp_path: Path) -> None:
    state = network().state_dict()
    name = next(iter(state))
    renamed = {("fc." + key if key == name else key): value for key, value in state.items()}
    with pytest.raises(ValueError, match=rf"missing {name}; unexpected fc\.{name}\. Give the --arch"):
        load(saved(renamed, tmp_path / "m"))
    with pytest.raises(ValueError, match=r"'resnet20'.*missing .* and \d+ more; unexpected"):
        load(saved(state, tmp_path / "m"), "resnet20")
    with pytest.raises(ValueError, match=r"other shapes: .*\(8, "):
        load(saved(networks.build("cnn-bn-relu-width8", inputs=SHAPE, outputs=5, seed=0).state_dict(), tmp_path / "m"))
    with pytest.raises(ValueError, match="has mean without std"):
        load(saved(state | {"mean": torch.zeros(3)}, tmp_path / "m"))


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file"):
        load(tmp_path / "none")
    (tmp_path / "m.pt").write_bytes(b"PK\x03\x04 a pickle in a zip, as torch.save writes")
    with pytest.raises(ValueError, match=r"no safetensors file.*save_file"):
        load(tmp_path / "m.pt")
    with pytest.raises(ValueError, match="try resnet20"):
        load(saved(network().state_dict(), tmp_path / "m"), "resnet21")
