"""A folder of ratings with what can be rated, whatever it is: serve the page, write it for a colleague, take ratings in."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genlab.review import ratings
from genlab.review.journal import RATINGS
from genlab.review.page import Look, page
from genlab.review.rateable import Rateable
from genlab.review.server import Server, serve

RETURNED = "returned"  # folder of the files that colleagues sent back


@dataclass(frozen=True)
class Sitting:
    """Some things to rate, and the folder that holds their ratings.

    Attributes:
        folder: where ratings and results are.
        chosen: what is to be rated.
        catalogue: all that could be rated, by id: ratings of earlier, other choices count too.
        look: of the page.
    """

    folder: Path
    chosen: Sequence[Rateable]
    catalogue: Mapping[str, Rateable]
    look: Look

    @property
    def files(self) -> tuple[Path, ...]:
        """The ratings files in the folder: its own, then those that were sent back."""
        own = self.folder / RATINGS
        return (*([own] if own.is_file() else []), *sorted((self.folder / RETURNED).glob("*.jsonl")))

    def serve(self, *, port: int = 0) -> Server:
        """Serve the page; close what comes back."""
        return serve(self.chosen, self.folder, port=port, look=self.look)

    def export(self, file: str | Path) -> Path:
        """Write the page as one HTML file that a colleague opens anywhere, and sends back what it downloads.

        Raises:
            ValueError: the file's folder is missing.
        """
        path = Path(file)
        if not path.parent.is_dir():
            raise ValueError(f"no folder {str(path.parent)!r} to write {path.name} to: make it, or choose another")
        path.write_text(page(self.chosen, look=self.look).html, encoding="utf-8")
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
