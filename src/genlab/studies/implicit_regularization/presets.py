"""The study's presets: what each runs, and what it is meant to cost."""

from dataclasses import replace
from typing import Any

from genlab.studies.implicit_regularization.study import ImplicitRegularization


def mini() -> tuple[ImplicitRegularization, ...]:
    """Two minutes on two CPU cores: a diagonal linear network with 12 seeds, and an MLP on parity with 4.

    Sizes, and strengths among which the best of each arm lies within, were picked on seeds from 100, which are not reported.
    """
    return (*_diagonal(), *_parity())


def _diagonal() -> tuple[ImplicitRegularization, ...]:
    """SB is batch 1 of 20 examples; LB's step sizes reach from slow to the edge of stability."""
    base = ImplicitRegularization(
        data="sparse-regression-50-20-3",
        network=("diagonal",),
        loss="mse",
        seeds=12,
        steps=800,
        goal_loss=1e-3,
        check_every=10,
        read_every=20,
        noise_of=1,
        batch_size=(20,),
    )
    steps, grafted = (0.04, 0.1), (0.02, 0.04, 0.08)
    gn, wide = (0.02, 0.04, 0.08), (0.003, 0.01, 0.03)
    return (
        replace(base, batch_size=(1,), step_size=(0.04, 0.08, 0.12)),
        replace(base, step_size=(0.02, *steps, 0.2, 0.4)),
        replace(base, method=("gn",), microbatch=(1,), step_size=steps, strength=gn),
        replace(base, method=("gn",), microbatch=(5,), step_size=steps, strength=(*gn, 0.1, 0.2, 0.4)),
        replace(base, method=("gn",), microbatch=(20,), step_size=steps, strength=(*gn, 0.4, 0.8, 1.6)),
        replace(base, method=("ft",), microbatch=(1,), step_size=steps, strength=wide),
        replace(base, method=("ft",), microbatch=(20,), step_size=steps, strength=(*wide, 0.06, 0.2, 0.6)),
        replace(base, method=("aj",), microbatch=(1,), step_size=steps, strength=wide),
        replace(base, method=("uj",), microbatch=(1,), step_size=steps, strength=(0.01,)),  # with one output it is AJ
        replace(base, method=("l2",), step_size=steps, strength=(*wide, 0.1)),
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
        check_every=10,
        read_every=10,
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


def small() -> tuple[ImplicitRegularization, ...]:
    """A real-image setting for half an hour of CPU: 2,000 CIFAR-10 images, an MLP, SB 50 against LB 500; three seeds."""
    base = ImplicitRegularization(
        data="cifar10-2k/held-out",
        network=("fc-relu-depth2-width100",),
        steps=1500,
        goal_accuracy=0.99,
        check_every=20,
        read_every=100,
        noise_of=50,
        batch_size=(500,),
        curvature=False,
    )
    steps = (0.1, 0.3)
    return (
        replace(base, batch_size=(50,), step_size=(0.03, *steps)),
        replace(base, step_size=(*steps, 1.0)),
        replace(base, method=("gn", "ft"), microbatch=(50,), step_size=steps, strength=(0.01,)),
        replace(base, method=("l2",), step_size=steps, strength=(0.001,)),
        replace(base, method=("iterative",), microbatch=(50,), step_size=(0.03, *steps)),
    )


def paper() -> tuple[ImplicitRegularization, ...]:
    """The tables of the paper's README, at their step sizes and strengths, with L2 beside them; three seeds.

    Our assumptions: 5,000 steps (the code's default), a ghost batch of 128 throughout, VGG-11's small batch of 100 and large one
    of 5,000, the strengths of L2, and those of the sweep that grow with the micro-batch.
    """
    return (*_resnet("cifar10", 0.1, 1e-3, 0.2626), *_resnet("cifar100", 0.5, 5e-5, 0.3951), *_vgg11(), *_vgg16())


CONTROL = (1e-5, 1e-4, 1e-3)  # lambda of L2: our assumption


def _images(data: str, network: str, **fields: Any) -> ImplicitRegularization:
    """Steps of 128 images in micro-batches, crops and flips; 40,000 images train and 10,000 validate."""
    return replace(
        ImplicitRegularization(
            data=f"{data}-channels/held-out",
            network=(network,),
            together=False,
            augment=True,
            steps=5000,
            check_every=100,
            read_every=100,
            noise_of=128,
            batch_size=(5120,),
            physical_batch=512,
        ),
        **fields,
    )


def _resnet(data: str, large: float, jacobian: float, length: float) -> tuple[ImplicitRegularization, ...]:
    base = _images(data, "resnet18", ghost_batch=128, step_size=(0.1,))
    micro: dict[str, Any] = {"microbatch": (128,)}
    return (
        replace(base, batch_size=(128,)),
        replace(base, step_size=(large,)),
        replace(base, method=("gn", "ft"), strength=(0.01,), **micro),
        replace(base, method=("aj",), strength=(jacobian,), **micro),
        replace(base, method=("uj",), strength=(0.001,), **micro),
        replace(base, method=("ft",), microbatch=(2560,), strength=(0.01, 0.2)),
        replace(base, method=("gn",), microbatch=(2560,), step_size=(0.1, 0.5), strength=(0.0025, 0.01, 0.2)),
        replace(base, method=("l2",), strength=CONTROL),
        replace(base, method=("iterative",), **micro),
        replace(base, method=("external",), donor_batch=128, donor_step_size=0.1),
        replace(base, method=("ngd",), step_size=(length,)),
    )


def _vgg11() -> tuple[ImplicitRegularization, ...]:
    base = _images("cifar10", "vgg11", noise_of=100, batch_size=(5000,), step_size=(0.01,))
    return (
        replace(base, batch_size=(100,), step_size=(0.01, 0.15)),
        base,
        replace(base, method=("gn",), microbatch=(50,), strength=(0.25, 0.5)),
        replace(base, method=("gn", "ft"), microbatch=(100,), strength=(0.5,)),
        replace(base, method=("gn", "ft"), microbatch=(1000,), strength=(0.25, 0.5, 5.0)),
        replace(base, method=("gn", "ft"), microbatch=(2500,), strength=(0.25, 0.5, 12.5)),
        replace(base, method=("aj",), microbatch=(100,), strength=(2e-5,)),
        replace(base, method=("l2",), strength=CONTROL),
    )


def _vgg16() -> tuple[ImplicitRegularization, ...]:
    found: list[ImplicitRegularization] = []
    for data, small_step, large_step, length in (("cifar10", 0.05, 0.1, 0.2388), ("cifar100", 0.1, 0.1, 0.4322)):
        base = _images(data, "vgg16-bn", ghost_batch=128, curvature=False)
        found += [
            replace(base, batch_size=(128,), step_size=(small_step,)),
            replace(base, step_size=(large_step,)),
            replace(base, method=("iterative",), microbatch=(128,), step_size=(small_step,)),
            replace(base, method=("external",), donor_batch=128, donor_step_size=small_step, step_size=(small_step,)),
            replace(base, method=("ngd",), step_size=(length,)),
        ]
    return tuple(found)


PRESETS = {"mini": mini, "small": small, "paper": paper}
