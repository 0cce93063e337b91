"""The scripts that the page stands on, from the packages that ship them: plotly for curves, DataTables for the table.

DataTables and its extensions come with itables as one ES module, under the MIT licence.
"""

import functools
import importlib.resources
import importlib.util
import re
from pathlib import Path

from genlab.results.report import asset as report_asset

EXPORT = re.compile(r"export\s*\{([^}]*)\}")


@functools.cache
def plotly() -> str:
    """plotly.js, a classic script."""
    from plotly.offline import get_plotlyjs

    return _inlined(str(get_plotlyjs()))


@functools.cache
def datatables() -> str:
    """DataTables as a classic script that leaves ``jQuery`` behind, with ``jQuery.fn.DataTable``.

    A module cannot be imported by another one in a page opened from a file; wrapped in a function it needs not be.
    """
    text = _shipped("dt_bundle.js")
    found = list(EXPORT.finditer(text))[-1:]
    assert found, "this itables exports nothing"
    names = {name.strip(): local.strip() for local, _, name in (each.partition(" as ") for each in found[0][1].split(","))}
    assert "jQuery" in names, "this itables exports no jQuery"
    body = text[: found[0].start()] + text[found[0].end() :].lstrip().lstrip(";")
    return _inlined(f'(() => {{ "use strict";\n{body}\nglobalThis.jQuery = {names["jQuery"]};\n}})();\n')


@functools.cache
def table_style() -> str:
    """The styles of DataTables."""
    return _shipped("dt_bundle.css")


@functools.cache
def own_script() -> str:
    """The page's own scripts: the report's, which draws figures, then those of this package."""
    return "\n".join((report_asset("report.js"), *map(asset, ("plots.js", "filters.js", "conditions.js", "view.js"))))


@functools.cache
def own_style() -> str:
    """The page's own styles, the report's among them."""
    return report_asset("report.css") + report_asset("exhibits.css") + asset("view.css")


def asset(name: str) -> str:
    """A file of this package."""
    return importlib.resources.files("genlab.view").joinpath(name).read_text(encoding="utf-8")


def _shipped(name: str) -> str:
    """A file of itables, which is not imported: it brings its notebook's ways along."""
    found = importlib.util.find_spec("itables")
    assert found is not None, "itables is a dependency of genlab"
    assert found.origin is not None
    return Path(found.origin).with_name("html").joinpath(name).read_text(encoding="utf-8")


def _inlined(script: str) -> str:
    r"""A script in which nothing ends the element that it stands in: ``\x3c`` is ``<`` in every text of JavaScript."""
    script = script.replace("<!--", "\\x3c!--")
    assert not re.search("</script|<!--", script, re.IGNORECASE), "a script would end early"
    return script
