"""What the documentation shows is executed.

Every ``python`` block of a page runs in one namespace a page, ``>>>`` sessions as doctests. In ``console`` blocks every
``$ genlab ...`` line runs as the installed command does (``make package`` types some); what it prints is for the reader and
not compared. All of it happens in an empty folder with a copy of ``examples/``. What is too slow or needs what the tests have
not is marked on the line before the block: ``<!-- not executed: reason -->``.
"""

import doctest
import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.typed import typed

ROOT = Path(__file__).parent.parent
HISTORY = {"docs/log.md", "CHANGELOG.md"}  # dated: they show what was true then
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])
]
EXECUTED = [page for page in PAGES if page not in HISTORY]
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>[\w-]*)\n(?P<text>.*?)^(?P=indent)``` *$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"^ *<!-- not executed:(?P<reason>(?:(?!-->).)*)-->\s*\Z", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"""\]\((?P<target>[^)\s]+)\)|(?:src|srcset|href)="(?P<attribute>[^"]+)\"""")
READ_ONLY = {"list", "show", "report", "cite", "pack"}
FEW_STEPS = 500


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line it starts at, and why it is not executed (None: it is)."""

    kind: str
    text: str
    line: int
    skipped: str | None


def blocks(page: str) -> Iterator[Block]:
    text = (ROOT / page).read_text()
    for fence in FENCE.finditer(text):
        mark = MARK.search(text[: fence.start()])
        line = text.count("\n", 0, fence.start()) + 2
        yield Block(fence["kind"], textwrap.dedent(fence["text"]), line, mark["reason"].strip() if mark else None)


def commands(block: Block) -> list[list[str]]:
    """The ``$ genlab ...`` lines of a console block as words, continued lines joined."""
    joined = block.text.replace("\\\n", " ")
    lines = [shlex.split(line[2:], comments=True) for line in joined.splitlines() if line.startswith("$ ")]
    return [["genlab", *words[1:]] for words in lines if words and words[0] in {"genlab", ".venv/bin/genlab"}]


def cheap(words: list[str]) -> bool:
    """Whether a command takes seconds: it reads, prices or helps, runs a study of ``examples/``, or one seed of few steps."""
    if {"--help", "--version", "--dry-run"} & set(words) or READ_ONLY & set(words[1:2]):
        return True
    steps = [int(word.removeprefix("steps=")) for word in words if re.fullmatch(r"steps=\d+", word)]
    small = "--seeds 1" in " ".join(words) and bool(steps) and steps[-1] <= FEW_STEPS
    return words[1:2] == ["run"] and (small or any(word.startswith("examples/") for word in words))


def execute(block: Block, page: str, namespace: dict[str, Any]) -> None:
    where = f"{page}, line {block.line}"
    if block.kind == "python" and ">>>" in block.text:
        session = doctest.DocTestParser().get_doctest(block.text, namespace, where, page, block.line - 1)
        report: list[str] = []
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session, out=report.append, clear_globs=False)
        assert not result.failed, "".join(report)
        namespace.update(session.globs)
    elif block.kind == "python":
        exec(compile("\n" * (block.line - 1) + block.text, str(ROOT / page), "exec"), namespace)
    elif block.kind == "console":
        for words in commands(block):
            assert cheap(words), (
                f"{where}: too slow to execute: {shlex.join(words)}. Write <!-- not executed: reason --> before it."
            )
            print(f"{where}: {shlex.join(words)}")
            typed(words[1:], Path.cwd(), COLUMNS="120", NO_COLOR="1", PYTHONWARNINGS="error")


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("page", EXECUTED)
def test_what_a_page_shows_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "documentation"}
    for block in blocks(page):
        if block.skipped is None:
            execute(block, page, namespace)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_uses_fences_that_are_executed_and_reasons_where_they_are_not(page: str) -> None:
    text = (ROOT / page).read_text()
    found = list(blocks(page))
    assert [block.line for block in found if block.kind in {"bash", "sh", "shell", "shell-session", "py"}] == [], (
        "write console or python"
    )
    assert [block.line for block in found if block.skipped is not None and len(block.skipped) < 10] == [], "a reason, in words"
    assert len(re.findall(r"^ *<!-- not executed", text, re.MULTILINE)) == sum(block.skipped is not None for block in found), (
        "a mark stands right before its block"
    )


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_exists(page: str) -> None:
    prose = FENCE.sub("", (ROOT / page).read_text())
    targets = [match["target"] or match["attribute"] for match in LINK.finditer(prose)]
    here = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in here if not ((ROOT / page).parent / target).exists()] == []


def test_every_page_has_its_line_in_the_contents_of_the_site() -> None:
    contents = (ROOT / "docs" / "index.md").read_text().splitlines()
    written = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs" / "tutorials").glob("*.py")]
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in written}
    listed = [line for line in contents if line in pages]
    assert sorted(pages - {"index"}) == sorted(listed), "docs/index.md: one line a page, in the list where readers look for it"


def test_a_marked_block_is_left_out_and_an_unmarked_slow_one_is_refused() -> None:
    slow = Block("console", "$ genlab run edge_of_stability --preset paper\n...\n", 1, None)
    with pytest.raises(AssertionError, match="too slow to execute"):
        execute(slow, "page.md", {})
    assert commands(Block("console", "$ make run\n$ .venv/bin/genlab show \\\n    runs  # all\nout\n", 1, None)) == [
        ["genlab", "show", "runs"]
    ]
