"""Sharpness in a Lightning Trainer's run: one callback, and the loss as one value an example."""

import lightning
import torch
from torch import Tensor, nn

from genlab import LightningSharpness, cross_entropy


class Classifier(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(inputs)
        return outputs

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        loss = cross_entropy(self(batch[0]), batch[1]).mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.5)


lightning.seed_everything(0, verbose=False)
examples = torch.utils.data.TensorDataset(torch.randn(200, 8), torch.randint(0, 3, (200,)))
loader = torch.utils.data.DataLoader(examples, batch_size=50, shuffle=True)
watch = LightningSharpness(every=5, loss=cross_entropy, examples=200)
lightning.Trainer(
    max_epochs=5, callbacks=[watch], accelerator="cpu", default_root_dir="runs/lightning", logger=False,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
).fit(Classifier(), loader)  # fmt: skip
for reading in watch.readings:  # also in runs/lightning/sharpness.json, and in the logger where there is one
    print(f"step {reading.step:3d}  sharpness {reading.sharpness:.3f}  2/lr {reading.threshold}  converged {reading.converged}")
