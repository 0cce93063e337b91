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
        check_every=1,
        read_every=2000,
    )
    sam = replace(base, method=("sam",))
    return (
        replace(base, batch_size=(1,), step_size=(0.02, 0.04, 0.08)),
        replace(base, batch_size=(4,), step_size=(0.02, 0.08, 0.2)),
        replace(base, batch_size=(20,), step_size=(0.04, 0.1, 0.2, 0.4), read_every=20, curvature_every=20),
        replace(sam, batch_size=(1,), step_size=(0.02,), strength=(0.02, 0.05)),
        replace(sam, batch_size=(20,), step_size=(0.1,), strength=(0.02, 0.05)),
    )


def _parity() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="parity-30-200", network=(MLP,), seeds=6, steps=3000, goal_loss=0.01, check_every=1, read_every=3000
    )
    sam = replace(base, method=("sam",))
    dropped = tuple(f"{MLP}-dropout{p}" for p in (0.2, 0.5, 0.8))
    return (
        replace(base, batch_size=(4,), step_size=(0.02, 0.06, 0.18)),
        replace(base, batch_size=(20,), step_size=(0.1, 0.3, 0.9)),
        replace(base, batch_size=(200,), step_size=(0.5, 1.5, 4.5)),
        replace(sam, batch_size=(4,), step_size=(0.06,), strength=(0.05, 0.1)),
        replace(sam, batch_size=(200,), step_size=(1.5,), strength=(0.1, 0.2)),
        replace(base, batch_size=(20,), step_size=(0.3,), network=dropped, seeds=3, check_every=5),
    )


def _digits() -> tuple[HessianGeneralization, ...]:
    base = HessianGeneralization(
        data="digits-100/held-out",
        network=("cnn-relu-width4",),
        batch_size=(50,),
        step_size=(0.1, 0.3),
        steps=1500,
        goal_loss=0.05,
        check_every=5,
        read_every=1500,
        segment_points=8,  # the paper's code
    )
    normal = replace(base, network=("cnn-bn-relu-width4",), ghost_batch=50)
    return (base, normal)


def small() -> tuple[HessianGeneralization, ...]:
    """A real-image setting for 45 minutes of CPU: 2,000 CIFAR-10 images and an MLP, batch 20 against 500; three seeds."""
    base = HessianGeneralization(
        data="cifar10-2k/held-out",
        network=("fc-relu-depth2-width100",),
        goal_accuracy=0.99,
    )
    few = replace(base, batch_size=(20,), steps=4000, check_every=100, read_every=4000)
    many = replace(base, batch_size=(500,), steps=2000, check_every=20, read_every=2000)
    return (
        replace(few, step_size=(0.01, 0.03, 0.1)),
        replace(many, step_size=(0.1, 0.3, 1.0)),
        replace(few, method=("sam",), step_size=(0.03,), strength=(0.05, 0.1)),
        replace(many, method=("sam",), step_size=(0.3,), strength=(0.05, 0.1)),
    )


def paper() -> tuple[HessianGeneralization, ...]:
    """The official code's grid: CIFAR-10 without augmentation, cross-entropy, no momentum, to 99% training accuracy; three seeds.

    VGG-11 without and with batch norm, an MLP with its six dropouts, SAM. Our assumptions, for the figures' tables could not be
    recovered: step and batch sizes, rho but for 0.05 (the code's default), the MLP's sizes, and a cap on steps.
    """
    base = HessianGeneralization(
        data="cifar10/held-out",
        network=("vgg11",),
        steps=100_000,
        goal_accuracy=0.99,
        check_every=100,
        read_every=1000,
        segment_points=8,  # the official code
        together=False,
    )
    sizes = {100: (0.01, 0.03, 0.1), 1000: (0.03, 0.1, 0.3), 40_000: (0.03, 0.1, 0.3)}
    plain = [replace(base, batch_size=(batch,), step_size=steps) for batch, steps in sizes.items()]
    return (
        *plain,
        *(replace(each, network=("vgg11-bn",), ghost_batch=100) for each in plain),
        *(replace(each, method=("sam",), step_size=each.step_size[1:2], strength=(0.05, 0.1, 0.2)) for each in plain),
        replace(
            base,
            network=tuple(f"fc-relu-depth2-width200{f'-dropout{p}' if p else ''}" for p in (0, 0.1, 0.2, 0.5, 0.6, 0.7)),
            batch_size=(100,),
            step_size=(0.05,),
        ),
    )


PRESETS = {"mini": mini, "small": small, "paper": paper}
