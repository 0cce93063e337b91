"""``genlab view``: a local page on a store, or the same as one file."""

from typing import TYPE_CHECKING, Annotated

import typer

from genlab.cli.screen import out, usage
from genlab.cli.serving import until_interrupted

if TYPE_CHECKING:
    from genlab.results.store import Store


def view(
    store: Annotated[str, typer.Argument(help="A store: the folder or fsspec URL given to --out, also while a run fills it")],
    port: Annotated[int, typer.Option(help="Of the page, on this machine only; 0 takes a free one")] = 0,
    export: Annotated[str | None, typer.Option(help="Write the page as one HTML file for a colleague, and end")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print where the page is")] = False,
) -> None:
    """Look at a store in the browser: verdicts, conditions, curves, pictures, transcripts; live while a run goes on."""
    with usage():
        from genlab.results.store import opened

        found = opened(store)
        if export:
            _export(found, export)
        else:
            _serve(found, port, no_browser)


def _export(store: "Store", file: str) -> None:
    from genlab.view.export import export

    done = export(store, file)
    out.print(f"wrote {done.path}: {done.size / 1e6:.1f} MB; it opens anywhere, without a network", markup=False)
    for note in done.notes:
        out.print(f"  {note}", markup=False, soft_wrap=True)


def _serve(store: "Store", port: int, no_browser: bool) -> None:
    import os

    from genlab.view.service import serve

    server = serve(store, port=port)
    far = bool(os.environ.get("SSH_CONNECTION"))
    where = "You are on another machine: on your own" if far else "From another machine"
    forward = f"  ssh -L {server.port}:127.0.0.1:{server.port} THIS_MACHINE"
    until_interrupted(
        server,
        f"{store.url}: whoever has this address can read the store. End with Ctrl-C.",
        after=(f"{where}, type this and open the same address there:", forward),
        browser=not no_browser and not far,
    )
