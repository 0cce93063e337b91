"""Products with the Hessian of a problem's mean loss, from gradient graphs that are built once and kept.

A product is one backward pass through a gradient graph: 1.1 to 1.8 gradients measured (docs/log.md, 2026-11-23). Graphs
are kept for as many physical batches as fit into ``graph_bytes``; the others are rebuilt for each block of vectors.
"""

import functools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.probes.graphs import Kept
from genlab.training.exactness import full_precision
from genlab.training.problem import Inputs, Problem


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
        self._graphs = Kept(problem, functools.partial(_gradients, problem, self._parameters), graph_bytes)

    @property
    def size(self) -> int:
        """Number of parameters: the Hessian is size x size."""
        return self.problem.parameter_count

    def __call__(self, vectors: Float[Tensor, "vector param"]) -> Float[Tensor, "vector param"]:
        """Hessian times each row."""
        if vectors.shape[-1:] != (self.size,) or vectors.ndim != 2:
            raise ValueError(f"vectors are rows of {self.size} entries, got shape {tuple(vectors.shape)}")
        result = torch.zeros_like(vectors)
        with full_precision(vectors.device):
            for gradients in self._graphs:  # all products on one batch's graph before the next: caches hold it
                for row, vector in zip(result, vectors, strict=True):
                    self._add_product(gradients, vector, row)
        self.products += len(vectors)
        return result

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

    def at_once(self) -> Float[Tensor, "param param"]:
        """``dense`` by one batched backward pass for all unit vectors: a thirtieth of its time where each product is tiny.

        It holds as many copies of each batch's backward pass as there are parameters, and wants operations that ``vmap`` knows.
        """
        units = torch.eye(self.size, dtype=self._parameters[0].dtype, device=self._parameters[0].device)
        matrix = torch.zeros_like(units)
        with full_precision(units.device):
            for gradients in self._graphs:
                whole = torch.cat([each.reshape(-1) for each in gradients])
                if whole.requires_grad:  # else a loss linear in the weights: its Hessian is zero
                    rows = torch.autograd.grad(
                        whole, self._parameters, units, is_grads_batched=True, materialize_grads=True, retain_graph=True
                    )
                    matrix += torch.cat([each.reshape(self.size, -1) for each in rows], dim=1)
        self.products += self.size
        return (matrix + matrix.T) / 2


def _gradients(problem: Problem, parameters: Sequence[Tensor], inputs: Inputs, targets: Tensor) -> Sequence[Tensor]:
    """One physical batch's share of the gradient, attached to its graph."""
    loss, _ = problem.batch_loss(parameters, inputs, targets)
    return torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
