"""The paper's findings as functions of the records.

Regions were written down before the reported seeds were run; where the paper gives no number they are our assumption or
what an earlier miniature measured (docs/log.md), and say so. *Crossing* is the first reading at or above the threshold.
"""

from functools import partial

from genlab.results.claims import Claim, Region
from genlab.studies.edge_of_stability.effects import (
    WINDOW,
    descent,
    equilibrium,
    error,
    explosion,
    flow_sharpness,
    in_the_second_half,
    last,
    parting,
    peak,
    plateau,
    resettling,
    sharpening,
    straying,
    unsteadiness,
)
from genlab.studies.edge_of_stability.groups import (
    adaptive,
    changes,
    descends,
    each,
    entropy,
    images,
    mini_batches,
    momentum,
    normalised,
    room,
    scaling,
    slower,
    tiny,
    with_flow,
    with_quadratic,
)

SHARPENS = Region(low=2)  # our assumption: at least a doubling
HOVER = Region(0.95, 1.2)  # our assumption: room on both sides of the official demo's 1.02 to 1.06
PROPORTIONAL = Region(0.9, 1.1)  # our assumption: within 10%
UNSTEADY = Region(low=0.01)  # our assumption: one step in a hundred more than before
FALLS = Region(high=1)  # by definition
TRACKS = Region(high=0.01)  # our assumption: 1% of the way travelled
PARTS = Region(low=10)  # our assumption: tenfold
SURPASSES = Region(low=1.2)  # our assumption: above where descent hovers
PEAKS = Region(low=1)  # by definition
DROPS = Region(high=0.3)  # our assumption
EXPLODES = Region(low=1)  # our assumption: tenfold within 100 steps
EQUILIBRATES = Region(0.9, 1.1)  # our assumption: within 10%, on both sides
SLOWER = Region(low=2)  # our assumption: what "several times" means at least
REACHES = Region(0.95, 1.5)  # our assumption: at 2/eta as descent is, with more room above for the largest of 8 points
NEAR = Region(0.85, 1.15)  # our assumption: the estimate itself is known to some 2%
BELOW = Region(high=0.95)  # our assumption: below where descent hovers
EXACT = Region(high=1e-3)  # our assumption: far below the overshoot of 1e-2 that is studied

DEMO = "1.02 to 1.06 (official demo, CIFAR-10 5k, read off its plot)"

