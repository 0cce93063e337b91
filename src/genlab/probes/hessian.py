"""Products with the Hessian of a problem's mean loss, from gradient graphs that are built once and kept.

A product is one backward pass through a gradient graph: 1.1 to 1.8 gradients measured (docs/log.md, 2026-11-23). Graphs
are kept for as many physical batches as fit into ``graph_bytes``; the others are rebuilt for each block of vectors.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.training.problem import Problem

GRAPH_OVER_ACTIVATIONS = 3  # our assumption: a gradient graph holds about this many times what one forward pass saves


class Hessian:
    """The Hessian at fixed weights, as a map on rows: (vector, param) -> (vector, param).

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> hessian = Hessian(problem, torch.zeros(1))
    >>> hessian(torch.ones(1, 1))  # X'X / n = (1 + 9) / 2
    tensor([[5.]])
    """

    def __init__(self, problem: Problem, weights: Float[Tensor, " param"], *, graph_bytes: int = 2**30) -> None:
        self.problem = problem
        self.products = 0
        self.graph_bytes = graph_bytes
        self._parameters = [piece.detach().clone().requires_grad_() for piece in problem.split(weights)]
        self._kept: dict[int, Sequence[Tensor]] = {}  # by physical batch: its gradient, attached to its graph

    @property
    def size(self) -> int:
        """Number of parameters: the Hessian is size x size."""
        return self.problem.parameter_count

    def __call__(self, vectors: Float[Tensor, "vector param"]) -> Float[Tensor, "vector param"]:
        """Hessian times each row."""
        if vectors.shape[-1:] != (self.size,) or vectors.ndim != 2:
            raise ValueError(f"vectors are rows of {self.size} entries, got shape {tuple(vectors.shape)}")
        result = torch.zeros_like(vectors)
        for gradients in self._graphs():
            for row, vector in zip(result, vectors, strict=True):
                self._add_product(gradients, vector, row)
        self.products += len(vectors)
        return result

    def _graphs(self) -> Iterator[Sequence[Tensor]]:
        room = self.graph_bytes // max(1, GRAPH_OVER_ACTIVATIONS * self.problem.activation_bytes)
        for index, (inputs, targets) in enumerate(self.problem.batches()):
            gradients = self._kept.get(index)
            if gradients is None:
                loss, _ = self.problem.batch_loss(self._parameters, inputs, targets)
                gradients = torch.autograd.grad(loss, self._parameters, create_graph=True, materialize_grads=True)
                if index < room:
                    self._kept[index] = gradients
            yield gradients

    def _add_product(self, gradients: Sequence[Tensor], vector: Tensor, result: Tensor) -> None:
        pairs = [
            (gradient, piece)
            for gradient, piece in zip(gradients, self.problem.split(vector), strict=True)
            if gradient.requires_grad
        ]
        if not pairs:  # a loss linear in the weights: its Hessian is zero
            return
        pieces = torch.autograd.grad(
            [gradient for gradient, _ in pairs],
            self._parameters,
            [piece for _, piece in pairs],
            retain_graph=True,
            allow_unused=True,
        )
        for piece, part in zip(pieces, self.problem.split(result), strict=True):
            if piece is not None:
                part += piece

    def dense(self) -> Float[Tensor, "param param"]:
        """The whole matrix, by products with the unit vectors: the slow and obvious oracle, for small networks."""
        matrix = self(torch.eye(self.size, dtype=self._parameters[0].dtype, device=self._parameters[0].device))
        return (matrix + matrix.T) / 2
