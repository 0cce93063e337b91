"""A problem: any module, a loss and data, seen as one function of one weight vector.

Shapes: ``param`` is the number of trainable parameters, concatenated in the order of ``module.named_parameters()``;
``example`` is the number of examples, visited in fixed order in physical batches that only bound memory.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlab.training.losses import Loss, correct


@dataclass(frozen=True)
class Score:
    """Mean loss over the examples, and the share whose largest output is their label (None without class labels)."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Slope:
    """A score with the gradient of the mean loss, shape (param,)."""

    loss: float
    accuracy: float | None
    gradient: Float[Tensor, " param"]


@dataclass(frozen=True, eq=False)
class Problem:
    """The mean loss of ``module`` over ``inputs`` and ``targets``, as a function of its trainable parameters.

    The module is never changed: its parameters are replaced for each call, its buffers are copied. It is used in the mode it
    is in (train or eval). The last physical batch may be smaller; every loss is summed and divided by the number of all
    examples, so that the split changes nothing but rounding.

    Attributes:
        module: any ``nn.Module`` that maps a batch of inputs to outputs of shape (example, output).
        loss: one value an example, such as ``losses.half_squared_error``.
        inputs, targets: tensors with one row an example, on the module's device.
        physical_batch: examples per forward pass. With batch norm in train mode this is the ghost batch: it then
            changes the function itself.

    Raises:
        ValueError: no examples, unequal numbers of inputs and targets, or no trainable parameter.
    """

    module: nn.Module
    loss: Loss
    inputs: Tensor
    targets: Tensor
    physical_batch: int = 1000
    names: tuple[str, ...] = field(init=False)
    shapes: tuple[torch.Size, ...] = field(init=False)

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(
                f"a problem wants one target an input, got {len(self.inputs)} inputs and {len(self.targets)} targets"
            )
        if not len(self.inputs):
            raise ValueError("a problem wants at least one example, got none")
        if self.physical_batch < 1:
            raise ValueError(f"physical_batch wants at least 1 example, got {self.physical_batch}")
        trainable = [(name, each.shape) for name, each in self.module.named_parameters() if each.requires_grad]
        if not trainable:
            raise ValueError("the module has no parameter with requires_grad=True: there is nothing to differentiate")
        object.__setattr__(self, "names", tuple(name for name, _ in trainable))
        object.__setattr__(self, "shapes", tuple(shape for _, shape in trainable))

    @cached_property
    def parameter_count(self) -> int:
        """Length of the weight vector."""
        return sum(shape.numel() for shape in self.shapes)

    @cached_property
    def activation_bytes(self) -> int:
        """Bytes that one physical batch's forward pass saves for its backward pass, counted on the first batch."""
        saved: list[Tensor] = []  # all kept to the end: memory that is freed and used again must count twice

        def keep(tensor: Tensor) -> Tensor:
            saved.append(tensor)
            return tensor

        inputs, targets = next(self.batches())
        parameters = [piece.requires_grad_() for piece in self.split(self.weights())]
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept):
            self.batch_loss(parameters, inputs, targets)
        return sum(nbytes for _, nbytes in {(each.data_ptr(), each.nbytes) for each in saved})

    def weights(self) -> Float[Tensor, " param"]:
        """A copy of the module's present parameters as one vector."""
        named = dict(self.module.named_parameters())
        return torch.cat([named[name].detach().reshape(-1) for name in self.names])

    def install(self, weights: Float[Tensor, " param"]) -> None:
        """Copy a weight vector into the module's own parameters (the one method that changes the module)."""
        named = dict(self.module.named_parameters())
        with torch.no_grad():
            for name, piece in zip(self.names, self.split(weights), strict=True):
                named[name].copy_(piece)

    def split(self, vector: Float[Tensor, " param"]) -> list[Tensor]:
        """Views of a vector in the shapes of the parameters."""
        if vector.shape != (self.parameter_count,):
            raise ValueError(f"a weight vector has {self.parameter_count} entries, got shape {tuple(vector.shape)}")
        pieces = torch.split(vector, [shape.numel() for shape in self.shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets of each physical batch, in order."""
        return zip(torch.split(self.inputs, self.physical_batch), torch.split(self.targets, self.physical_batch), strict=True)

    def batch_loss(self, parameters: Sequence[Tensor], inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        """One physical batch's share of the mean loss (differentiable), and its number of correct examples."""
        buffers = {name: each.clone() for name, each in self.module.named_buffers()}
        outputs = torch.func.functional_call(
            self.module, {**dict(zip(self.names, parameters, strict=True)), **buffers}, (inputs,)
        )
        losses = self.loss(outputs, targets)
        if losses.shape != (len(inputs),):
            raise ValueError(
                f"the loss wants one value an example, shape ({len(inputs)},), got {tuple(losses.shape)}: "
                "use genlab.cross_entropy or half_squared_error, or reduction='none'"
            )
        return losses.sum() / len(self.inputs), correct(outputs.detach(), targets)

    def score(self, weights: Float[Tensor, " param"]) -> Score:
        """Loss and accuracy, without a gradient."""
        parts, right = [], []
        with torch.no_grad():
            parameters = self.split(weights)
            for inputs, targets in self.batches():
                part, count = self.batch_loss(parameters, inputs, targets)
                parts.append(part)
                right.append(count)
        return Score(torch.stack(parts).sum().item(), self._accuracy(right))

    def slope(self, weights: Float[Tensor, " param"]) -> Slope:
        """Loss, accuracy and gradient from one pass over the data."""
        parameters = [piece.detach().requires_grad_() for piece in self.split(weights)]
        total: Tensor | None = None
        parts, right = [], []
        for inputs, targets in self.batches():
            part, count = self.batch_loss(parameters, inputs, targets)
            gradient = _flat(torch.autograd.grad(part, parameters, materialize_grads=True))
            total = gradient if total is None else total.add_(gradient)
            parts.append(part.detach())
            right.append(count)
        assert total is not None
        return Slope(torch.stack(parts).sum().item(), self._accuracy(right), total)

    def _accuracy(self, right: Sequence[Tensor | None]) -> float | None:
        counts = [count for count in right if count is not None]
        return torch.stack(counts).sum().item() / len(self.inputs) if counts else None

    def refuse_if_random(self, weights: Float[Tensor, " param"]) -> None:
        """Check the assumption of every measurement: that two passes give one loss.

        Raises:
            RuntimeError: the loss differs between two passes by more than rounding.
        """
        first, second = self.score(weights).loss, self.score(weights).loss
        same = math.isclose(first, second, rel_tol=1e3 * torch.finfo(weights.dtype).eps)  # our assumption: atomics on a GPU
        if not same and math.isfinite(first) and math.isfinite(second):
            raise RuntimeError(
                f"the training loss changed between two passes ({first:.6g}, {second:.6g}): dropout or augmentation is on. "
                "Fix them in the problem first, for instance with module.eval()."
            )


def _flat(pieces: Sequence[Tensor]) -> Tensor:
    return torch.cat([piece.reshape(-1) for piece in pieces])
