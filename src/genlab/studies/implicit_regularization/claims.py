"""The paper's findings as functions of the records.

Regions were written down before the reported seeds were run. *The gap* is the generalization (test accuracy, or -log10 of a
regression's test loss) of the small batch minus the large one's, each arm tuned on validation data.
"""

from functools import partial

from genlab.results.claims import Claim, Region
from genlab.studies.implicit_regularization.effects import (
    beats_the_control,
    closes,
    early_norms,
    flips,
    lowered,
    small_generalizes_better,
    sweep,
)

BETTER = Region(low=0)  # by definition
MOST = Region(low=0.55)  # the least of the published shares of GN and FT is 0.59
LITTLE = Region(high=0.15)  # the largest of the published shares of AJ and UJ is 0.11
TRACKS = Region(high=0.5)  # our assumption: half as far from the small batch as the large one is
FOLLOWS = Region(low=0.5)  # our assumption: the complement
HALF = Region(low=0.5)  # our assumption: what "almost all" is at least
LESS_THAN_HALF = Region(high=0.5)  # our assumption: what "little" is at most
LOWERS = Region(high=1)  # by definition


def _hundred(task: str) -> bool:
    return task.startswith("cifar100")


CLAIMS = (
    Claim(
        "E1",
        "A small batch generalizes better than a large one, each at its best step size.",
        "the gap: generalization of the small batch minus the large one's",
        "2.8, 4.0, 4.3 points of accuracy (ResNet-18 on CIFAR-10 and CIFAR-100, VGG-11 on CIFAR-10)",
        partial(small_generalizes_better, expected=BETTER),
    ),
    Claim(
        "E2a",
        "Penalising the gradient norm (GN) or the Fisher trace (FT) of small micro-batches closes most of the gap.",
        "share of the gap",
        "0.59 to 1.05",
        closes(MOST, "gn", "ft"),
    ),
    Claim(
        "E2b",
        "Penalising Jacobians (AJ, UJ) closes little of it.",
        "share of the gap",
        "-0.29 to 0.11",
        closes(LITTLE, "aj", "uj"),
    ),
    Claim(
        "E2c",
        "Ours, not the paper's: GN and FT close more of it than plain L2 does.",
        "share of the gap, minus L2's",
        None,
        partial(beats_the_control, expected=BETTER),
    ),
    Claim(
        "E3a",
        "Early in training the micro-batch gradient norms under GN and FT are like the small batch's.",
        "mean |log ratio| of squared norms to the small batch's, over the large batch's own",
        None,
        early_norms(TRACKS, "gn", "ft"),
    ),
    Claim(
        "E3b",
        "Those under AJ and UJ are like the large batch's.",
        "mean |log ratio| of squared norms to the small batch's, over the large batch's own",
        None,
        early_norms(FOLLOWS, "aj", "uj"),
    ),
    Claim(
        "E4a",
        "The penalties do less as the micro-batch grows, at one strength.",
        "generalization with the smallest micro-batch minus that with the largest",
        "77.34, 77.23, 75.73, 75.64 for 50, 100, 1000, 2500 (GN, VGG-11 on CIFAR-10)",
        sweep(BETTER, rescaled=False),
    ),
    Claim(
        "E4b",
        "They do less also when the strength grows with the micro-batch. (FT's mean only depends on strength over size.)",
        "generalization with the smallest micro-batch minus that with the largest",
        None,
        sweep(BETTER, rescaled=True),
    ),
    Claim(
        "E5a",
        "The norm of small-batch gradients alone, grafted onto the large batch's direction, closes most of it (on CIFAR-10).",
        "share of the gap",
        "0.82 iterative, 0.83 external, 0.81 NGD (ResNet-18)",
        closes(HALF, "iterative", "external", "ngd", where=lambda task: not _hundred(task)),
    ),
    Claim(
        "E5b",
        "It closes little of it on CIFAR-100.",
        "share of the gap",
        "0.25 iterative, 0.28 external, -0.11 NGD (ResNet-18)",
        closes(LESS_THAN_HALF, "iterative", "external", "ngd", where=_hundred),
    ),
    Claim(
        "E6",
        "So what one concludes from CIFAR-10 does not carry over to CIFAR-100.",
        "share of the gap that iterative grafting closes, CIFAR-10 minus CIFAR-100",
        "0.57 (ResNet-18)",
        partial(flips, expected=BETTER),
    ),
    Claim(
        "E7a",
        "GN lowers the trace of the gradients' covariance early in training.",
        "tr(Sigma) under GN over the large batch's",
        None,
        lowered(LOWERS, "noise_trace", early=True),
    ),
    Claim(
        "E7b",
        "GN ends at a smaller trace of the Hessian than the large batch.",
        "tr(H) under GN over the large batch's, last iterates",
        None,
        lowered(LOWERS, "hessian_trace", early=False),
    ),
)
