"""Products with the Gauss-Newton matrix of a problem's mean loss, from graphs that are built once and kept.

G = J' H_out J / n: J is the Jacobian of the outputs in the weights, H_out the loss's Hessian in the outputs. It is the part of
the Hessian that remains when the network is replaced by its linearization (Schraudolph 2002). With cross-entropy H_out is
diag(p) - pp', which vanishes as p nears one-hot: so the sharpness falls late in training. With squared error it is the identity.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.probes.graphs import Kept
from genlab.training.exactness import full_precision
from genlab.training.losses import Loss
from genlab.training.problem import Inputs, Problem


@dataclass(frozen=True, eq=False)
class _Graph:
    """Of one physical batch: its outputs, the loss's gradient in them, and J'u as a function of a vector u (``dual``)."""

    outputs: Tensor
    slope: Tensor
    dual: Tensor
    pulled: tuple[Tensor, ...]


class GaussNewton:
    """The Gauss-Newton matrix at fixed weights, as a map on rows: (vector, param) -> (vector, param).

    It is positive semidefinite where the loss is convex in the outputs, as squared error and cross-entropy are. A product goes
    once forward (J v, by differentiating J'u in u) and once backward: 1.2 gradients measured (docs/log.md, 2026-11-28). With
    batch norm in train mode J is that of a whole ghost batch's outputs.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> GaussNewton(problem, torch.zeros(1))(torch.ones(1, 1))  # of a linear model: its Hessian, (1 + 9) / 2
    tensor([[5.]])

    Args:
        problem: whose training loss; its module's outputs are one tensor, or hold one as ``logits``.
        weights: where, shape (param,); copied.
        graph_bytes: bound on the graphs that are kept from call to call; the others are rebuilt for each block of rows.

    Raises:
        ValueError: weights or rows of another shape, or outputs that are not one tensor.
    """

    def __init__(self, problem: Problem, weights: Float[Tensor, " param"], *, graph_bytes: int = 2**30) -> None:
        self.problem = problem
        self.products = 0
        self.graph_bytes = graph_bytes
        self._parameters = [piece.detach().clone().requires_grad_() for piece in problem.split(weights)]
        seen: list[Tensor] = []
        seeing = replace(problem, loss=functools.partial(_see, problem.loss, seen))  # the same problem, its outputs noted
        self._graphs = Kept(problem, functools.partial(_graph, seeing, seen, self._parameters), graph_bytes)

    @property
    def size(self) -> int:
        """Number of parameters: the matrix is size x size."""
        return self.problem.parameter_count

    def __call__(self, vectors: Float[Tensor, "vector param"]) -> Float[Tensor, "vector param"]:
        """The Gauss-Newton matrix times each row."""
        if vectors.ndim != 2 or vectors.shape[1] != self.size:
            raise ValueError(f"vectors are rows of {self.size} entries, got shape {tuple(vectors.shape)}")
        result = torch.zeros_like(vectors)
        with full_precision(vectors.device):
            for graph in self._graphs:
                for row, vector in zip(result, vectors, strict=True):
                    row += self._product(graph, vector)
        self.products += len(vectors)
        return result

    def dense(self) -> Float[Tensor, "param param"]:
        """The whole matrix, by products with the unit vectors: the slow and obvious oracle, for small networks."""
        matrix = self(torch.eye(self.size, dtype=self._parameters[0].dtype, device=self._parameters[0].device))
        return (matrix + matrix.T) / 2

    def _product(self, graph: _Graph, vector: Tensor) -> Tensor:
        pairs = [
            (pulled, piece)
            for pulled, piece in zip(graph.pulled, self.problem.split(vector), strict=True)
            if pulled.requires_grad
        ]
        if not pairs or not graph.slope.requires_grad:  # outputs without the weights, or a loss linear in the outputs
            return torch.zeros_like(vector)
        (pushed,) = torch.autograd.grad([each for each, _ in pairs], graph.dual, [each for _, each in pairs], retain_graph=True)
        (bent,) = torch.autograd.grad(graph.slope, graph.outputs, pushed, retain_graph=True, materialize_grads=True)
        pieces = torch.autograd.grad(graph.outputs, self._parameters, bent, retain_graph=True, materialize_grads=True)
        return torch.cat([piece.reshape(-1) for piece in pieces])


def _see(loss: Loss, seen: list[Tensor], outputs: Any, targets: Tensor) -> Tensor:
    logits = outputs if isinstance(outputs, Tensor) else getattr(outputs, "logits", None)
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"the Gauss-Newton matrix wants a module whose outputs are one tensor or have one as .logits, "
            f"got {type(outputs).__name__}: wrap the module so that it returns what the loss is taken of"
        )
    seen.append(logits)
    return loss(outputs, targets)


def _graph(problem: Problem, seen: list[Tensor], parameters: Sequence[Tensor], inputs: Inputs, targets: Tensor) -> _Graph:
    loss, _ = problem.batch_loss(parameters, inputs, targets)
    outputs = seen.pop()
    (slope,) = torch.autograd.grad(loss, outputs, create_graph=True, materialize_grads=True)
    dual = torch.zeros_like(outputs, requires_grad=True)
    pulled = torch.autograd.grad(outputs, parameters, dual, create_graph=True, materialize_grads=True)
    return _Graph(outputs, slope, dual, pulled)
