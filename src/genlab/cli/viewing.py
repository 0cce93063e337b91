"""``genlab review`` of a store with pictures: people choose which of two looks more like a class."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from genlab.cli.screen import out

if TYPE_CHECKING:
    from genlab.review.viewing import Viewing

STUDY = "aligned_gradients"  # the study whose records hold pictures


def holds_pictures(place: str) -> bool:
    """Whether a place is a store of the study with pictures; one that holds graded texts too is reviewed for these."""
    if not (Path(place) / "store.json").is_file():
        return False
    from genlab.results.store import Store

    store = Store(place)
    studies = {entry.study for entry in store.look().entries.values()}
    return STUDY in studies and "skill_mix" not in studies


def begin(place: str, folder: str | None, n: int | None, seed: int, pack: str | None) -> "Viewing":
    """The pairs of a store's pictures.

    Raises:
        ValueError: a pack was named, or there is nothing to compare.
    """
    from genlab.results.store import Store
    from genlab.review.pairs import PAIRS
    from genlab.review.viewing import viewing
    from genlab.studies.aligned_gradients.viewing import contests

    if pack is not None:
        raise ValueError(f"{place} holds pictures, which are judged without a pack (got --pack {pack}): leave it out")
    home = Path(folder) if folder else Path(place) / "review"
    return viewing(contests(Store(place).runs(STUDY)), home, n=n or PAIRS, seed=seed)


def tell(viewing: "Viewing", place: str) -> None:
    """Write what came of it; say where, and how often the first way of each contrast was chosen."""
    outcome = viewing.outcome()
    out.print(outcome.headline, markup=False)
    if outcome.shares:
        table = Table("First way against second", "chosen", "over people", "n", "people", "left", "s", box=None)
        for each in outcome.shares:
            if each.of == "all":
                over = f"[{each.over_people.low:.2f}, {each.over_people.high:.2f}]" if each.over_people else "–"
                share = f"{each.share.centre:.2f} [{each.share.low:.2f}, {each.share.high:.2f}]"
                seconds = "–" if each.seconds is None else f"{each.seconds:.1f}"
                numbers = str(each.choices), str(each.people), f"{each.left:.0%}", seconds
                table.add_row(*map(_plain, (f"{each.contrast} ({each.contrast.data})", share, over, *numbers)))
        out.print(table)
    for person in outcome.people:
        caught = f"{person.caught.centre * person.caught.n:.0f} of {person.caught.n}" if person.caught else "none seen"
        seconds = "–" if person.seconds is None else f"{person.seconds:.1f} s"
        told = f"{person.choices} choices, catch pairs right {caught}, left {person.left.centre:.0%}, {seconds} a choice"
        out.print(f"{person.name}: {told}", markup=False)
    for path in viewing.write(outcome, source=place):
        out.print(f"wrote {path}", markup=False)
    for flaw in outcome.flaws:
        out.print(f"left out: {flaw}", style="yellow", markup=False)


def _plain(text: str) -> str:
    """Text in which brackets are no markup."""
    from rich.markup import escape

    return escape(text)
