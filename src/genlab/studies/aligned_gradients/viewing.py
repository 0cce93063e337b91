"""Pictures for people: two ways to make the same picture, for the blind viewing page of ``genlab review``."""

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from genlab.results.pictures import address, pixels
from genlab.results.runs import Run
from genlab.review.pairs import Contest, Contrast, Picture
from genlab.studies.aligned_gradients import effects
from genlab.studies.aligned_gradients.effects import Way
from genlab.studies.aligned_gradients.grids import picture
from genlab.studies.aligned_gradients.plan import ADVERSARIAL

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def contests(runs: Sequence[Run]) -> list[Contest]:
    """Every pair of pictures that people can compare, first by ``contrasts``, then catch pairs.

    Two pictures of a pair share network, seed, image and target. A catch pair is a test image of the class in question and
    one of another, of those that the pictures of a run began at.

    Raises:
        ValueError: no run, none with pictures, or no way of the contrasts beside plain gradients of the standard network.
    """
    if not runs:
        raise ValueError("this store has no finished condition of aligned_gradients. Run it first: genlab run aligned_gradients")
    found = [contest for number in range(4) for run in runs for contest in _contests(run, *contrasts(run)[number])]
    if not found:
        kept = sorted({str(way) for run in runs for way, _, _ in _kept(run)})
        what = f"pictures of {', '.join(kept)} only" if kept else "no pictures"
        raise ValueError(
            f"this store holds {what}: people compare pictures of two ways, one of them standard with the plain gradient. "
            "Run aligned_gradients with shown=10 or so, and look whether the standard network diverged"
        )
    catches = {(each.first.id, each.second.id): each for run in runs for each in _catches(run)}  # networks share their images
    return [*found, *catches.values()]


def contrasts(run: Run) -> list[tuple[Way, Way]]:
    """Both halves of the 2 x 2 at once, each of them alone, and adversarial training; all against standard, plain gradient."""
    two = effects.two_by_two(run)
    others = two["noise smoothed"], two["noise"], two["standard smoothed"], Way(ADVERSARIAL, 0.0, 0.0)
    return [(way, two["standard"]) for way in others]


def question(data: str, target: int) -> str:
    """What people are asked.

    >>> question("digits-pixels", 8), question("cifar10-20k-pixels", 2), question("fashion-mnist-pixels", 3)
    ('Which looks more like an 8?', 'Which looks more like a bird?', 'Which looks more like class 3?')
    """
    if re.match(r"(digits|mnist|svhn)\b", data):
        name = str(target)
    elif re.match(r"cifar10\b", data):
        name = CIFAR10[target]
    else:
        return f"Which looks more like class {target}?"
    return f"Which looks more like {'an' if name[0] in '8aeiou' else 'a'} {name}?"


def _contests(run: Run, one: Way, other: Way) -> Iterator[Contest]:
    """The pairs of one contrast in one run."""
    rows = _kept(run)
    for (way, start, image), row in rows.items():
        if way == one and (other, start, image) in rows:
            target = int(run["target"][row])
            yield _contest(
                run,
                Contrast(str(run.settings["data"]), str(one), str(other)),
                (row, rows[other, start, image]),
                target,
                start=start,
                source=f"{image} to {target}",
            )


def _catches(run: Run) -> Iterator[Contest]:
    """Pairs of the images as they were, one of the class in question."""
    before = np.flatnonzero((run["what"] == "picture") & (run["net"] == "none"))
    labels = {int(row): int(run["label"][row]) for row in before}
    contrast = Contrast(str(run.settings["data"]), "real image of the class", "real image of another class", catch=True)
    for one, other in itertools.permutations(labels, 2):
        if labels[one] != labels[other]:
            numbers = int(run["image"][one]), int(run["image"][other])
            source = f"{numbers[0]} beside {numbers[1]}"
            yield _contest(run, contrast, (one, other), labels[one], start="real images", source=source)


def _contest(run: Run, contrast: Contrast, rows: tuple[int, int], target: int, *, start: str, source: str) -> Contest:
    first, second = (_picture(run, row) for row in rows)
    return Contest(
        contrast=contrast,
        question=question(str(run.settings["data"]), target),
        first=first,
        second=second,
        network=str(run.settings["network"]),
        seed=int(run.settings["seed"]),
        start=start,
        source=source,
    )


def _kept(run: Run) -> dict[tuple[Way, str, int], int]:
    """Rows of pictures by way, start and image."""
    made = np.flatnonzero((run["what"] == "picture") & (run["net"] != "none"))
    return {
        (
            Way(str(run["training"][row]), float(run["training_sigma"][row]), float(run["sigma"][row])),
            str(run["start"][row]),
            int(run["image"][row]),
        ): int(row)
        for row in made
    }


def _picture(run: Run, row: int) -> Picture:
    image = picture(run, row)
    shown = pixels(image)
    return Picture(hashlib.sha256(repr(shown.shape).encode() + shown.tobytes()).hexdigest()[:32], address(image))
