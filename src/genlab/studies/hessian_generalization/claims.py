"""The paper's findings as functions of the records (facts of 2206.10654: directions only; no magnitude could be recovered).

Regions were written down before the reported seeds were run. lambda_max is that of copies that reached one goal of training
loss or accuracy. *Generalization* is test accuracy, or for a regression -log10 of the test loss; more is better.
"""

from functools import partial

from genlab.results.claims import Claim, Region
from genlab.studies.hessian_generalization.effects import (
    along_the_ratio,
    falls_with_the_step_size,
    gain_of_the_whole_batch,
    gain_shrinks,
    quality,
    sam_flattens,
    sam_gain_shrinks,
    sharpness,
    within_steps,
)
from genlab.studies.hessian_generalization.networks import (
    dropout_flattens,
    dropout_has_a_best,
    norm_does_not_flatten,
    norm_helps,
)

FALLS = Region(high=-0.8)  # our assumption: all but one pair in ten in order
SHRINKS = Region(low=0)  # by definition
VANISHES = Region(high=0.01)  # our assumption: one point of accuracy, or 2% of the test loss
SAME = Region(-0.02, 0.02)  # our assumption: two points of accuracy, or 5% of the test loss
FLATTER = Region(high=0.9)  # our assumption: a tenth lower at least
BETTER = Region(low=0)  # by definition
NOT_FLATTER = Region(low=1)  # by definition
STRONG = Region(high=-0.5)  # our assumption: three pairs in four in order
WEAK = Region(low=-0.5)  # our assumption: the complement

CLAIMS = (
    Claim(
        "D1a",
        "A larger step size ends at a smaller lambda_max, at every batch size.",
        "Kendall's tau between step size and lambda_max",
        None,
        partial(falls_with_the_step_size, expected=FALLS),
    ),
    Claim(
        "D1b",
        "What larger steps gain in generalization shrinks as the batch grows.",
        "gain from the smallest to the largest step size that trains, smallest batch minus largest",
        None,
        partial(gain_shrinks, expected=SHRINKS),
    ),
    Claim(
        "D1c",
        "With the largest batch larger steps gain nothing, although lambda_max falls.",
        "gain in generalization from the smallest to the largest step size that trains, largest batch",
        None,
        partial(gain_of_the_whole_batch, expected=VANISHES),
    ),
    Claim(
        "D2a",
        "Step and batch size scaled together keep the generalization.",
        "generalization at one eta/B, largest batch minus smallest",
        None,
        along_the_ratio(SAME, quality, ratio=False),
    ),
    Claim(
        "D2b",
        "They do not keep lambda_max: it falls with the step size.",
        "lambda_max at one eta/B, largest batch over smallest",
        None,
        along_the_ratio(FLATTER, sharpness, ratio=True),
    ),
    Claim(
        "D3a",
        "SAM ends at a smaller lambda_max than plain descent, at every batch size.",
        "lambda_max with SAM over that without, largest rho that trains",
        None,
        partial(sam_flattens, expected=FLATTER),
    ),
    Claim(
        "D3b",
        "What SAM gains in generalization shrinks as the batch grows.",
        "gain from SAM, tuned on validation data, smallest batch minus largest",
        None,
        partial(sam_gain_shrinks, expected=SHRINKS),
    ),
    Claim(
        "D4a",
        "More dropout ends at a smaller lambda_max.",
        "Kendall's tau between the probability of dropout and lambda_max",
        None,
        partial(dropout_flattens, expected=FALLS),
    ),
    Claim(
        "D4b",
        "Generalization has its best at some dropout between none and most.",
        "test accuracy at the inner probability best on validation data, minus the better end",
        None,
        partial(dropout_has_a_best, expected=BETTER),
    ),
    Claim(
        "D5a",
        "Batch norm generalizes better at the same step and batch size.",
        "generalization with batch norm minus without",
        None,
        partial(norm_helps, expected=BETTER),
    ),
    Claim(
        "D5b",
        "Yet it does not consistently end at a smaller lambda_max.",
        "lambda_max with batch norm (between iterates, ghost batches) over that without, at the step size where it is largest",
        None,
        partial(norm_does_not_flatten, expected=NOT_FLATTER),
    ),
    Claim(
        "D6a",
        "Within small-batch step sizes a smaller lambda_max goes with better generalization.",
        "Kendall's tau between lambda_max and generalization over step sizes, smallest batch",
        None,
        within_steps(STRONG, small=True),
    ),
    Claim(
        "D6b",
        "Within those of the largest batch it does not: how the two go together depends on the intervention.",
        "Kendall's tau between lambda_max and generalization over step sizes, largest batch",
        None,
        within_steps(WEAK, small=False),
    ),
)
