"""SAM's edge of stability: the sharpness at which sharpness-aware minimization stops being stable."""

import math


def sam_edge(step_size: float, gradient_norm: float, radius: float) -> float:
    """SAM-edge, the largest lambda with eta lambda (1 + rho lambda / |g|) <= 2 (Long and Bartlett 2023, 2309.12488).

    In closed form |g| / (2 rho) (sqrt(1 + 8 rho / (eta |g|)) - 1). Computed as (4 / eta) / (1 + sqrt(1 + 8 rho / (eta |g|))),
    where nothing cancels: at rho = 0 it is gradient descent's 2 / eta exactly, and it falls to 0 with the gradient.

    >>> sam_edge(0.5, gradient_norm=1.0, radius=0.0)
    4.0
    >>> sam_edge(0.5, gradient_norm=1.0, radius=0.5)  # 0.5 x 2 x (1 + 0.5 x 2 / 1) = 2
    2.0

    Args:
        step_size: eta of the outer step, above 0.
        gradient_norm: |g|, the norm of the training loss's gradient at the weights, before SAM's ascent.
        radius: rho, SAM's ascent, in units of the weights.

    Returns:
        The edge, in units of the Hessian's eigenvalues; NaN where the gradient's norm is.

    Raises:
        ValueError: a step size that is not above 0, or a radius or a norm below 0.
    """
    if not (step_size > 0 and radius >= 0 and not gradient_norm < 0) or math.isinf(step_size) or math.isinf(radius):
        raise ValueError(
            f"SAM's edge wants a finite step size > 0 and radius >= 0, and a gradient norm >= 0, "
            f"got {step_size}, {radius} and {gradient_norm}"
        )
    if radius == 0:
        return 2 / step_size
    if gradient_norm == 0:
        return 0.0
    return 4 / step_size / (1 + math.sqrt(1 + 8 * (radius / gradient_norm) / step_size))
