"""The preconditioned operator P^-1/2 H P^-1/2: what the thresholds of Adam and RMSProp bound."""

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.probes.eigen import Operator


class Preconditioned:
    """P^-1/2 H P^-1/2 for a symmetric operator H and a positive diagonal P, as a map on rows.

    It is symmetric and has the eigenvalues of P^-1 H, the matrix of a preconditioned step w <- w - eta P^-1 g. So its largest
    one is the preconditioned sharpness lambda_max(P^-1 H) of Cohen et al. 2022 (2207.14484), for which Adam's threshold with
    P = (1 - beta1^t) [diag(sqrt(v_t / (1 - beta2^t))) + epsilon I] is (2 + 2 beta1) / ((1 - beta1) eta).

    >>> hessian = lambda rows: rows @ torch.tensor([[6.0, 1.0], [1.0, 2.0]])
    >>> Preconditioned(hessian, torch.tensor([4.0, 0.25]))(torch.eye(2))  # H_ij / sqrt(P_i P_j)
    tensor([[1.5000, 1.0000],
            [1.0000, 8.0000]])

    Args:
        operator: H, symmetric, rows to rows.
        diagonal: the entries of P, shape (param,), positive and finite; units of a gradient for Adam and RMSProp.

    Raises:
        ValueError: a diagonal that is not one vector, or has an entry that is not positive and finite; when called, rows that
            are not as long as the diagonal.
    """

    def __init__(self, operator: Operator, diagonal: Float[Tensor, " param"]) -> None:
        if diagonal.ndim != 1:
            raise ValueError(f"a diagonal preconditioner is one vector, shape (param,), got shape {tuple(diagonal.shape)}")
        bad = ~((diagonal > 0) & torch.isfinite(diagonal))
        if bool(bad.any()):
            first = int(bad.nonzero()[0].item())
            raise ValueError(
                f"a diagonal preconditioner is positive and finite, got {diagonal[first].item():g} at entry {first} "
                f"({int(bad.sum().item())} of {len(diagonal)} are not): add the update's epsilon to it"
            )
        self.operator = operator
        self.diagonal = diagonal.detach().clone()
        self._root = self.diagonal.rsqrt()

    @property
    def size(self) -> int:
        """Number of parameters: the operator is size x size."""
        return len(self.diagonal)

    def __call__(self, vectors: Float[Tensor, "vector param"]) -> Float[Tensor, "vector param"]:
        """P^-1/2 H P^-1/2 times each row."""
        if vectors.ndim != 2 or vectors.shape[1] != self.size:
            raise ValueError(f"vectors are rows of {self.size} entries, as the diagonal, got shape {tuple(vectors.shape)}")
        root = self._root.to(vectors)
        return self.operator(vectors * root) * root
