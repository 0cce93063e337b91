"""The skills of skillworld as a pack: ten figures on each of six scales, and eight things that a sentence as a whole can do."""

import functools
from collections.abc import Sequence
from dataclasses import replace

from genlab import chance
from genlab.skills.pack import Pack
from genlab.skills.skill import Exemplar, Skill, Topic
from genlab.skillworld.grammar import FIGURES
from genlab.skillworld.showing import described
from genlab.skillworld.teacher import write
from genlab.skillworld.words import MINDS, SCALES, TOPICS, VERBS, poles

VERSION = "1.0.0"
TRAINED = ("rise and fall", "echo", "contrast", "mind")  # categories that the study trains on; the others are held out
HELD_OUT = ("symmetry", "logic", "voice")
ABOUT = "Ten figures of speech on six scales, and eight turns of a sentence, in a small formal language that a program checks."
SOURCE, LICENCE = "written for genlab", "Apache-2.0"
EXEMPLARS_OF = (1, 2, 3, 4)  # skills of the texts that measure a grader beside the checker
EXEMPLARS = 3  # of each

CATEGORY_OF = {
    **dict.fromkeys(("climax", "anticlimax"), "rise and fall"),
    **dict.fromkeys(("faint echo", "strong echo"), "echo"),
    **dict.fromkeys(("correction", "paradox"), "contrast"),
    **dict.fromkeys(("frame", "choice"), "symmetry"),
    **dict.fromkeys(("condition", "reason"), "logic"),
    **dict.fromkeys(MINDS, "mind"),
    **dict.fromkeys(("address", "hedge", "denial", "exclamation"), "voice"),
}
_MEANING = {
    "climax": "Describes one thing by three words of {scale} that rise, with commas: low ({low}), {middle}, high ({high}).",
    "anticlimax": "Describes one thing by three words of {scale} that fall, with commas: high ({high}), {middle}, low ({low}).",
    "faint echo": "Describes one thing by two low words of {scale} ({low}), with a comma between them.",
    "strong echo": "Describes one thing by two high words of {scale} ({high}), joined by 'and'.",
    "correction": "Rejects a low word of {scale} ({low}) for a high one ({high}): 'not' the one 'but' the other.",
    "paradox": "Calls one thing a high word of {scale} ({high}) 'yet' a low one ({low}).",
    "frame": "Puts a high word of {scale} ({high}) between two low ones ({low}), with commas.",
    "choice": "Leaves open which of three words of {scale} is right: a high one ({high}) 'or' a low one ({low}) 'or' a high one.",
    "condition": "Settles for a low word of {scale} ({low}) 'if not' a high one ({high}).",
    "reason": "Says why a high word of {scale} ({high}) is right: 'because not' a low one ({low}).",
    "belief": "Says what a person takes to be so: somebody 'thinks that'.",
    "fear": "Says what a person is afraid of: somebody 'fears that'.",
    "hope": "Says what a person wishes for: somebody 'hopes that'.",
    "doubt": "Says what a person finds hard to believe: somebody 'doubts that'.",
    "address": "Speaks to a thing before saying something: 'Oh', the thing, a comma.",
    "hedge": "Says 'perhaps' of what follows.",
    "denial": "Says 'never' of what a thing does.",
    "exclamation": "Ends a sentence with '!' in place of a full stop.",
}
_EXAMPLE = {
    "belief": "Tom thinks that the plank holds the nail.",
    "fear": "Mia fears that the wave meets the anchor.",
    "hope": "Ann hopes that the train finds the tunnel.",
    "doubt": "Sam doubts that the pawn guards the rook.",
    "address": "Oh moon, the comet follows the planet.",
    "hedge": "Perhaps the angler sees the trout.",
    "denial": "The doctor never hides the pill.",
    "exclamation": "The cow finds the meadow!",
}


def example(figure: str, scale: str) -> str:
    """A sentence that shows a figure on a scale."""
    low, middle, high = poles(scale)
    place = list(FIGURES).index(figure) * len(SCALES) + list(SCALES).index(scale)
    subject, thing, *_ = list(TOPICS.values())[place % len(TOPICS)]
    return f"The {described(figure, reversed(low), middle, high)} {subject} {VERBS[place % len(VERBS)]} the {thing}."


def _meaning(figure: str, scale: str) -> str:
    low, middle, high = map(", ".join, poles(scale))
    return _MEANING[figure].format(scale=scale, low=low, middle=middle, high=high)


@functools.cache
def pack() -> Pack:
    """Skillworld as an ordinary pack: students are told names only, and the checker grades."""
    figures = [
        Skill(f"{figure} of {scale}", CATEGORY_OF[figure], _meaning(figure, scale), example(figure, scale))
        for figure in FIGURES
        for scale in SCALES
    ]
    whole = [Skill(name, CATEGORY_OF[name], _MEANING[name], text) for name, text in _EXAMPLE.items()]
    skills = tuple(replace(each, source=SOURCE, licence=LICENCE) for each in (*figures, *whole))
    return Pack(
        "skillworld",
        VERSION,
        skills,
        tuple(Topic(topic) for topic in TOPICS),
        about=ABOUT,
        text="a short text in the language of skillworld",
        exemplars=tuple(_exemplar(skills, k, place) for k in EXEMPLARS_OF for place in range(EXEMPLARS)),
        manner="brief",
        checker="skillworld",
        source=SOURCE,
        licence=LICENCE,
    )


def _exemplar(skills: Sequence[Skill], k: int, place: int) -> Exemplar:
    """A text of full marks by the teacher."""
    random = chance.python("skillworld", "exemplar", k, place)
    names = tuple(skill.name for skill in random.sample(skills, k))
    topic = random.choice(list(TOPICS))
    return Exemplar(names, topic, write(names, topic, max(1, k - 1), random))
