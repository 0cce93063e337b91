"""What `make package` runs: build sdist and wheel, and use the wheel where nothing of genlab is but the wheel.

The wheel must hold every file under src/genlab, bytes and all; a wheel built from the sdist must equal the one built from the
tree; and installed into an empty environment without any extra, genlab must list, cite, check a pack, run a study of one's own,
show it and report it, and say what to install for the rest. Needs a package index (or pip's cache), and a minute.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
TOY = f"{ROOT / 'examples' / 'toy_study.py'}:study"
EDGE = "edge_of_stability"
# What is typed, the exit code, and what it must say.
WORKS = [
    (["--version"], f"genlab {VERSION}"),
    (["list"], EDGE),
    (["cite", EDGE], "@inproceedings{cohen2021gradient,"),
    (["pack", "check", "english"], "0 errors"),
    (["pack", "split", "english", "--seed", "0", "--out", "parts"], "english-private.yaml"),
    (["run", TOY, "--seeds", "2", "--out", "store"], "holds"),
    (["show", "store"], "finished"),
]
WANTS = [
    (["run", EDGE], "pip install 'genlab[train]'"),
    (["run", "skill_composition"], "pip install 'genlab[sft]'"),
    (["run", "skill_mix"], "pip install 'genlab[sft]'"),
    (["run", TOY, "--mirror", "wandb", "--out", "other"], "pip install 'genlab[wandb]'"),
]
MADE = ["store/report.html", "parts/english-public.yaml"]


def main() -> None:
    """Build, compare, install, use; ends with one line, or with what is wrong."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="genlab-package-") as folder:
        place = Path(folder)
        sdist, wheel = _build(place)
        held = _same_as_the_tree(wheel)
        genlab = _install(place, wheel)
        used = _use(place, genlab)
    size = f"{wheel_size(held):.1f} MB in {len(held)} files"
    print(f"package: {sdist} and its wheel ({size}) built, installed alone, {used} commands; {time.monotonic() - began:.0f} s")


def wheel_size(held: dict[str, bytes]) -> float:
    """Megabytes of a wheel's files, unpacked."""
    return sum(map(len, held.values())) / 1e6


def _run(words: list[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the tree on Python's path."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    return subprocess.run([str(word) for word in words], cwd=cwd, env=ours, capture_output=True, text=True, check=False)


def _must(words: list[str | Path], cwd: Path, **environment: str) -> str:
    done = _run(words, cwd, **environment)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _pip(*words: str | Path, cwd: Path, **environment: str) -> None:
    _must([sys.executable, "-m", "pip", *words], cwd, PIP_DISABLE_PIP_VERSION_CHECK="1", **environment)


def _build(place: Path) -> tuple[str, Path]:
    """The sdist, and a wheel of the tree and one of the sdist, which must hold the same; the sdist's name, the second wheel."""
    backend, built, unpacked = place / "backend", place / "built", place / "unpacked"
    _pip("install", "--quiet", "--no-compile", "--target", backend, "hatchling", cwd=ROOT, PIP_CONSTRAINT="constraints.txt")
    hatch: list[str | Path] = [sys.executable, "-m", "hatchling", "build"]
    _must([*hatch, "-t", "sdist", "-t", "wheel", "-d", built], ROOT, PYTHONPATH=str(backend))
    sdist, of_tree = built / f"genlab-{VERSION}.tar.gz", built / f"genlab-{VERSION}-py3-none-any.whl"
    shutil.unpack_archive(sdist, unpacked)
    again = place / "again"
    _must([*hatch, "-t", "wheel", "-d", again], unpacked / f"genlab-{VERSION}", PYTHONPATH=str(backend))
    of_sdist = again / of_tree.name
    _equal("the wheel of the tree", _contents(of_tree), "the wheel of the sdist", _contents(of_sdist))
    return sdist.name, of_sdist


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def _equal(one: str, first: dict[str, bytes], other: str, second: dict[str, bytes]) -> None:
    wrong = [
        *(f"only in {one}: {name}" for name in sorted(first.keys() - second.keys())),
        *(f"only in {other}: {name}" for name in sorted(second.keys() - first.keys())),
        *(f"not the same in both: {name}" for name in sorted(first.keys() & second.keys()) if first[name] != second[name]),
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def _same_as_the_tree(wheel: Path) -> dict[str, bytes]:
    """Every file under src/genlab stands in the wheel as it is, and nothing else does; returns the wheel's files."""
    held = _contents(wheel)
    source = ROOT / "src"
    files = [path for path in (source / "genlab").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    tree = {path.relative_to(source).as_posix(): path.read_bytes() for path in files}
    _equal("src/", tree, "the wheel", {name: data for name, data in held.items() if name.startswith("genlab/")})
    strange = [name for name in held if not name.startswith(("genlab/", f"genlab-{VERSION}.dist-info/"))]
    if strange:
        sys.exit(f"in the wheel, and neither the package nor its metadata: {', '.join(strange)}")
    return held


def _install(place: Path, wheel: Path) -> Path:
    """An environment with the wheel and its dependencies as pinned, no extra; its genlab command."""
    empty = place / "empty"
    _must([sys.executable, "-m", "venv", "--without-pip", empty], place)
    python = empty / "bin" / "python"
    pins = str(ROOT / "constraints.txt")
    _pip("--python", python, "install", "--quiet", "--no-compile", wheel, cwd=place, PIP_CONSTRAINT=pins)
    where = _must([python, "-c", "import genlab; print(genlab.__file__)"], place).strip()
    if not where.startswith(str(empty)):
        sys.exit(f"import genlab found {where}, not the installed wheel in {empty}")
    return empty / "bin" / "genlab"


def _use(place: Path, genlab: Path) -> int:
    """What must work does, and what cannot says what to install; returns how many commands that were."""
    desk = place / "desk"
    desk.mkdir()
    checks = [*((words, 0, said) for words, said in WORKS), *((words, 2, said) for words, said in WANTS)]
    for words, code, said in checks:
        done = _run([genlab, *words], desk, NO_COLOR="1", COLUMNS="160")
        told = done.stdout + done.stderr
        if done.returncode != code or said not in told or "Traceback" in told:
            typed = " ".join(["genlab", *words])
            sys.exit(f"{typed}: expected exit code {code} and {said!r}, got {done.returncode} and:\n{told}")
    missing = [name for name in MADE if not (desk / name).exists()]
    if missing:
        sys.exit(f"not written: {', '.join(missing)}")
    shutil.rmtree(desk)
    return len(checks)


if __name__ == "__main__":
    main()
