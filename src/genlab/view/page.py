"""The page itself: served, it asks its server for what it shows; in one file, it carries everything with it."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from genlab.results.report import embedded, policy
from genlab.view import library
from genlab.view.library import asset
from genlab.view.look import PALETTE

SCRIPTS = {"plotly.js": library.plotly, "table.js": library.datatables, "view.js": library.own_script}
STYLES = {"table.css": library.table_style, "view.css": library.own_style}
SERVED = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def served(place: str) -> str:
    """The page that its server fills; scripts and styles are files beside it, which a browser keeps.

    Args:
        place: of the store, as a reader knows it.
    """
    return _page(place, policy=SERVED, scripts={}, styles={}, given={"mode": "served", "palette": PALETTE}, parts={})


def whole(place: str, given: Mapping[str, Any], parts: Mapping[str, str]) -> str:
    """The page in one file that opens anywhere and asks nothing of any network.

    Args:
        place: of the store, as a reader knows it.
        given: what the script reads: ``genlab.view.export`` says what.
        parts: of each study what it found, as ``genlab.view.findings`` makes it.
    """
    scripts = {name: make() for name, make in SCRIPTS.items()}
    return _page(
        place,
        policy=policy(list(scripts.values())),
        scripts=scripts,
        styles={name: make() for name, make in STYLES.items()},
        given={"mode": "file", "palette": PALETTE, **given},
        parts=parts,
    )


def _page(
    place: str,
    *,
    policy: str,
    scripts: Mapping[str, str],
    styles: Mapping[str, str],
    given: Mapping[str, Any],
    parts: Mapping[str, str],
) -> str:
    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("view.html.jinja").render(
        place=place,
        policy=policy,
        scripts={name: Markup(scripts.get(name, "")) for name in SCRIPTS},
        styles={name: Markup(styles.get(name, "")) for name in STYLES},
        given=embedded(given),
        parts={name: Markup(part) for name, part in parts.items()},
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a model's text may hold half a character
