"""The sharpness in Lightning's Trainer, on a small network with dropout and batch norm."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from genlab.callbacks.lightning import LightningSharpness
from genlab.callbacks.readings import read
from genlab.training.losses import cross_entropy
from genlab.training.problem import Problem

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*number of training batches"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


class Classifier(LightningModule):
    def __init__(self, step_size: float = 0.1) -> None:
        super().__init__()
        self.step_size = step_size
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            self.network = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs)
        return outputs

    def training_step(self, batch: Any, index: int) -> Tensor:
        loss = functional.cross_entropy(self(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.step_size)


def data() -> TensorDataset:
    generator = torch.Generator().manual_seed(3)
    return TensorDataset(torch.randn(24, 4, generator=generator), torch.arange(24) % 3)


def fit(module: Any, out: Path, *watches: LightningSharpness, epochs: int = 3, resume: Any = None, **settings: Any) -> Trainer:
    quiet: dict[str, Any] = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "log_every_n_steps": 1,
    }
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", logger=CSVLogger(str(out)), callbacks=[*watches], default_root_dir=out, **quiet,
        **settings,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        trainer.fit(
            module, DataLoader(data(), batch_size=8, shuffle=True), ckpt_path=resume, weights_only=True if resume else None
        )
    return trainer


def dense(module: Any) -> Tensor:
    """Hessian of the mean loss in eval mode, by torch.func in float64."""
    network = module.network.double().eval()
    inputs, labels = data().tensors
    names, pieces = zip(*network.named_parameters(), strict=True)

    def loss(vector: Tensor) -> Tensor:
        parts = [part.view(piece.shape) for part, piece in zip(vector.split([p.numel() for p in pieces]), pieces, strict=True)]
        return functional.cross_entropy(
            torch.func.functional_call(network, dict(zip(names, parts, strict=True)), (inputs.double(),)), labels
        )

    return torch.autograd.functional.hessian(loss, torch.cat([piece.detach().reshape(-1) for piece in pieces]))  # type: ignore[no-any-return]


def test_readings_are_the_eigenvalues_of_the_dense_hessian_and_stand_in_the_log(tmp_path: Path) -> None:
    watch, module = LightningSharpness(3, cross_entropy, examples=24, k=2, tolerance=1e-5), Classifier()
    trainer = fit(module, tmp_path, watch, epochs=3)
    assert [each.step for each in watch.readings] == [0, 3, 6, 9]
    for reading, at in ((watch.readings[0], Classifier()), (watch.readings[-1], module)):
        assert reading.converged
        assert reading.values == pytest.approx(torch.linalg.eigvalsh(dense(at)).flip(0)[:2].tolist(), rel=1e-4)
    assert watch.readings[0].threshold == pytest.approx(20)
    assert read(str(trainer.log_dir)) == watch.readings
    table = (Path(str(trainer.log_dir)) / "metrics.csv").read_text()
    assert {"loss", "sharpness", "sharpness_2", "sharpness_threshold"} <= set(table.splitlines()[0].split(","))
    assert f"{watch.readings[-1].sharpness}" in table


@pytest.mark.parametrize("precision", ["32-true", "bf16-true", "bf16-mixed"])
def test_training_with_it_is_bit_for_bit_training_without_it(tmp_path: Path, precision: Any) -> None:
    plain, watched = Classifier(), Classifier()
    fit(plain, tmp_path / "plain", precision=precision)
    watch = LightningSharpness(1, cross_entropy, examples=10)
    fit(watched, tmp_path / "watched", watch, precision=precision)
    assert all(torch.equal(each, watched.state_dict()[name]) for name, each in plain.state_dict().items())
    assert len(watch.readings) == 10


def test_a_resumed_run_reads_what_an_uninterrupted_one_reads(tmp_path: Path) -> None:
    def order() -> LightningSharpness:
        return LightningSharpness(2, cross_entropy, examples=10)

    first = order()
    trainer = fit(Classifier(), tmp_path / "half", first, epochs=2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    again, once_more = order(), order()
    for watch in (again, once_more):
        fit(Classifier(), tmp_path / "half", watch, epochs=4, resume=tmp_path / "half.ckpt")
    assert again.readings == once_more.readings
    assert again.readings[: len(first.readings)] == first.readings
    assert [each.step for each in again.readings] == [0, 2, 4, 6, 8, 10, 12]
    assert again.readings[4].products < first.readings[0].products  # it went on with the eigenvectors


def test_divergence_is_recorded(tmp_path: Path) -> None:
    watch = LightningSharpness(3, cross_entropy, examples=8)
    fit(Classifier(math.inf), tmp_path, watch)
    assert [math.isnan(each.sharpness) for each in watch.readings] == [False, True, True, True]
    assert all(math.isnan(each.sharpness) for each in read(tmp_path / "lightning_logs" / "version_0")[1:])


def test_a_problem_of_ones_own_and_a_choice_of_parameters(tmp_path: Path) -> None:
    inputs, labels = data().tensors
    own = LightningSharpness(9, problem=lambda module: Problem(module.network, cross_entropy, inputs, labels, parameters="4.*"))
    chosen = LightningSharpness(9, cross_entropy, examples=(inputs, labels), parameters="network.4.*")
    fit(Classifier(), tmp_path, own, epochs=1)
    fit(Classifier(), tmp_path, chosen, epochs=1)
    assert own.readings[0].values == chosen.readings[0].values
    truth = torch.linalg.eigvalsh(dense(Classifier())[-21:, -21:])[-1].item()
    assert own.readings[0].sharpness == pytest.approx(truth, rel=1e-3)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pass loss=.* or problem="):
        LightningSharpness(1)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        LightningSharpness(0, cross_entropy)
