"""All that ``genlab review`` does, for the command line to call and tell: it prints nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genlab.grading.graded import GradedText
from genlab.review import items, ratings
from genlab.review.compare import Comparison, Remarks, compare
from genlab.review.items import Item
from genlab.review.journal import RATINGS
from genlab.review.outcome import agreement_page
from genlab.review.page import page
from genlab.review.server import Server, serve
from genlab.review.tables import agreement_csv, ratings_csv
from genlab.skills.skill import Skill

RETURNED = "returned"  # folder of the files that colleagues sent back


@dataclass(frozen=True)
class Review:
    """A review of some results, in a folder that holds its ratings.

    Attributes:
        rows: everything that was graded.
        folder: where ratings and results are.
        chosen: the items to grade.
        catalogue: every item that could be graded, by id: ratings of earlier, other choices count too.
    """

    rows: tuple[GradedText, ...]
    folder: Path
    chosen: tuple[Item, ...]
    catalogue: Mapping[str, Item]

    @property
    def files(self) -> tuple[Path, ...]:
        """The ratings files in the folder: its own, then those that were sent back."""
        own = self.folder / RATINGS
        return (*([own] if own.is_file() else []), *sorted((self.folder / RETURNED).glob("*.jsonl")))

    def serve(self, *, port: int = 0) -> Server:
        """Serve the page; close what comes back."""
        return serve(self.chosen, self.folder, port=port)

    def export(self, file: str | Path) -> Path:
        """Write the page as one HTML file that a colleague opens anywhere, and sends back what it downloads.

        Raises:
            ValueError: the file's folder is missing.
        """
        path = Path(file)
        if not path.parent.is_dir():
            raise ValueError(f"no folder {str(path.parent)!r} to write {path.name} to: make it, or choose another")
        path.write_text(page(self.chosen).html, encoding="utf-8")
        return path

    def bring(self, files: Sequence[str | Path]) -> tuple[Path, ...]:
        """Copy ratings files that were sent back into the folder; the same file twice is one.

        Raises:
            ValueError: a file is missing, or none of its lines counts; then nothing is copied.
        """
        for file in files:
            found, flaws = ratings.clicks(file, self.catalogue)
            if not found:
                raise ValueError(f"no rating in {file} belongs to these results. {flaws[0] if flaws else 'It is empty.'}")
        (self.folder / RETURNED).mkdir(parents=True, exist_ok=True)
        copies = []
        for file in files:
            content = Path(file).read_bytes()
            copies.append(self.folder / RETURNED / f"{hashlib.sha256(content).hexdigest()[:16]}.jsonl")
            copies[-1].write_bytes(content)
        return tuple(copies)

    def ratings(self) -> ratings.Ratings:
        """All ratings so far."""
        return ratings.read(self.files, self.catalogue)

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
    return Review(tuple(rows), Path(folder), chosen, items.catalogue(rows, skills))
