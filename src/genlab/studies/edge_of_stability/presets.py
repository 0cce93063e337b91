"""The study's presets: what each runs, and what it is meant to cost."""

from dataclasses import replace
from typing import Any

from genlab.studies.edge_of_stability.study import EdgeOfStability


def mini() -> tuple[EdgeOfStability, ...]:
    """Minutes on two CPU cores, all of it real training: Chebyshev regression and digits, three seeds."""
    chebyshev = EdgeOfStability(
        data="chebyshev-4-20", network=("regression",), precision="float64", sharpness_every=20, dense_every=7, test_every=0
    )
    return (
        replace(chebyshev, step_size=(2 / 8,), steps=4000, beside="flow", beside_steps=2000),
        replace(chebyshev, step_size=(2 / 12,), steps=5000),
        EdgeOfStability(step_size=(2 / 4,), beside="flow", beside_steps=500),
        EdgeOfStability(step_size=(2 / 7,), beside="quadratic", beside_steps=200),
        EdgeOfStability(update=("polyak",), momentum=0.5, step_size=(3 / 10,)),  # threshold (2 + 2 * 0.5) / eta = 10
        EdgeOfStability(update=("nesterov",), momentum=0.5, step_size=(3 / 14,)),  # threshold 3 / (2 eta) = 7
        EdgeOfStability(loss=("ce",), step_size=(2 / 1,), steps=1000, goal_loss=0.01, sharpness_every=1, test_every=10),
    )


def demo() -> tuple[EdgeOfStability, ...]:
    """The official code's demo: CIFAR-10 5k, fc-tanh, mse, eta 0.01, down to 99% training accuracy; one seed, about an hour."""
    return (
        EdgeOfStability(
            data="cifar10-5k",
            network=("fc-tanh",),
            step_size=(2 / 200,),
            seeds=1,
            steps=20_000,  # our assumption: twice what the official run took
            goal_accuracy=0.99,
            eigenpairs=2,
            tolerance=1e-3,
            sharpness_every=50,
            test_every=500,
        ),
    )


def longer() -> tuple[EdgeOfStability, ...]:
    """Other updates, step sizes that change, batch norm and mini-batches, on 300 digits. Numbers were picked on seed 100."""
    base = EdgeOfStability(data="digits-300", step_size=(2 / 4,), steps=1000, test_every=100)
    return (
        base,
        replace(base, update=("ema",), momentum=0.5, step_size=(6 / 5,)),  # threshold (2 + 2 * 0.5) / (0.5 eta) = 5
        replace(base, update=("adam",), momentum=0.9, step_size=(2e-3,), steps=700),  # threshold 38 / eta
        replace(base, update=("rmsprop",), step_size=(3e-4,), steps=600),  # threshold 2 / eta
        replace(base, schedule="change", schedule_steps=200, step_size_then=2 / 6),
        replace(base, step_size=(2 / 6,), schedule="change", schedule_steps=400, step_size_then=2 / 4),
        replace(base, step_size=(1.0,), schedule="over-sharpness", steps=4000, goal_loss=0.01, sharpness_every=20),
        EdgeOfStability(
            data="digits-200",
            network=("cnn-bn-tanh-width4",),
            ghost_batch=200,
            segment_points=8,  # Kaur et al. 2022, official code
            step_size=(2 / 10,),
            schedule="warm-up",  # the first sharpness is four times 2/eta, and a full first step diverges
            schedule_steps=50,
            steps=400,
            sharpness_every=20,
            test_every=0,
        ),
        replace(base, batch_size=32, batch_draws=100, steps=2000, sharpness_every=100),
    )


def paper() -> tuple[EdgeOfStability, ...]:
    """The paper's grid over all that it trains: CIFAR-10 5k, and the transformer on WikiText-2.

    Networks, losses, the 5k subset, ghost batches of 1,000 and the stop at 99% are the official code's. Our assumptions, for
    the appendix's tables were not at hand: step sizes but for 0.01 with mse (the official demo), the sizes of text and batches,
    Adam's and RMSProp's numbers, when a step size changes, and which networks the variants of gradient descent are run on.
    """
    acts = ("relu", "elu", "tanh")
    networks = (
        *(f"fc-{act}" for act in ("relu", "elu", "tanh", "hardtanh", "softplus")),
        *(f"cnn-{act}" for act in acts),
        *(f"cnn-avgpool-{act}" for act in acts),
        "vgg11",
    )
    normalised = (*(f"cnn-bn-{act}" for act in acts), "vgg11-bn", "resnet32")
    base = EdgeOfStability(
        data="cifar10-5k",
        network=networks,
        step_size=(2 / 100, 2 / 200, 2 / 400),
        steps=100_000,  # the official demo's cap
        goal_accuracy=0.99,
        eigenpairs=2,
        sharpness_every=100,
        test_every=100,
    )
    entropy = replace(base, loss=("ce",), step_size=(2 / 50, 2 / 100), goal_accuracy=None, goal_loss=0.01)
    ghosts: dict[str, Any] = {
        "network": normalised,
        "ghost_batch": 1000,
        "segment_points": 8,
    }  # 8: Kaur et al. 2022, official code
    tanh = replace(base, network=("fc-tanh",), step_size=(2 / 200,))
    return (
        base,
        entropy,
        replace(base, **ghosts),
        replace(entropy, **ghosts),
        replace(entropy, data="wikitext-2-1k", network=("transformer",), steps=10_000, physical_batch=100),
        replace(tanh, beside="flow", beside_steps=9000, steps=9000),
        replace(tanh, beside="quadratic", beside_steps=500),
        replace(tanh, update=("polyak", "nesterov", "ema"), momentum=0.9),
        replace(tanh, update=("adam",), momentum=0.9, step_size=(1e-4, 2e-5)),
        replace(tanh, update=("rmsprop",), step_size=(1e-5, 2e-6)),
        *(replace(tanh, batch_size=size) for size in (8, 64, 512)),
        replace(tanh, schedule="warm-up", schedule_steps=1000),
        replace(tanh, schedule="change", schedule_steps=6000, step_size_then=2 / 300),
        replace(tanh, schedule="change", schedule_steps=6000, step_size_then=2 / 150),
        replace(tanh, schedule="over-sharpness", step_size=(1.0,), goal_accuracy=None, goal_loss=0.1),
        *_tiny(),
    )


def _tiny() -> tuple[EdgeOfStability, ...]:
    """The regressions that need no download: Chebyshev polynomials, and the deep linear network."""
    exact = EdgeOfStability(precision="float64", test_every=0, dense_every=7, sharpness_every=20)
    return (
        *(
            replace(exact, data=f"chebyshev-{k}-20", network=("regression",), step_size=(2 / 8, 2 / 12), steps=5000)
            for k in (3, 4, 5)
        ),
        replace(exact, data="linear-50-50", network=("deeplinear",), dense_every=0, step_size=(2 / 20, 2 / 40), steps=5000),
    )


PRESETS = {"mini": mini, "longer": longer, "demo": demo, "paper": paper}
