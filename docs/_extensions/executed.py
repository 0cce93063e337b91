"""Tutorials are plain Python files in cells, run anew by every build: a page shows what this genlab does.

A cell that fails fails the build. Each page begins with a link to the notebook as it was run, beside it in the site.
"""

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbclient.client
from jupyter_client.manager import AsyncKernelManager
from sphinx.application import Sphinx
from traitlets import Bool, Type, Unicode

DOWNLOAD = """<p class="notebook">Run when this site was built, on a CPU.
<a class="reference download" href="{name}.ipynb" download>Download the notebook</a></p>"""
WIDTH = 100  # characters of what commands print


class Private(AsyncKernelManager):
    """Kernels that nobody else on this machine can listen to."""

    transport_encryption = Unicode("auto")


class Tidy(nbclient.client.NotebookClient):
    """Outputs as a reader would have them: what a command prints is one text, not a hundred characters at a time."""

    coalesce_streams = Bool(True)
    kernel_manager_class = Type(default_value=Private, klass=AsyncKernelManager)


def setup(app: Sphinx) -> dict[str, Any]:
    """Make kernels private and tidy, and their notebooks part of the site."""
    app.setup_extension("myst_nb")
    nbclient.client.NotebookClient = Tidy  # which is what myst-nb runs, and takes no settings for
    logging.getLogger("traitlets").setLevel(logging.WARNING)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where their genlab is
    os.environ["COLUMNS"] = str(WIDTH)
    os.environ["OMP_NUM_THREADS"] = "1"  # pages are read at once, one a core
    os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # a kernel without widgets draws bars as text
    app.connect("env-before-read-docs", spread)
    app.connect("html-page-context", on_page)
    app.connect("build-finished", on_end)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def spread(_: Sphinx, __: Any, pages: list[str]) -> None:
    """Put the tutorials evenly among the other pages: Sphinx deals them to its processes in runs of the list."""
    slow = [page for page in pages if page.startswith("tutorials/")]
    rest = [page for page in pages if page not in slow]
    for number, page in enumerate(slow):
        rest.insert(number * (len(pages) // max(1, len(slow))), page)
    pages[:] = rest


def notebooks(app: Sphinx) -> Path:
    """Where myst-nb leaves the notebooks that it ran: beside the site."""
    return Path(app.outdir).parent / "jupyter_execute"


def on_page(app: Sphinx, page: str, _: str, context: dict[str, Any], __: Any) -> None:
    """Put the link before a tutorial's text."""
    if (notebooks(app) / f"{page}.ipynb").is_file():
        context["body"] = DOWNLOAD.format(name=Path(page).name) + context["body"]


def on_end(app: Sphinx, error: Exception | None) -> None:
    """Move the notebooks into the site; other builders make none."""
    if error is None and app.builder.format == "html":
        for notebook in notebooks(app).rglob("*.ipynb"):
            shutil.copy(notebook, Path(app.outdir) / notebook.relative_to(notebooks(app)))
    shutil.rmtree(notebooks(app), ignore_errors=True)