CLAIMS = (
    Claim(
        "C1",
        "Progressive sharpening: while the sharpness is below 2/eta, training raises it.",
        "sharpness at the crossing, the first reading at or above 2/eta, over that at the start",
        "78 to 200, 2.6 times (official demo)",
        each(sharpening, SHARPENS, descends, possible=room),
    ),
    Claim(
        "C2",
        "Edge of stability: once there, the sharpness hovers at, or just above, 2/eta.",
        "mean sharpness over 2/eta, second half after the crossing",
        DEMO,
        each(plateau, HOVER, images),
    ),
    Claim(
        "C3",
        "The plateau is set by the step size: it is proportional to 1/eta.",
        "plateau times eta, largest over smallest step size",
        None,
        partial(scaling, expected=PROPORTIONAL),
    ),
    Claim(
        "C4a",
        "At the edge the loss is not monotone over short times: many more steps raise it than before.",
        "share of steps that raise the loss, after minus before the crossing",
        None,
        each(unsteadiness, UNSTEADY, descends),
    ),
    Claim(
        "C4b",
        "Over long times the loss keeps falling at the edge.",
        "mean loss of the last tenth of the steps after the crossing over the first tenth",
        "0.20 at the first spike to 0.11 at the stop (official demo)",
        each(descent, FALLS, descends),
    ),
    Claim(
        "C5a",
        "Before the edge, gradient descent follows gradient flow.",
        "largest distance to the flow before the crossing over the way travelled",
        None,
        each(straying, TRACKS, with_flow),
    ),
    Claim(
        "C5b",
        "At the edge it leaves the flow.",
        f"distance to the flow {WINDOW} steps after the crossing over that at it",
        None,
        each(parting, PARTS, with_flow),
    ),
    Claim(
        "C5c",
        "The flow's sharpness goes on rising past 2/eta.",
        "flow's sharpness at the end of the overlay over 2/eta",
        "430/200 = 2.15 (official demo)",
        each(flow_sharpness, SURPASSES, with_flow),
    ),
    Claim(
        "C6",
        "With momentum the sharpness hovers at that update's own threshold.",
        "mean sharpness over the update's maximum stable sharpness, second half after the crossing",
        "(2 + 2 beta)/eta for Polyak, (2 + 2 beta)/(eta (1 + 2 beta)) for Nesterov",
        each(plateau, HOVER, momentum),
    ),
    Claim(
        "C7a",
        "With cross-entropy too the sharpness reaches 2/eta.",
        "largest sharpness over 2/eta",
        None,
        each(peak, PEAKS, entropy),
    ),
    Claim(
        "C7b",
        "With cross-entropy it drops late in training, once the points are fitted.",
        "sharpness over 2/eta at the loss goal",
        None,
        each(last, DROPS, entropy),
    ),
    Claim(
        "C8",
        "With full-batch Adam and RMSProp the sharpness of the preconditioned Hessian equilibrates at the update's threshold.",
        "mean preconditioned sharpness over the threshold, second half after it first rises to it from below",
        "(2 + 2 beta1)/((1 - beta1) eta) for Adam (Cohen et al. 2022), 2/eta for RMSProp",
        each(equilibrium, EQUILIBRATES, adaptive),
    ),
    Claim(
        "C9a",
        f"Gradient descent on the quadratic frozen at the edge diverges within {WINDOW} steps.",
        "log10 of its largest loss over the loss where it was frozen",
        None,
        each(explosion("quadratic_loss"), EXPLODES, with_quadratic),
    ),
    Claim(
        "C9b",
        "Gradient descent on the real loss does not.",
        "log10 of its largest loss over the same steps over the loss where the quadratic was frozen",
        None,
        each(explosion("loss"), Region(high=1), with_quadratic),
    ),
    Claim(
        "C10",
        "The step size 1/sharpness, half of what is stable, trains several times more slowly than a fixed one at the edge.",
        "steps to the loss goal over those with the fixed step size",
        None,
        partial(slower, expected=SLOWER),
    ),
    Claim(
        "C11",
        "When the step size changes in mid-run, the sharpness settles at the new 2/eta.",
        "mean sharpness over the new 2/eta, second half of the readings after the change",
        None,
        each(resettling, HOVER, changes),
    ),
    Claim(
        "C12a",
        "With batch norm the largest sharpness on the way from an iterate to the next is at 2/eta.",
        "mean over 2/eta of the largest over the points of the segment, second half of the readings",
        None,
        each(in_the_second_half("segment_sharpness"), REACHES, normalised),
    ),
    Claim(
        "C12b",
        "At the iterates themselves it stays below.",
        "mean sharpness over 2/eta, second half of the readings",
        None,
        each(in_the_second_half("sharpness"), BELOW, normalised),
    ),
    Claim(
        "C13a",
        "The smallest problems show the same plateau.",
        "mean sharpness over 2/eta, second half after the crossing",
        None,
        each(plateau, HOVER, lambda settings: descends(settings) and tiny(settings)),
    ),
    Claim(
        "C13b",
        "There the tracked sharpness is that of the whole Hessian in float64.",
        "largest relative difference",
        None,
        each(error, EXACT, lambda settings: tiny(settings) and bool(settings["dense_every"])),
    ),
    Claim(
        "C14a",
        "With mini-batches it is the batch sharpness that settles near 2/eta (Andreyev and Beneventano 2024).",
        "mean batch sharpness over 2/eta, second half of the readings",
        None,
        each(in_the_second_half("batch_sharpness"), NEAR, mini_batches),
    ),
    Claim(
        "C14b",
        "The sharpness of the whole loss then stays below 2/eta.",
        "mean sharpness over 2/eta, second half of the readings",
        None,
        each(in_the_second_half("sharpness"), BELOW, mini_batches),
    ),
)
