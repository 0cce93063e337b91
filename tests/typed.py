"""Commands as typed, in this process: its libraries are imported already, and its fork server is warm.

What a process of its own would show besides (that it starts, stops by Ctrl-C, dies) is shown by tests/laws and tests/running.
"""

import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from genlab.cli import main


def typed(words: Sequence[str], folder: Path, *, code: int = 0, **environment: str) -> str:
    """What ``genlab WORDS`` says in ``folder``, errors last; ``environment`` is added to this process's for as long."""
    said, complained = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["genlab", *words])
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    told = said.getvalue() + complained.getvalue()
    assert (ended.value.code or 0) == code, told
    return told
