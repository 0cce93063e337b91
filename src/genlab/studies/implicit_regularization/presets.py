"""The study's presets: what each runs, and what it is meant to cost."""

from dataclasses import replace

from genlab.studies.implicit_regularization.study import ImplicitRegularization


def mini() -> tuple[ImplicitRegularization, ...]:
    """Two minutes on two CPU cores: a diagonal linear network with 12 seeds, and an MLP on parity."""
    base = ImplicitRegularization(
        data="sparse-regression-100-40-5",
        network=("diagonal",),
        loss="mse",
        seeds=12,
        steps=4000,
        goal_loss=1e-4,
        check_every=20,
        read_every=100,
        noise_of=1,
        batch_size=(40,),
    )
    return (
        replace(base, batch_size=(1,), step_size=(0.01, 0.02, 0.04)),
        replace(base, step_size=(0.04, 0.1, 0.2, 0.4)),
        replace(base, method=("gn",), microbatch=(1,), step_size=(0.04,), strength=(0.01, 0.02, 0.04)),
        replace(base, method=("l2",), step_size=(0.04,), strength=(0.001, 0.003, 0.01)),
        replace(base, method=("iterative",), microbatch=(1,), step_size=(0.01, 0.02, 0.04)),
        replace(base, method=("external",), donor_batch=1, donor_step_size=0.04, step_size=(0.01, 0.02, 0.04)),
        replace(base, method=("ngd",), step_size=(0.01, 0.02, 0.04)),
    )


PRESETS = {"mini": mini}
