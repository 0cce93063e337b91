"""For a fork server to import: it asks once what its processes would ask each, and they heed PYTHONWARNINGS=error.

Python reads that variable when it starts, and a fork server starts before the test that sets it.
"""

import warnings
from typing import Any

from tests.remembered import remember

from genlab.running import pool

remember()
_child = pool._child


def strict(*arguments: Any) -> None:
    environment: Any = arguments[-1]
    if environment.get("PYTHONWARNINGS") == "error":
        warnings.simplefilter("error")
    _child(*arguments)


pool._child = strict  # type: ignore[assignment]
