"""A problem: any module, a loss and data, seen as one function of one weight vector.

Shapes: ``param`` is the number of chosen parameters, concatenated in the order of ``module.named_parameters()``;
``example`` is the number of examples, visited in fixed order in physical batches that only bound memory.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlab.training.exactness import HALVES, attentions, full_precision, twice_differentiable, unwrapped
from genlab.training.losses import Loss, correct
from genlab.training.parameters import Choice, chosen

RECOMPUTES = (
    "the module recomputes activations (gradient checkpointing): a second derivative would be taken at its own parameters, not "
    "at those of the measurement. Switch it off while measuring: models of transformers do so by model.eval()"
)
Inputs = Tensor | Mapping[str, Tensor]  # one row an example; a mapping is passed to the module as keyword arguments


@dataclass(frozen=True)
class Score:
    """Mean loss, and the share of class labels at which the largest output is (None without class labels)."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Slope:
    """A score with the gradient of the mean loss, shape (param,); or with what an intervention makes of it, to step along.

    ``penalty`` is what an intervention adds to the loss, its strength included; ``loss`` is without it.
    """

    loss: float
    accuracy: float | None
    gradient: Float[Tensor, " param"]
    penalty: float = 0.0


@dataclass(frozen=True, eq=False)
class Problem:
    """The mean loss of ``module`` over ``inputs`` and ``targets``, as a function of some of its parameters.

    The module is never changed: its parameters are replaced for each call, its buffers are copied. It is used in the mode it
    is in (train or eval). The last physical batch may be smaller; every loss is summed and divided by the number of all
    examples, so that the split changes nothing but rounding.

    A module that holds parameters or buffers in half precision is computed in float32, from its rounded values: weights and
    everything made of them are float32. Autocast is off, and attention takes a form that has a second derivative.

    Attributes:
        module: any ``nn.Module``, on one device. It is taken out of DistributedDataParallel and ``torch.compile``.
        loss: from outputs and targets, one value an example, such as ``losses.half_squared_error``.
        inputs: a tensor with one row an example, or a mapping of them to names: keyword arguments of the module.
        targets: a tensor with one row an example, on the module's device.
        physical_batch: examples per forward pass, where ``ghost_batch`` does not say.
        ghost_batch: examples that batch norm normalises over in train mode: consecutive ones, a fixed partition. It is part of
            the function, and also the size of the forward passes. Without batch norm in train mode it changes nothing.
        counts: how many terms each example adds to the mean, such as its tokens that carry loss; ``loss`` is then the sum of an
            example's terms. None: one each.
        parameters: which parameters, by name, by pattern (``"*lora_*"``), by several of them, or by a test of a name; frozen
            ones can be chosen too. None: all with ``requires_grad``.
        options: further keyword arguments of the module, the same in every call.

    Raises:
        ValueError: no examples, unequal numbers of inputs, targets and counts, or nothing to differentiate by.
    """

    module: nn.Module
    loss: Loss
    inputs: Inputs
    targets: Tensor
    physical_batch: int = 1000
    ghost_batch: int | None = None
    counts: Int[Tensor, " example"] | None = None
    parameters: Choice | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = field(init=False)
    shapes: tuple[torch.Size, ...] = field(init=False)
    dtype: torch.dtype = field(init=False)
    _others: tuple[str, ...] = field(init=False, repr=False)
    _tied: bool = field(init=False, repr=False)
    _attentions: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_examples()
        if self.physical_batch < 1 or (self.ghost_batch is not None and self.ghost_batch < 1):
            name, got = ("physical_batch", self.physical_batch) if self.physical_batch < 1 else ("ghost_batch", self.ghost_batch)
            raise ValueError(f"{name} wants at least 1 example, got {got}")
        module = unwrapped(self.module)
        names = chosen(module, self.parameters)
        known = dict(module.named_parameters())
        dtype = torch.float32 if known[names[0]].dtype in HALVES else known[names[0]].dtype
        for name in names:
            dtype = torch.promote_types(dtype, known[name].dtype)
        for name, value in (
            ("module", module),
            ("names", names),
            ("shapes", tuple(known[name].shape for name in names)),
            ("dtype", dtype),
            ("_others", tuple(known.keys() - set(names))),
            ("_tied", _tied(module)),
            ("_attentions", attentions(module)),
        ):
            object.__setattr__(self, name, value)

    @cached_property
    def parameter_count(self) -> int:
        """Length of the weight vector."""
        return sum(shape.numel() for shape in self.shapes)

    @cached_property
    def divisor(self) -> int:
        """What the sum of all losses is divided by: the number of examples, or of their counted terms."""
        return len(self.targets) if self.counts is None else int(self.counts.sum())

    @property
    def normalises(self) -> bool:
        """Whether a batch norm takes its averages from the batch: it is in train mode, or keeps no running ones."""
        norms = [each for each in self.module.modules() if isinstance(each, _BatchNorm)]
        return any(each.training or each.running_mean is None for each in norms)

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
        """A copy of the module's present parameters as one vector; float32 of those in half precision."""
        named = dict(self.module.named_parameters())
        return torch.cat([named[name].detach().reshape(-1).to(self.dtype) for name in self.names])

    def install(self, weights: Float[Tensor, " param"]) -> None:
        """Copy a weight vector into the module's own parameters (the one method that changes the module).

        Parameters in half precision take the nearest value that they can hold.
        """
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

    def subset(self, examples: slice | Sequence[int] | Int[Tensor, " chosen"]) -> "Problem":
        """The same function over some of the examples, divided by their own number or counts; the module is shared.

        With batch norm in train mode the chosen examples form ghost batches of their own: it is then another function of them.
        A slice copies nothing.
        """
        part = copy.copy(self)  # no look through the module: mini-batches do this at every step
        for name, value in self._each(lambda rows: rows[examples]).items():
            object.__setattr__(part, name, value)
        for known in ("divisor", "activation_bytes"):
            part.__dict__.pop(known, None)
        part._check_examples()
        return part

    def losing(self, loss: Loss) -> "Problem":
        """The same module over the same data with another loss, its mean over examples; the module is shared."""
        return replace(self, loss=loss, counts=None, parameters=self.names)

    def double(self) -> "Problem":
        """The same function in float64, on a copy of the module: for oracles."""
        rows = self._each(lambda rows: rows.double() if rows.is_floating_point() else rows)
        return replace(self, module=copy.deepcopy(self.module).double(), parameters=self.names, **rows)

    def _each(self, change: Callable[[Tensor], Tensor]) -> dict[str, Any]:
        inputs: Inputs
        if isinstance(self.inputs, Tensor):
            inputs = change(self.inputs)
        else:
            inputs = {name: change(rows) for name, rows in self.inputs.items()}
        counts = None if self.counts is None else change(self.counts)
        return {"inputs": inputs, "targets": change(self.targets), "counts": counts}

    def batches(self) -> Iterator[tuple[Inputs, Tensor]]:
        """Inputs and targets of each physical batch, or ghost batch, in order."""
        size = self.physical_batch if self.ghost_batch is None else self.ghost_batch
        targets = torch.split(self.targets, size)
        if isinstance(self.inputs, Tensor):
            return zip(torch.split(self.inputs, size), targets, strict=True)
        columns = zip(*(torch.split(rows, size) for rows in self.inputs.values()), strict=True)
        return zip((dict(zip(self.inputs, column, strict=True)) for column in columns), targets, strict=True)

    def batch_loss(self, parameters: Sequence[Tensor], inputs: Inputs, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        """One physical batch's share of the mean loss (differentiable), and its number of correct labels."""
        placed = (inputs,) if isinstance(inputs, Tensor) else ()
        named = {} if isinstance(inputs, Tensor) else inputs
        with twice_differentiable(self.module, self._attentions, targets.device):
            outputs = torch.func.functional_call(
                self.module,
                {**self._fixed(), **dict(zip(self.names, parameters, strict=True))},
                tuple(map(self._whole, placed)),
                {**{name: self._whole(each) for name, each in named.items()}, **self.options},
                tie_weights=self._tied,
            )
            losses = self.loss(outputs, self._whole(targets))
        if losses.shape != (len(targets),):
            raise ValueError(
                f"the loss wants one value an example, shape ({len(targets)},), got {tuple(losses.shape)}: "
                "use genlab.cross_entropy or half_squared_error, or reduction='none'"
            )
        return losses.sum() / self.divisor, self._right(outputs, targets)

    def accuracy(self, right: Sequence[Tensor | None]) -> float | None:
        """The share of right labels, from their numbers in all physical batches; None without class labels."""
        counts = [count for count in right if count is not None]
        return torch.stack(counts).sum().item() / self.divisor if counts else None

    def score(self, weights: Float[Tensor, " param"]) -> Score:
        """Loss and accuracy, without a gradient."""
        parts, right = [], []
        with torch.no_grad():
            parameters = self.split(weights)
            for inputs, targets in self.batches():
                part, count = self.batch_loss(parameters, inputs, targets)
                parts.append(part)
                right.append(count)
        return Score(torch.stack(parts).sum().item(), self.accuracy(right))

    def slope(self, weights: Float[Tensor, " param"]) -> Slope:
        """Loss, accuracy and gradient from one pass over the data."""
        parameters = [piece.detach().requires_grad_() for piece in self.split(weights)]
        total: Tensor | None = None
        parts, right = [], []
        with full_precision(weights.device):
            for inputs, targets in self.batches():
                part, count = self.batch_loss(parameters, inputs, targets)
                gradient = _flat(torch.autograd.grad(part, parameters, materialize_grads=True))
                total = gradient if total is None else total.add_(gradient)
                parts.append(part.detach())
                right.append(count)
        assert total is not None
        return Slope(torch.stack(parts).sum().item(), self.accuracy(right), total)

    def refuse_if_random(self, weights: Float[Tensor, " param"]) -> None:
        """Check the assumptions of every measurement: that two passes give one loss, and that it is the whole function.

        Raises:
            RuntimeError: the loss differs between two passes by more than rounding; or the module recomputes activations
                (gradient checkpointing), which would differentiate it at other parameters than the ones asked for.
            ValueError: batch norm in train mode without a ghost batch, over more examples than one physical batch.
        """
        if self.ghost_batch is None and self.physical_batch < len(self.targets) and self.normalises:
            raise ValueError(
                f"batch norm is in train mode and sees {self.physical_batch} of {len(self.targets)} examples at a time, which is "
                "part of the function: say ghost_batch=..., or take running averages by module.eval()"
            )
        first, second = self.score(weights).loss, self.score(weights).loss
        same = math.isclose(first, second, rel_tol=1e3 * torch.finfo(weights.dtype).eps)  # our assumption: atomics on a GPU
        if not same and math.isfinite(first) and math.isfinite(second):
            raise RuntimeError(
                f"the training loss changed between two passes ({first:.6g}, {second:.6g}): dropout or augmentation is on. "
                "Fix them in the problem first, for instance with module.eval()."
            )
        inputs, targets = next(self.batches())
        parameters = [piece.detach().requires_grad_() for piece in self.split(weights)]
        with torch.enable_grad(), torch.autograd.graph.disable_saved_tensors_hooks(RECOMPUTES):
            self.batch_loss(parameters, inputs, targets)

    def _check_examples(self) -> None:
        rows = [self.inputs] if isinstance(self.inputs, Tensor) else list(self.inputs.values())
        examples = len(self.targets)
        for each in rows:
            if len(each) != examples:
                raise ValueError(f"a problem wants one target an input, got {len(each)} inputs and {examples} targets")
        if not rows:
            raise ValueError("a problem wants inputs, got a mapping without any")
        if not examples:
            raise ValueError("a problem wants at least one example, got none")
        if self.counts is not None and (self.counts.shape != (examples,) or not int(self.counts.sum()) > 0):
            raise ValueError(
                f"counts wants one number an example, shape ({examples},), some above 0, "
                f"got shape {tuple(self.counts.shape)} with sum {int(self.counts.sum())}: does any example carry loss?"
            )

    def _right(self, outputs: Any, targets: Tensor) -> Tensor | None:
        if not isinstance(outputs, Tensor) or outputs.shape[:-1] != targets.shape:
            return None
        if self.counts is None:
            return correct(outputs.detach(), targets)
        return None if targets.is_floating_point() else torch.count_nonzero(outputs.detach().argmax(dim=-1) == targets)

    def _whole(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.dtype) if tensor.dtype in HALVES else tensor

    def _fixed(self) -> dict[str, Tensor]:
        """What the module holds beside the chosen parameters: copies of buffers, and constants in place of parameters."""
        buffers = {
            name: each.to(self.dtype) if each.dtype in HALVES else each.clone() for name, each in self.module.named_buffers()
        }
        if not self._others:
            return buffers
        known = dict(self.module.named_parameters())
        return buffers | {name: self._whole(known[name].detach()) for name in self._others}


def _flat(pieces: Sequence[Tensor]) -> Tensor:
    return torch.cat([piece.reshape(-1) for piece in pieces])


def _tied(module: nn.Module) -> bool:
    """Whether a parameter or a buffer has two names."""
    tensors = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    return len({id(each) for _, each in tensors}) < len(tensors)
