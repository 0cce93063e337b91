"""Pages that the command line serves: said where, opened, and closed by Ctrl-C."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genlab.cli.screen import out

if TYPE_CHECKING:
    from genlab.loopback import Server


def until_interrupted(server: "Server", said: str, *, after: Sequence[str] = (), browser: bool) -> None:
    """Say what is served and its address, open it where there is a ``browser``, and wait for Ctrl-C."""
    import webbrowser

    try:
        out.print(said, markup=False, soft_wrap=True)
        out.print(f"  {server.url}", markup=False, soft_wrap=True)
        for line in after:
            out.print(line, markup=False, soft_wrap=True)
        if browser:
            webbrowser.open(server.url)
        server.wait()
    except KeyboardInterrupt:
        out.print("")
    finally:
        server.close()
