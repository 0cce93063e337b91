"""All that ``genlab review`` does, for the command line to call and tell: it prints nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genlab.grading.graded import GradedText
from genlab.review import items
from genlab.review.compare import Comparison, Remarks, compare
from genlab.review.items import Item
from genlab.review.outcome import agreement_page
from genlab.review.page import TEXTS
from genlab.review.sitting import Sitting
from genlab.review.tables import agreement_csv, ratings_csv
from genlab.skills.skill import Skill


@dataclass(frozen=True)
class Review(Sitting):
    """A review of some results, in a folder that holds its ratings.

    Attributes:
        rows: everything that was graded.
        chosen, catalogue: items.
    """

    chosen: tuple[Item, ...]
    catalogue: Mapping[str, Item]
    rows: tuple[GradedText, ...]

    def compare(self, *, remarks: Remarks | None = None, seed: int = 0) -> Comparison:
        """All ratings so far beside the gradings."""
        return compare(self.rows, self.catalogue, self.ratings(), remarks=remarks, seed=seed)

    def write(self, comparison: Comparison, *, source: str = "") -> tuple[Path, ...]:
        """Write agreement.html, agreement.csv and ratings.csv into the folder."""
        contents = {
            "agreement.html": agreement_page(comparison, source=source),
            "agreement.csv": agreement_csv(comparison),
            "ratings.csv": ratings_csv(comparison),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (self.folder / name).write_bytes(content.encode("utf-8", "replace"))
        return tuple(self.folder / name for name in contents)


def review(
    rows: Sequence[GradedText], skills: Mapping[str, Skill], folder: str | Path, *, n: int = items.TEXTS, seed: int = 0
) -> Review:
    """A review of ``rows``; nothing is written before it is served, exported or brought a file.

    Args:
        rows: from a store or ``genlab.evaluation.logs.read_texts``.
        skills: by name, of the pack that the texts were asked from.
        folder: holds the ratings, or will.
        n: how many texts to choose.
        seed: of the choice.

    Raises:
        ValueError: there is nothing to review, or a skill has no definition.
    """
    chosen = items.choose(rows, skills, n, seed=seed)
    return Review(Path(folder), chosen, items.catalogue(rows, skills), TEXTS, tuple(rows))
