"""Interventions in Lightning's Trainer: off they are not there, on they are those of a plain loop."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.callbacks.test_lightning import Classifier, fit
from torch import Tensor, nn

from genlab.callbacks.lightning_intervention import LightningIntervention
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.plain_loop import backward
from genlab.interventions.quantities import fisher, gradient_norm, unit_jacobian
from genlab.interventions.sam import Sam
from genlab.training.loop import Intervention
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.problem import Problem

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*number of training batches"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: each.clone() for name, each in module.state_dict().items()}


@pytest.mark.parametrize("off", [Sam(0.0), MicrobatchPenalty(fisher, 0.0, 2), L2Penalty(0.0)], ids=["sam", "ft", "l2"])
def test_at_zero_it_is_the_untouched_training_bit_for_bit(off: Intervention, tmp_path: Path) -> None:
    plain, ours = Classifier(), Classifier()  # with dropout and batch norm
    fit(plain, tmp_path / "plain", gradient_clip_val=0.2)
    fit(ours, tmp_path / "ours", LightningIntervention(off, cross_entropy), gradient_clip_val=0.2)  # type: ignore[arg-type]
    assert all(torch.equal(each, weights(ours)[name]) for name, each in weights(plain).items())


class Recorded(Classifier):
    """Without dropout, and with what it was given."""

    def __init__(self, *, normalised: bool = True, **settings: Any) -> None:
        super().__init__(**settings)
        self.network[3] = nn.Identity()
        if not normalised:
            self.network[1] = nn.Identity()
        self.double()
        self.batches: list[Any] = []

    def training_step(self, batch: Any, index: int) -> Tensor:
        inputs, labels = batch
        self.batches.append((inputs.double(), labels))
        return super().training_step((inputs.double(), labels), index)


class Doubled(LightningIntervention):
    def _problem(self, module: Any, batch: Any) -> Any:
        return super()._problem(module, (batch[0].double(), batch[1]))


@pytest.mark.parametrize(
    ("on", "normalised"),
    [(Sam(0.3), True), (MicrobatchPenalty(gradient_norm, 0.2, 3), False), (MicrobatchPenalty(unit_jacobian, 0.2, 3), False)],
    ids=["sam", "gn", "uj"],
)
def test_on_it_is_backward_in_a_plain_loop_clipped(on: Intervention, normalised: bool, tmp_path: Path) -> None:
    ours, plain = Recorded(normalised=normalised), Recorded(normalised=normalised)
    watch = Doubled(on, cross_entropy)
    trainer = fit(ours, tmp_path, watch, gradient_clip_val=0.2)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
    loss = 0.0
    for step, (inputs, labels) in enumerate(ours.batches):
        loss = backward(plain, cross_entropy, inputs, labels, on, step=step).loss
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.2)
        optimizer.step()
    for name, each in weights(ours).items():
        torch.testing.assert_close(each, weights(plain)[name], rtol=1e-9, atol=1e-12)
    assert watch.found is not None
    assert watch.found.loss == pytest.approx(loss, rel=1e-10)
    assert trainer.logged_metrics["loss"].item() == pytest.approx(loss, rel=1e-6)  # the loss at the weights
    assert "training_step" not in vars(ours)


def test_what_would_be_another_method_is_refused(tmp_path: Path) -> None:
    for settings, message in (
        ({"accumulate_grad_batches": 2}, "set accumulate_grad_batches=1, load 2 times as many examples"),
        ({"precision": "bf16-mixed"}, "the trainer's is bf16-mixed: set precision='32-true'"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(Classifier(), tmp_path, LightningIntervention(Sam(0.0), cross_entropy), **settings)  # type: ignore[arg-type]
    by_hand = Classifier()
    by_hand.automatic_optimization = False
    with pytest.raises(ValueError, match=r"call genlab.backward\(self.network, loss, inputs"):
        fit(by_hand, tmp_path, LightningIntervention(Sam(0.1), cross_entropy))  # type: ignore[arg-type]
    module = Classifier()
    with pytest.raises(ValueError, match="it trains on another loss, or draws"):
        fit(module, tmp_path, LightningIntervention(Sam(0.1), half_squared_error))  # type: ignore[arg-type]
    assert "training_step" not in vars(module)
    with pytest.raises(ValueError, match="would normalise over the physical batch of 2"):
        fit(module, tmp_path, LightningIntervention(Sam(0.1), cross_entropy, physical_batch=2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pass loss=, one value an example"):
        LightningIntervention(Sam(0.1))


def test_with_dropout_the_first_pass_draws_the_masks_of_training_step_and_a_dictionary_is_kept(tmp_path: Path) -> None:
    class Told(Classifier):
        def training_step(self, batch: Any, index: int) -> Any:
            return {"loss": super().training_step(batch, index), "more": 1}

    module = Told()
    watch = LightningIntervention(Sam(0.1), problem=lambda module, batch: Problem(module, cross_entropy, *batch))
    trainer = fit(module, tmp_path, watch)  # type: ignore[arg-type]  # else the losses of the first step would differ
    assert watch.found is not None
    assert trainer.logged_metrics["loss"].item() == pytest.approx(watch.found.loss, rel=1e-6)
