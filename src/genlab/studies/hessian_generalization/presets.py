"""The study's presets: what each runs, and what it is meant to cost."""

from dataclasses import replace

from genlab.studies.hessian_generalization.study import HessianGeneralization

MLP = "fc-relu-depth1-width64"


def mini() -> tuple[HessianGeneralization, ...]:
    """Two minutes on two CPU cores: a diagonal linear network with 12 seeds, an MLP on parity, small CNNs on digits.

    Sizes were picked on seeds from 100, which are not reported.
    """
    return (*_diagonal(), *_parity(), *_digits())


def _diagonal() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="sparse-regression-100-40-5",
        network=("diagonal",),
        loss="mse",
        seeds=12,
        steps=4000,
        goal_loss=1e-4,
        check_every=20,
        read_every=4000,
    )
    sam = replace(base, method=("sam",))
    return (
        replace(base, batch_size=(1,), step_size=(0.01, 0.02, 0.04)),
        replace(base, batch_size=(4,), step_size=(0.01, 0.04, 0.1)),
        replace(base, batch_size=(40,), step_size=(0.04, 0.1, 0.2, 0.4)),
        replace(sam, batch_size=(1,), step_size=(0.01,), strength=(0.02, 0.05)),
        replace(sam, batch_size=(40,), step_size=(0.1,), strength=(0.05, 0.1)),
    )


def _parity() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="parity-40-300", network=(MLP,), seeds=6, steps=3000, goal_loss=0.01, check_every=20, read_every=3000
    )
    sam = replace(base, method=("sam",))
    dropped = tuple(f"{MLP}-dropout{p}" for p in (0.2, 0.5, 0.8))
    return (
        replace(base, batch_size=(4,), step_size=(0.02, 0.06, 0.2)),
        replace(base, batch_size=(20,), step_size=(0.1, 0.3, 1.0)),
        replace(base, batch_size=(300,), step_size=(0.3, 1.5, 4.5)),
        replace(sam, batch_size=(4,), step_size=(0.06,), strength=(0.05, 0.1)),
        replace(sam, batch_size=(300,), step_size=(1.5,), strength=(0.1, 0.3)),
        replace(base, batch_size=(20,), step_size=(0.3,), network=dropped, seeds=3, goal_loss=0.02),
        replace(base, batch_size=(20,), step_size=(0.3,), seeds=3, goal_loss=0.02),
    )


def _digits() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="digits-200/held-out",
        network=("cnn-relu-width8",),
        batch_size=(20,),
        step_size=(0.05, 0.2),
        steps=1500,
        goal_loss=0.01,
        check_every=20,
        read_every=1500,
    )
    normal = replace(base, network=("cnn-bn-relu-width8",), ghost_batch=20, segment_points=8)  # 8: the paper's code
    return (base, normal)


PRESETS = {"mini": mini}
