"""The study's presets: what each runs, and what it is meant to cost."""

from dataclasses import replace

from genlab.studies.hessian_generalization.study import HessianGeneralization

MLP = "fc-relu-depth1-width32"


def mini() -> tuple[HessianGeneralization, ...]:
    """Two minutes on two CPU cores: a diagonal linear network with 12 seeds, an MLP on parity, small CNNs on digits.

    Sizes were picked on seeds from 100, which are not reported.
    """
    return (*_diagonal(), *_parity(), *_digits())


def _diagonal() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="sparse-regression-50-20-3",
        network=("diagonal",),
        loss="mse",
        seeds=12,
        steps=2000,
        goal_loss=0.01,
        check_every=20,
        read_every=2000,
    )
    sam = replace(base, method=("sam",))
    return (
        replace(base, batch_size=(1,), step_size=(0.02, 0.04, 0.08)),
        replace(base, batch_size=(4,), step_size=(0.02, 0.08, 0.2)),
        replace(base, batch_size=(20,), step_size=(0.04, 0.1, 0.2, 0.4)),
        replace(sam, batch_size=(1,), step_size=(0.02,), strength=(0.02, 0.05)),
        replace(sam, batch_size=(20,), step_size=(0.1,), strength=(0.02, 0.05)),
    )


def _parity() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="parity-30-200", network=(MLP,), seeds=6, steps=3000, goal_loss=0.01, check_every=20, read_every=3000
    )
    sam = replace(base, method=("sam",))
    dropped = tuple(f"{MLP}-dropout{p}" for p in (0.2, 0.5, 0.8))
    return (
        replace(base, batch_size=(4,), step_size=(0.02, 0.06, 0.18)),
        replace(base, batch_size=(20,), step_size=(0.1, 0.3, 0.9)),
        replace(base, batch_size=(200,), step_size=(0.5, 1.5, 4.5)),
        replace(sam, batch_size=(4,), step_size=(0.06,), strength=(0.05, 0.1)),
        replace(sam, batch_size=(200,), step_size=(1.5,), strength=(0.1, 0.2)),
        replace(base, batch_size=(20,), step_size=(0.3,), network=dropped, seeds=3),
    )


def _digits() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="digits-100/held-out",
        network=("cnn-relu-width4",),
        batch_size=(50,),
        step_size=(0.1, 0.3),
        steps=1500,
        goal_loss=0.05,
        check_every=20,
        read_every=1500,
    )
    normal = replace(base, network=("cnn-bn-relu-width4",), ghost_batch=50, segment_points=8)  # 8: the paper's code
    return (base, normal)


PRESETS = {"mini": mini}
