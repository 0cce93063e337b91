"""A penalty in a Lightning Trainer's run: one callback, and the loss as one value an example."""

import lightning
import torch
from torch import Tensor, nn

from genlab import LightningIntervention, MicrobatchPenalty, cross_entropy, gradient_norm


class Classifier(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs)
        return outputs

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        loss = cross_entropy(self(batch[0]), batch[1]).mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.5)


for strength in (0.0, 0.1):
    lightning.seed_everything(0, verbose=False)
    inputs = torch.randn(200, 8)
    examples = torch.utils.data.TensorDataset(inputs, inputs[:, :3].argmax(dim=1))
    loader = torch.utils.data.DataLoader(examples, batch_size=50, shuffle=True)
    module = Classifier()
    penalty = MicrobatchPenalty(of=gradient_norm, strength=strength, microbatch=10)
    trainer = lightning.Trainer(
        max_epochs=5, callbacks=[LightningIntervention(penalty, loss=cross_entropy)], accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader)
    print(f"strength {strength}: loss of the last batch {trainer.logged_metrics['loss']:.3f}")
