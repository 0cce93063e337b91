"""The study's presets: what each runs, and what it is meant to cost."""

from dataclasses import replace

from genlab.studies.implicit_regularization.study import ImplicitRegularization


def mini() -> tuple[ImplicitRegularization, ...]:
    """Two minutes on two CPU cores: a diagonal linear network with 12 seeds, and an MLP on parity with 4.

    Sizes were picked on seeds from 100, which are not reported.
    """
    return (*_diagonal(), *_parity())


def _diagonal() -> tuple[ImplicitRegularization, ...]:
    """SB is batch 1 of 20 examples; LB's step sizes reach from slow to the edge of stability."""
    base = ImplicitRegularization(
        data="sparse-regression-50-20-3",
        network=("diagonal",),
        loss="mse",
        seeds=12,
        steps=1500,
        goal_loss=1e-3,
        check_every=20,
        read_every=20,
        noise_of=1,
        batch_size=(20,),
    )
    steps, lambdas, wide = (0.04, 0.1), (0.01, 0.02, 0.04), (0.001, 0.003, 0.01)
    grafted = (0.02, 0.04, 0.08)
    return (
        replace(base, batch_size=(1,), step_size=grafted),
        replace(base, step_size=(*steps, 0.2, 0.4)),
        replace(base, method=("gn",), microbatch=(1,), step_size=steps, strength=lambdas),
        replace(base, method=("gn",), microbatch=(5,), step_size=steps, strength=(*lambdas, 0.05, 0.1, 0.2)),
        replace(base, method=("gn",), microbatch=(20,), step_size=steps, strength=(*lambdas, 0.2, 0.4, 0.8)),
        replace(base, method=("ft",), microbatch=(1,), step_size=steps, strength=wide),
        replace(base, method=("ft",), microbatch=(20,), step_size=steps, strength=(*wide, 0.02, 0.06, 0.2)),
        replace(base, method=("aj", "uj"), microbatch=(1,), step_size=steps, strength=wide),
        replace(base, method=("l2",), step_size=steps, strength=wide),
        replace(base, method=("iterative",), microbatch=(1,), step_size=grafted),
        replace(base, method=("external",), donor_batch=1, donor_step_size=0.08, step_size=grafted),
        replace(base, method=("ngd",), step_size=grafted),
    )


def _parity() -> tuple[ImplicitRegularization, ...]:
    """SB is batch 4 of 200 examples."""
    base = ImplicitRegularization(
        data="parity-30-200",
        network=("fc-relu-depth1-width32",),
        seeds=4,
        steps=1500,
        goal_loss=0.01,
        check_every=20,
        read_every=20,
        noise_of=4,
        batch_size=(200,),
    )
    steps = (0.5, 1.5)
    return (
        replace(base, batch_size=(4,), step_size=(0.06, 0.2)),
        replace(base, step_size=(*steps, 4.5)),
        replace(base, method=("gn",), microbatch=(20,), step_size=steps, strength=(0.05, 0.15, 0.5)),
        replace(base, method=("l2",), step_size=steps, strength=(0.001, 0.003)),
    )


PRESETS = {"mini": mini}
