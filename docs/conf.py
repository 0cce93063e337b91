"""The documentation as a site: ``make docs``. The pages are those of this folder, as they are read in the repository.

Some things are made while the pages are read. A link to a file of the repository becomes a link to the page that shows it. The
marker ``<!-- public names: genlab.probes -->`` becomes the reference of the public names that live there, ``<!-- examples -->``
the scripts, ``<!-- commands -->`` what the command line says of itself. A public name that no page shows is a warning, and
warnings fail the build.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from sphinx.application import Sphinx
from sphinx.util import logging

import genlab
from genlab.cli import app as command_line

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_extensions"))
LOGGER = logging.getLogger(__name__)

project = "genlab"
author = "genlab maintainers"
project_copyright = "genlab maintainers, Apache-2.0"
version = release = genlab.__version__

extensions = [
    "executed",  # the tutorials, run and read by myst-nb, which reads the other pages by myst-parser
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx.ext.duration",
]
exclude_patterns = ["figures", "conf.py", "_extensions"]
nitpicky = False  # types of other packages have no page here

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}  # cells of a plain Python file
nb_execution_mode = "force"  # every build runs them: a page shows what this genlab does
nb_execution_in_temp = True
nb_execution_show_tb = True  # a cell that fails is a warning, and so fails the build
nb_execution_timeout = 300  # seconds a cell

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
napoleon_use_ivar = True  # fields are listed once, in the class's own text
python_display_short_literal_types = True
python_maximum_signature_line_length = 90
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"genlab {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"footer_icons": []}
copybutton_prompt_text = r"\$ |>>> |\.\.\. "  # prompts and what commands print are not copied
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

linkcheck_anchors = False
linkcheck_timeout = 20

# Which page shows a file that is not a page of this folder; a study's README is the page studies/NAME.
SHOWN = {"README.md": "/start.md", "CHANGELOG.md": "/changelog.md", "CONTRIBUTING.md": "/contributing.md"}
STUDY = re.compile(r"src/genlab/studies/(\w+)/README\.md")
EXAMPLE = re.compile(r"examples/(\w+)\.py")
LINK = re.compile(r"\]\((?!https?:|mailto:|#|/)(?P<file>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
NAMES = re.compile(r"<!-- public names: (?P<packages>[\w., ]+) -->")


def at_home(text: str, folder: Path) -> str:
    """A page's text with its links to files as links from the root of the site; code is left as it is."""
    pieces, end = [], 0
    for fence in FENCE.finditer(text):
        pieces += [LINK.sub(lambda link: _at_home(link, folder), text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*pieces, LINK.sub(lambda link: _at_home(link, folder), text[end:])])


def _at_home(link: re.Match[str], folder: Path) -> str:
    file = Path(os.path.normpath(folder / link["file"]))
    inside = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else link["file"]
    study, example = STUDY.fullmatch(inside), EXAMPLE.fullmatch(inside)
    if study:
        inside = f"/studies/{study[1]}.md"
    elif example:
        return f"](/examples.md#{example[1]}py)"
    elif inside in SHOWN or file.is_relative_to(DOCS):
        inside = SHOWN.get(inside) or f"/{file.relative_to(DOCS)}"
    else:
        inside = f"path:/../{inside}"  # a file to download, not a page
    return f"]({inside}{link['anchor'] or ''})"


def names_of(packages: str) -> list[str]:
    """The public names whose home lies in one of the packages, in alphabetical order."""
    homes = [package.strip() for package in packages.split(",")]
    return [name for name in genlab.__all__ if any(f"{genlab._HOMES[name]}.".startswith(f"{home}.") for home in homes)]


def reference(packages: str) -> str:
    """The reference of the public names of some packages."""
    return "\n".join(["```{eval-rst}", *_documented(names_of(packages)), "```"])


def left_out() -> list[str]:
    """Public names that no page shows. Read from the pages: a build reads anew only those that changed."""
    pages = "".join(page.read_text() for page in sorted((DOCS / "reference").glob("*.md")))
    shown = {name for marker in NAMES.finditer(pages) for name in names_of(marker["packages"])}
    return sorted(set(genlab.__all__) - shown)


def _documented(names: list[str]) -> Iterator[str]:
    for name in names:
        kind = "autoclass" if isinstance(getattr(genlab, name), type) else "autofunction"
        yield from (f".. {kind}:: genlab.{name}", "")


def examples() -> str:
    """Every script of ``examples/``, under its name."""
    scripts = sorted((ROOT / "examples").glob("*.py"))
    return "\n\n".join(f"## {path.name}\n\n```{{literalinclude}} ../examples/{path.name}\n```" for path in scripts)


def norms(lines: list[str]) -> None:
    """Keep ``|w|`` in docstrings a norm: for reStructuredText it would be a name to substitute."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            pieces = re.split(r"(``.*?``)", line)
            lines[number] = "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in pieces)


def commands() -> str:
    """The help of every command, its subcommands below it."""
    pages = ["```{code-block} text", _help(typer.main.get_command(command_line), "genlab"), "```"]
    for words, command in _commands(typer.main.get_command(command_line), "genlab"):
        pages += [f"\n## {words}\n", "```{code-block} text", _help(command, words), "```"]
    return "\n".join(pages)


def _commands(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield f"{words} {name}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{words} {name}")


def _help(command: Any, words: str) -> str:
    with typer.Context(command, info_name=words, terminal_width=110, max_content_width=110) as context:
        return str(context.get_help())


def setup(app: Sphinx) -> dict[str, Any]:
    """Rewrite pages as they are read, and check at the end that no public name was left out."""

    def on_page(_: Sphinx, name: str, source: list[str]) -> None:
        text = at_home(source[0], (DOCS / name).parent)
        text = NAMES.sub(lambda marker: reference(marker["packages"]), text)
        for marker, made in (("<!-- examples -->", examples), ("<!-- commands -->", commands)):
            text = text.replace(marker, made()) if marker in text else text
        source[0] = text

    def on_include(_: Sphinx, path: Path, __: str, content: list[str]) -> None:
        content[0] = at_home(content[0], (DOCS / path).resolve().parent)

    def on_end(_: Sphinx, __: Any) -> None:
        if missing := left_out():
            LOGGER.warning("public names that no page of docs/reference/ shows: %s", ", ".join(missing))

    app.connect("source-read", on_page)
    app.connect("autodoc-process-docstring", lambda *given: norms(given[-1]), priority=400)  # before napoleon
    app.connect("include-read", on_include)
    app.connect("env-check-consistency", on_end)
    return {"version": version, "parallel_read_safe": True}
