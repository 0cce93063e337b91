"""Laws of the house: names, sizes, what an import costs, and that versions and pins agree with each other."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import genlab

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SAYS_NOTHING = {"utils", "util", "common", "misc", "helpers", "helper", "base"}
MOST_LINES = 400
SLOW_TO_IMPORT = ["numpy", "torch", "pandas", "duckdb", "plotly", "matplotlib", "scipy", "sklearn", "pyarrow"]
TRAIN_ONLY = ["torch", "jaxtyping", "sklearn", "datasets", "inspect_ai", "openai"]


def sources(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)


def python(code: str) -> str:
    """Run code in an interpreter of its own; its output, or its traceback as this test's failure."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def requirements() -> list[str]:
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    return [each for each in [*PROJECT["dependencies"], *extras] if not each.startswith("genlab[")]


def test_a_module_name_says_what_it_is_about() -> None:
    paths = sources("src", "tests", "examples", "benchmarks")
    names = {path: {part.strip("_").removesuffix(".py") for part in path.relative_to(ROOT).parts} for path in paths}
    words = {path: {word for name in parts for word in name.split("_")} for path, parts in names.items()}
    assert [str(path.relative_to(ROOT)) for path in paths if words[path] & SAYS_NOTHING] == []


def test_no_source_file_is_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in sources("src", suffixes=(".py", ".jinja", ".css", ".js"))
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_help_imports_nothing_heavy() -> None:
    loaded = python(f"""
import contextlib, io, sys
from genlab.cli import main
sys.argv = ["genlab", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main()
assert "run" in said.getvalue(), said.getvalue()
print([name for name in {SLOW_TO_IMPORT} if name in sys.modules])
""")
    assert loaded.strip() == "[]"


def test_the_base_install_needs_no_torch() -> None:
    python(f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({TRAIN_ONLY}))  # importing any of them now raises ImportError
import genlab, genlab.chance, genlab.cli, genlab.grading, genlab.intervals, genlab.results, genlab.review, genlab.running
import genlab.skills, genlab.studies.skill_mix, genlab.studies.study, genlab.view
packages = (genlab.grading, genlab.results, genlab.review, genlab.running, genlab.skills, genlab.studies.skill_mix, genlab.view)
for package in packages:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
""")


def test_the_version_has_one_source() -> None:
    assert genlab.__version__ == PROJECT["version"] == version("genlab")
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("requirement", requirements())
def test_a_requirement_has_a_lower_bound_and_no_upper_one(requirement: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+(\[[a-z0-9]+\])?>=[0-9.]+", requirement)


def test_the_constraints_pin_every_requirement_and_fit_any_build_of_torch() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", pin)] == []
    pinned = {pin.partition("==")[0].lower().replace("_", "-") for pin in pins}
    assert {re.split(r"[\[>]", each)[0] for each in requirements()} <= pinned
    assert "torch==2.13.0" in pins
