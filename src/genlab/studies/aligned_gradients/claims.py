"""The paper's findings, made measurable: it has pictures, and people who look.

What it says of single ablations could not be verified (facts 4.2); they are judged all the same, and the README says which.
"""

from genlab.results.claims import Claim, Region
from genlab.studies.aligned_gradients import effects
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, SMOOTHADV

MUCH = Region(low=0.1)  # ten images in a hundred more (our assumption; a pilot on 16 x 16 CIFAR-10 had 38)
MORE = Region(low=0.0)  # the direction is all that is claimed
LESS = Region(high=0.0)
LITTLE = Region(high=0.1)  # as many as MUCH at most (our assumption)
SAME = Region(-0.1, 0.1)  # our assumption
NEARLY_ALL = Region(low=0.9)  # our assumption: the pilot had .98 to 1.00
NO_ARM = "no network of this training: set arms="
ONE = "one value only: name several"

CLAIMS = (
    Claim(
        "F1a",
        "Images made on a smoothed, noise-trained network show their target to independent judges; on a standard one far less.",
        "share of images in which the judge sees the target, noise-trained and smoothed minus standard",
        None,
        effects.by_judges(MUCH, effects.difference("noise smoothed", "standard")),
    ),
    Claim(
        "F1b",
        "Its gradients point more at the target's mean image, less those of other classes.",
        "mean cosine with the target's direction minus other classes', noise-trained and smoothed minus standard",
        None,
        effects.measured(MORE, effects.of_two(effects.pointing, "noise smoothed", "standard")),
    ),
    Claim(
        "F2a",
        "Training with noise does more than smoothing the gradient of a standard network.",
        "share seen: noise-trained with its plain gradient minus standard smoothed",
        None,
        effects.by_judges(MORE, effects.difference("noise", "standard smoothed")),
    ),
    Claim(
        "F2b",
        "Smoothing the gradient of a noise-trained network adds to that.",
        "share seen: noise-trained smoothed minus its plain gradient",
        None,
        effects.by_judges(MORE, effects.difference("noise smoothed", "noise")),
    ),
    Claim(
        "F2c",
        "Smoothing a standard network does not do it.",
        "share seen: standard smoothed minus standard",
        None,
        effects.by_judges(LITTLE, effects.difference("standard smoothed", "standard")),
    ),
    Claim(
        "F3a",
        "More noise samples make less noisy gradients.",
        "mean cosine of two independent gradients, most samples minus fewest",
        None,
        effects.measured(MORE, effects.more_samples_agree, needs=f"{ONE} samples="),
    ),
    Claim(
        "F3b",
        "Ours: the image hardly depends on their number, when each step draws afresh.",
        "share seen: most samples minus fewest",
        None,
        effects.by_judges(SAME, effects.more_samples_show, needs=f"{ONE} samples="),
    ),
    Claim(
        "F4a",
        "A larger sigma makes coarser changes.",
        "share of energy above half of Nyquist's frequency, largest sigma minus smallest",
        None,
        effects.measured(LESS, effects.over_sigma(effects.coarseness), needs=f"{ONE} sigma="),
    ),
    Claim(
        "F4b",
        "It costs accuracy.",
        "test accuracy without noise, largest sigma minus smallest",
        None,
        effects.measured(LESS, effects.over_sigma(effects.accuracy), needs=f"{ONE} sigma="),
    ),
    Claim(
        "F5",
        "Changes made on a smoothed, noise-trained network have less grain than those made on a standard one.",
        "share of energy above half of Nyquist's frequency, noise-trained and smoothed minus standard",
        None,
        effects.measured(
            LESS,
            effects.of_two(effects.grain, "noise smoothed", "standard"),
        ),
    ),
    Claim(
        "F6",
        "Ours: every network sees the target in what was made on itself, so that this says nothing.",
        "smallest share, over all ways, of images in which the network itself sees the target",
        None,
        effects.measured(NEARLY_ALL, effects.least_own),
    ),
    Claim(
        "F7",
        "Networks with larger certified radii are better aligned.",
        "Kendall's tau, over smoothed networks, between average certified radius and the target's probability to a judge",
        None,
        effects.by_judges(MORE, effects.radius_and_alignment, needs="fewer than three smoothed networks: name two sigma="),
    ),
    Claim(
        "F8a",
        "So do adversarially trained networks: their images show the target, too.",
        "share seen: adversarially trained minus standard",
        None,
        effects.by_judges(MUCH, effects.arm_over_standard(ADVERSARIAL), needs=f"{NO_ARM}adversarial"),
    ),
    Claim(
        "F8b",
        "And SmoothAdv's, smoothed.",
        "share seen: SmoothAdv smoothed minus standard",
        None,
        effects.by_judges(MUCH, effects.arm_over_standard(SMOOTHADV), needs=f"{NO_ARM}smoothadv"),
    ),
)
