"""What Inspect asks Python anew at every evaluation, though it cannot change while the tests run: asked once a process.

Which distribution brings which module takes a read of every installed file's name, a second or two a time.
"""

import functools
import importlib.metadata

if not hasattr(importlib.metadata.packages_distributions, "cache_info"):
    importlib.metadata.packages_distributions = functools.cache(importlib.metadata.packages_distributions)


def remember() -> None:
    """Ask now: for a fork server, whose processes then know."""
    importlib.metadata.packages_distributions()
