"""Where and with what a condition ran: enough to tell two runs apart, and nothing secret."""

import functools
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

# What a measured number can depend on.
PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "inspect-ai", "transformers", "trl", "peft")


@functools.cache
def commit() -> str:
    """The commit genlab runs from, with "-dirty" where the tree has changes; empty for an installed wheel.

    Where a cluster was sent genlab without its repository, the sender says it, in ``GENLAB_COMMIT``.
    """
    here = Path(__file__).resolve().parent
    if not any((folder / ".git").exists() for folder in here.parents[:3]):
        return os.environ.get("GENLAB_COMMIT", "")

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD")[:12] + ("-dirty" if git("status", "--porcelain", "--", str(here)) else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


@functools.cache
def _versions(packages: tuple[str, ...]) -> Mapping[str, str]:
    """Versions of those that are installed. Read once a process: it takes 70 ms, and what is loaded stays."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def environment(*, device: str, threads: int) -> dict[str, str]:
    """What to keep beside a condition's records."""
    return {
        **_versions(("genlab",)),
        "commit": commit(),
        "python": platform.python_version(),
        **_versions(PACKAGES),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "device": device,
        "threads": str(threads),
    }
