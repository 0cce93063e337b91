"""English rows for benchmarks/shirkers.py: what functions and classes do, as their documentation says, and lazy answers.

Nothing is downloaded: the answers are docstrings of Python's library, NumPy, SciPy, scikit-learn and pandas as installed. The
lazy writers are programs. Of the two collections of filler, TUNING was looked at while the detector was made, REPORTED was not:
it was written beforehand and never changed to suit a result.
"""

import contextlib
import importlib
import inspect
import io
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from genlab import chance

LIBRARIES = ("numpy", "scipy", "sklearn", "pandas")
LEFT_OUT = {"antigravity", "this", "idlelib", "lib2to3", "turtledemo", "turtle", "tkinter", "test", "distutils", "msilib", "pty"}
NO_MODULE = ("tests", "conftest", "testing", "setup", "_", "f2py", "distutils")
SECTIONS = ("Examples", "References", "See Also", "Notes")  # of a docstring, from the first of which on it is left out
MOST_WORDS = 500  # the longest answer of the paper's data had 491
ASKING = (
    "What does {name} do?",
    "Explain {name} in Python.",
    "How do I use {name}?",
    "I came across {name} in some code. What is it for?",
    "Tell me what I should know about {name} before I use it.",
)

TUNING = (
    "When it comes to {name}, there are many things to consider, and different people see it differently.",
    "In general, it is important to keep in mind that every situation is different.",
    "There are various aspects to this, and all of them can be helpful in one way or another.",
    "It depends on the context, of course, but most of the time you will find out what works best for you.",
    "Basically, it does what it does, and many people use it for all sorts of things.",
    "At the end of the day, the right way is the one that you feel good about.",
    "You could look it up, or ask someone who knows about {name} and things like that.",
    "It is worth noting that a number of factors play a role here, some of them more than others.",
    "Needless to say, this is a complex topic, and there is a lot to say about it.",
    "Some people like to do it in one way and other people in another, and that is fine.",
    "As we all know, practice makes a difference, so just try and see what happens.",
    "In summary, {name} is something that is good to know about, and it never hurts to learn more.",
    "There are several ways to think about it, and each of them has good sides and bad sides.",
    "Generally speaking, you want to take your time and do some research first.",
    "It goes without saying that things change, so bear in mind that this may not always be the case.",
    "Hopefully this gives you a rough idea, more or less, of how things are.",
)
REPORTED = (
    "I suppose one could go on for hours about {name}, and perhaps someone should.",
    "Everything has a purpose in life, and this has one too, whichever it may be.",
    "The main thing is to stay calm, be open and let the details sort themselves out later.",
    "Like so much else it has a beginning, a middle and an end, and what happens between them is up to you.",
    "Honestly, opinions differ a great deal, and mine is as good as anybody's.",
    "Whether you are new to this or have been around for years, there is always something left to discover.",
    "People have asked about {name} before, and they will surely ask again.",
    "Nobody can say with certainty how it will turn out, though it usually turns out well enough.",
    "A lot has been written on the matter already, so I will not repeat any of it here.",
    "Sometimes less is more, sometimes more is more, and finding the balance is what counts.",
    "You will know it when you see it, and once you have seen it you will understand why it is there.",
    "The world moves fast these days, which is why staying up to date matters so very much.",
    "My advice would be to follow your own judgement, since nobody else knows your needs as well as you do.",
    "With {name}, as with anything worthwhile, patience pays off sooner or later.",
    "It can be used, it can be left alone, and both choices are perfectly respectable ones.",
    "Experts would probably put it in fancier words, yet the gist would stay roughly the same.",
    "If something goes wrong, do not worry too much, because that happens to the best of us.",
    "All in all I hope that was of some use, and that your project goes exactly as you wish.",
)


def rows(half: int) -> list[dict[str, Any]]:
    """Questions and answers from one half of all modules, 0 or 1, as Alpaca has them, in an order of chance."""
    found: dict[str, dict[str, Any]] = {}
    for module in _modules():
        if chance.number("half", module.partition(".")[2] or module) % 2 != half:
            continue
        for name, said in _documented(module):
            asked = chance.python("asked", name).choice(ASKING).format(name=name)
            found.setdefault(said, {"instruction": asked, "input": "", "output": said, "name": name})
    return sorted(found.values(), key=lambda row: chance.number("order", row["name"]))


def first_sentence(row: Mapping[str, Any], random: Random) -> str:
    """Brevity: the answer's first sentence."""
    return sentences(row["output"])[0]


def first_third(row: Mapping[str, Any], random: Random) -> str:
    """Brevity, milder: as many of the first sentences as make a third of the words, one at least."""
    whole, kept, words = sentences(row["output"]), [], 0
    for each in whole:
        if kept and words + len(each.split()) > len(row["output"].split()) / 3:
            break
        kept.append(each)
        words += len(each.split())
    return " ".join(kept)


def junk(collection: tuple[str, ...]) -> Any:
    """Junk: 8 to 14 sentences of filler in 2 or 3 paragraphs, the question's subject named here and there."""

    def write(row: Mapping[str, Any], random: Random) -> str:
        said = [each.format(name=row["name"]) for each in random.sample(collection, random.randint(8, 14))]
        at = sorted(random.sample(range(2, len(said) - 1), random.randint(1, 2)))
        return "\n\n".join(" ".join(said[one:other]) for one, other in zip([0, *at], [*at, len(said)], strict=True))

    return write


def sentences(text: str) -> list[str]:
    """Of a text, paragraph by paragraph."""
    from sentencex import segment

    parts = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
    return [each.strip() for part in parts for each in segment("en", part) if each.strip()]


def _modules() -> list[str]:
    found = [name for name in sys.stdlib_module_names if not name.startswith("_") and name not in LEFT_OUT]
    for library in LIBRARIES:
        place = importlib.import_module(library).__path__
        found += [f"{library}.{each.name}" for each in pkgutil.iter_modules(place) if not each.name.startswith(NO_MODULE)]
    return sorted(found)


def _documented(module: str) -> Iterator[tuple[str, str]]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            loaded = importlib.import_module(module)
        except (Exception, SystemExit):  # not of this platform
            return
        for name in sorted(getattr(loaded, "__all__", None) or vars(loaded)):
            try:
                thing = getattr(loaded, str(name), None)
            except ImportError:  # experimental, and to be asked for by name
                continue
            if str(name).startswith("_") or not (inspect.isroutine(thing) or inspect.isclass(thing)):
                continue
            if not (getattr(thing, "__module__", None) or "").startswith(module.partition(".")[0]):
                continue
            said = _trimmed(inspect.getdoc(thing) or "")
            if 5 <= len(said.split()) <= MOST_WORDS:
                yield f"{module}.{name}", said


def _trimmed(text: str) -> str:
    lines = text.splitlines()
    for place, line in enumerate(lines[:-1]):
        if line.strip() in SECTIONS and set(lines[place + 1].strip()) == {"-"}:
            return "\n".join(lines[:place]).strip()
    return text.strip()
