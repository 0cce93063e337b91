"""The review page: one HTML file that asks nothing of the network but, when served, its own server to save each click."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from genlab.review.items import digest
from genlab.review.rateable import Rateable
from genlab.review.shown import shown


@dataclass(frozen=True)
class Page:
    """A page and the security policy that it states, for a server to state again."""

    html: str
    policy: str


@dataclass(frozen=True)
class Look:
    """The files that a kind of page is made of: its template, styles and scripts, in this order."""

    template: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


TEXTS = Look("page.html.jinja", ("look.css", "page.css"), ("clicks.js", "page.js", "door.js"))
PAIRS = Look("pairs.html.jinja", ("look.css", "page.css", "pairs.css"), ("clicks.js", "pairs.js", "door.js"))


def page(items: Sequence[Rateable], *, served: bool = False, look: Look = TEXTS) -> Page:
    """The page on which ``items`` are rated.

    Args:
        items: from ``items.choose`` or ``pairs.choose``.
        served: save to the server that the page came from; else in the browser, for a download.
        look: of texts or of pairs.
    """
    style, script = "".join(map(asset, look.styles)), "".join(map(asset, look.scripts))
    allowed = policy(scripts=[script], styles=[style], connect="'self'" if served else "'none'")
    given = {
        "mode": "served" if served else "offline",
        "review": digest(items),
        "items": [item.to_page() for item in sorted(items, key=lambda item: item.id)],
    }
    return Page(rendered(look.template, policy=allowed, style=style, script=script, given=given), allowed)


def rendered(
    template: str, *, policy: str, style: str, script: str = "", given: Mapping[str, Any] | None = None, **values: Any
) -> str:
    """A template of this package as a whole page: everything but ``style``, ``script`` and ``given`` is escaped."""
    assert not re.search("</script|<!--", script, re.IGNORECASE), "the script would end early"
    assert "</style" not in style.lower(), "the style would end early"
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
        loader=FunctionLoader(asset),
    )
    text = environment.get_template(template).render(
        policy=policy, style=Markup(style), script=Markup(script), given=embedded(given or {}), **values
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a model's text may hold half a character


def policy(*, scripts: Iterable[str] = (), styles: Iterable[str] = (), connect: str = "'none'") -> str:
    """A policy under which only these very scripts and styles have an effect."""
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src data:; connect-src {connect}; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded(content: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _seen(value: Any) -> Any:
    """What a template prints: characters that cannot be seen are named, whoever wrote them."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def asset(name: str) -> str:
    """A file of this package."""
    return resources.files("genlab.review").joinpath(name).read_text(encoding="utf-8")


def _hashes(texts: Iterable[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    return " ".join(f"'sha256-{each}'" for each in digests) or "'none'"
