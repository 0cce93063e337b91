"""What the page asks of its server: what changed, tables, findings, curves, conditions, transcripts."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from genlab.loopback import Answer, Refused, Request, Server, Service
from genlab.results.store import Store, StoreError
from genlab.view import page
from genlab.view.curves import curves_of
from genlab.view.detail import detail
from genlab.view.findings import Findings
from genlab.view.table import table
from genlab.view.transcripts import Transcripts
from genlab.view.watch import Moment, Row, Watch

MOST_CHOSEN = 500  # conditions in one question for curves; the page asks for no more than it can draw
KEEP = {"Cache-Control": "private, max-age=86400, immutable"}  # of libraries: they hold nothing of the store


def serve(store: Store, *, port: int = 0) -> Server:
    """Serve the page on a store; whoever has the address that comes back can read all of it.

    Args:
        store: may be written to meanwhile.
        port: 0 for one that is free.

    Raises:
        ValueError: the port is taken.
    """
    return Server(View(store), port)


class View(Service):
    """The page and its answers."""

    noun = "view"
    any_port = True  # ssh -L may give it another one; the token is the guard
    policy = page.SERVED

    def __init__(self, store: Store) -> None:
        self.store = store
        self.watch = Watch(store)
        self.findings = Findings()
        self.transcripts = Transcripts(store)
        self._tables: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, Callable[[Request], Answer]] = {
            "": self._page,
            "now": self._now,
            "table": self._table,
            "findings": self._findings,
            "curves": self._curves,
            "condition": self._condition,
        }

    def get(self, request: Request) -> Answer:
        """What is asked for; a store that cannot be read is told, and the page keeps what it has."""
        try:
            if request.path.startswith("transcripts/"):
                return self.transcripts.answer(request, self._known)
            if request.path in page.SCRIPTS:
                return Answer("text/javascript; charset=utf-8", page.SCRIPTS[request.path]().encode(), headers=KEEP)
            if request.path in page.STYLES:
                return Answer("text/css; charset=utf-8", page.STYLES[request.path]().encode(), headers=KEEP)
            if request.path not in self._answers:
                raise Refused(404, "there is nothing here")
            return self._answers[request.path](request)
        except (StoreError, OSError) as error:
            raise Refused(503, str(error)) from error

    def close(self) -> None:
        """Transcripts' viewers go."""
        self.transcripts.close()

    def _page(self, request: Request) -> Answer:
        return Answer("text/html; charset=utf-8", page.served(self.store.url).encode())

    def _now(self, request: Request) -> Answer:
        """The studies, each with a version that changes whenever a condition of it does."""
        moment = self.watch.moment()
        studies = [
            {
                "name": name,
                "version": moment.versions[name],
                "conditions": len(rows),
                "unfinished": sum(row.status == "incomplete" for row in rows),
            }
            for name, rows in moment.rows.items()
        ]
        return _json({"studies": studies}, request)

    def _table(self, request: Request) -> Answer:
        moment, study = self._study(request)
        kept = self._tables.get(study)
        if kept is None or kept["version"] != moment.versions[study]:
            kept = self._tables[study] = table(moment, study)
        return _json(kept | {"transcripts": self.transcripts.offer(moment.rows[study])}, request)

    def _findings(self, request: Request) -> Answer:
        moment, study = self._study(request)
        version, text = self.findings.html(moment, study)
        return _tagged(Answer("text/html; charset=utf-8", text.encode(), headers={"X-Version": version}), request)

    def _curves(self, request: Request) -> Answer:
        moment, study = self._study(request)
        ids = _one(request.query, "ids").split(",")
        if len(ids) > MOST_CHOSEN:
            raise Refused(400, f"at most {MOST_CHOSEN} conditions at once, got {len(ids)}")
        rows = {row.id: row for row in moment.rows[study]}
        chosen = [rows[id] for id in ids if id in rows]
        return _json(curves_of(self.watch, chosen, _one(request.query, "metric"), _one(request.query, "axis")), request)

    def _condition(self, request: Request) -> Answer:
        moment = self.watch.moment()
        row = self._known(_one(request.query, "id"))
        return _json(detail(moment, row) | {"transcripts": self.transcripts.count(row.id)}, request)

    def _study(self, request: Request) -> tuple[Moment, str]:
        moment, study = self.watch.moment(), _one(request.query, "study")
        if study not in moment.rows:
            raise Refused(404, f"no study {study!r} in this store")
        return moment, study

    def _known(self, id: str) -> Row:
        """A condition of the store: nothing else is ever looked for by an id."""
        for rows in self.watch.moment().rows.values():
            for row in rows:
                if row.id == id:
                    return row
        raise Refused(404, f"no condition {id!r} in this store")


def _one(query: Mapping[str, list[str]], name: str) -> str:
    if len(query.get(name, [])) != 1:
        raise Refused(400, f"expected one {name}=")
    return query[name][0]


def _json(content: Mapping[str, Any], request: Request) -> Answer:
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return _tagged(Answer("application/json", text.encode()), request)


def _tagged(answer: Answer, request: Request) -> Answer:
    """The answer with its tag, or only that nothing changed."""
    tag = f'"{hashlib.blake2b(answer.body, digest_size=12).hexdigest()}"'
    headers = {**answer.headers, "ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return Answer(answer.kind, b"", 304, headers)
    return Answer(answer.kind, answer.body, answer.status, headers)
