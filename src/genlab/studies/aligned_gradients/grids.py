"""Pictures: what came of the first images of the first seed, and of grey, under every network."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genlab.results.pictures import PictureRow, Pictures
from genlab.results.runs import Run
from genlab.studies.aligned_gradients import effects
from genlab.studies.aligned_gradients.effects import Way


def grids(runs: Sequence[Run]) -> Sequence[Pictures]:
    """Two grids a task: from images, and from grey."""
    found = []
    for place, (name, group) in enumerate(effects.tasks(runs).items()):
        for start in ("image", "grey"):
            grid = _grid(f"{start}-{place + 1}", name, group[0], start)
            if grid:
                found.append(grid)
    return found


def _grid(name: str, task: str, run: Run, start: str) -> Pictures | None:
    kept = (run["what"] == "picture") & (run["start"] == start)
    made = np.flatnonzero(kept & (run["net"] != "none"))
    if not len(made):
        return None
    images = list(dict.fromkeys(int(each) for each in run["image"][made]))
    first = {int(run["image"][row]): int(row) for row in reversed(made)}
    columns = [f"to {int(run['target'][first[each]])}" for each in images]
    rows = []
    if start == "image":
        before = {int(run["image"][row]): int(row) for row in np.flatnonzero(kept & (run["net"] == "none"))}
        labels = tuple(f"is {int(run['label'][before[each]])}" for each in images)
        rows.append(PictureRow("as it was", tuple(picture(run, before[each]) for each in images), labels))
    for way in effects.ways(run):
        of = made[(run["training"][made] == way.training) & (run["training_sigma"][made] == way.training_sigma)]
        of = of[run["sigma"][of] == way.sigma]
        here = {int(run["image"][row]): int(row) for row in of}
        if here:
            notes = tuple(_note(run, way, each) for each in images) if start == "image" else ()
            rows.append(PictureRow(str(way), tuple(picture(run, here[each]) if each in here else None for each in images), notes))
    settings = run.settings
    if start == "image":
        title = f"{task}: test images changed towards another class"
        caption = (
            f"The first {len(images)} images of seed {settings['seed']}, chosen by nobody; the class at the top is the target, "
            f"within an L2 distance of {settings['radius']:g}. Below each: the probability of the target to the noise judge."
        )
    else:
        title = f"{task}: from grey"
        caption = (
            f"Each class made from grey with a little noise, seed {settings['seed']}, within an L2 distance of "
            f"{2 * settings['radius']:g}: nothing of a real image is in it."
        )
    return Pictures(name, title, caption, columns, rows)


def _note(run: Run, way: Way, image: int) -> str:
    rows = (run["what"] == "image") & (run["training"] == way.training) & (run["training_sigma"] == way.training_sigma)
    rows = rows & (run["sigma"] == way.sigma) & (run["image"] == image)
    values = np.asarray(run["judge_noise_probability"], dtype=float)[rows]
    return f"{values[0]:.2f}" if len(values) and np.isfinite(values[0]) else ""


def picture(run: Run, row: int) -> NDArray[np.floating]:
    """One kept picture, (1 or 3, height, width); of other numbers of channels the first."""
    shape = tuple(int(each) for each in str(run["shape"][row]).split("x"))
    image = np.asarray(run["pixels"][row], dtype=float).reshape(shape)
    return image if shape[0] in (1, 3) else image[:1]
