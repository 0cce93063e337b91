"""The review page on loopback: one page, one file of ratings, and a token in the address that every request must carry."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from genlab import loopback
from genlab.loopback import Answer, Refused, Request, Service
from genlab.review.journal import Journal
from genlab.review.page import TEXTS, Look, Page, page
from genlab.review.rateable import Rateable
from genlab.review.ratings import clicks, identity, parse

MOST_BYTES = 64 * 1024  # of a request's body: a browser sends no more with keepalive, and a click takes 300
MOST_RECORDS = 100  # in one request: the page sends what it could not send before in parts


class Server(loopback.Server):
    """A running review. Close it, or use it in a ``with`` block.

    Attributes:
        url: the page's address with its token; whoever has it can rate.
        ratings: the file that ratings are appended to.
    """

    def __init__(self, review: "_Review", port: int) -> None:
        super().__init__(review, port)
        self.ratings = review.journal.path


def serve(items: Sequence[Rateable], folder: str | Path, *, port: int = 0, look: Look = TEXTS) -> Server:
    """Serve the review page for ``items``; ratings go to ``ratings.jsonl`` in ``folder``, which may hold earlier ones.

    Args:
        items: from ``items.choose`` or ``pairs.choose``.
        folder: made if it is missing.
        port: 0 for one that is free.
        look: of the page.

    Raises:
        ValueError: the port is taken.
    """
    review = _Review(Journal(folder), {item.id: item for item in items}, page(items, served=True, look=look))
    return Server(review, port)


class _Review(Service):
    noun = "review"
    most_bytes = MOST_BYTES

    def __init__(self, journal: Journal, items: Mapping[str, Rateable], shown: Page) -> None:
        self.journal, self.items, self.page = journal, items, shown
        self.policy = shown.policy

    def get(self, request: Request) -> Answer:
        """The page, or a rater's own ratings so far."""
        if request.path == "":
            return Answer("text/html; charset=utf-8", self.page.html.encode())
        if request.path != "ratings":
            raise Refused(404, "there is nothing here")
        try:
            who = identity(request.query.get("rater", [""])[0])
        except ValueError as error:
            raise Refused(400, str(error)) from error
        found, _ = clicks(self.journal.path, self.items)
        return Answer(
            "application/json", json.dumps([record for record, click in found if identity(click.rater) == who]).encode()
        )

    def post(self, request: Request) -> Answer:
        """More ratings."""
        if request.path != "ratings":
            raise Refused(404, "there is nothing here")
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "expected application/json")
        try:
            content = json.loads(request.body())
        except (ValueError, RecursionError) as error:
            raise Refused(400, "the body is not JSON") from error
        records = content.get("records") if isinstance(content, dict) else None
        if not isinstance(records, list) or not 1 <= len(records) <= MOST_RECORDS:
            raise Refused(400, f"expected 1 to {MOST_RECORDS} records")
        try:
            for record in records:
                parse(record, self.items)
        except ValueError as error:
            raise Refused(400, str(error)) from error
        try:
            self.journal.append(records)
        except OSError as error:
            raise Refused(507, f"the ratings could not be written: {error.strerror}") from error
        return Answer("application/json", json.dumps({"saved": len(records)}).encode())

    def close(self) -> None:
        """Every click that was acknowledged is on the disk."""
        self.journal.close()
