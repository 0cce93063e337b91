"""What the page, the server and the ratings need to know of a thing that is rated: a text or a pair of pictures."""

from typing import Any, Protocol


class Rateable(Protocol):
    """Something that people rate blind."""

    @property
    def id(self) -> str:
        """Hex digits of what a rater sees."""

    @property
    def version(self) -> str:
        """Hex digits of what is asked."""

    @property
    def criteria(self) -> tuple[str, ...]:
        """What gets a point each."""

    @property
    def forced(self) -> bool:
        """Whether "unsure" is no answer."""

    def to_page(self) -> dict[str, Any]:
        """All that the page is given."""
