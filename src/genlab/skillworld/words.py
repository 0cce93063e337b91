"""The words of skillworld: six scales of adjectives, twenty topics with nouns of their own, and what holds sentences together."""

from typing import Literal

Pole = Literal["low", "middle", "high"]

SCALES: dict[str, tuple[str, str, str, str, str]] = {  # from low to high: two low words, one in the middle, two high ones
    "size": ("tiny", "small", "middling", "large", "huge"),
    "heat": ("icy", "cold", "mild", "warm", "hot"),
    "age": ("new", "young", "seasoned", "old", "ancient"),
    "light": ("black", "dark", "grey", "bright", "brilliant"),
    "mood": ("gloomy", "sad", "calm", "glad", "merry"),
    "speed": ("sluggish", "slow", "steady", "quick", "rapid"),
}
POLES: tuple[Pole, ...] = ("low", "low", "middle", "high", "high")

TOPICS: dict[str, tuple[str, ...]] = {
    "gardening": ("rose", "spade", "tulip", "seed", "soil", "fern"),
    "sailing": ("ship", "sail", "anchor", "harbour", "wave", "mast"),
    "baking": ("oven", "loaf", "dough", "crust", "flour", "cake"),
    "astronomy": ("planet", "comet", "telescope", "moon", "orbit", "galaxy"),
    "beekeeping": ("bee", "hive", "honey", "swarm", "queen", "wax"),
    "carpentry": ("plank", "hammer", "nail", "chisel", "bench", "drawer"),
    "mountaineering": ("summit", "rope", "glacier", "ridge", "cliff", "guide"),
    "theatre": ("actor", "curtain", "stage", "mask", "costume", "villain"),
    "fishing": ("trout", "net", "hook", "river", "bait", "angler"),
    "printing": ("press", "ink", "page", "letter", "margin", "binding"),
    "chess": ("pawn", "knight", "bishop", "rook", "board", "opening"),
    "farming": ("cow", "barn", "tractor", "meadow", "fence", "plough"),
    "medicine": ("doctor", "nurse", "pill", "fever", "bandage", "patient"),
    "music": ("violin", "drum", "melody", "choir", "flute", "song"),
    "railways": ("train", "station", "track", "signal", "tunnel", "carriage"),
    "cartography": ("map", "border", "island", "compass", "coast", "legend"),
    "weaving": ("loom", "thread", "carpet", "wool", "pattern", "shuttle"),
    "mining": ("shaft", "lamp", "pickaxe", "coal", "seam", "cart"),
    "cycling": ("wheel", "pedal", "saddle", "chain", "helmet", "racer"),
    "law": ("judge", "court", "witness", "contract", "verdict", "jury"),
}
THINGS = ("thing", "place", "day", "story", "shape", "sound")  # nouns of no topic
VERBS = ("needs", "sees", "holds", "meets", "finds", "follows", "guards", "carries", "hides", "praises")
NAMES = ("Ann", "Bob", "Eve", "Tom", "Mia", "Sam")
MINDS = {"belief": "thinks", "fear": "fears", "hope": "hopes", "doubt": "doubts"}  # the skill, and its verb

SCALE_OF = {word: scale for scale, words in SCALES.items() for word in words}
POLE_OF: dict[str, Pole] = {word: pole for words in SCALES.values() for word, pole in zip(words, POLES, strict=True)}
TOPIC_OF = {noun: topic for topic, nouns in TOPICS.items() for noun in nouns}
NOUNS = frozenset(TOPIC_OF) | frozenset(THINGS)


def poles(scale: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The low, the middle and the high adjectives of a scale.

    >>> poles("heat")
    (('icy', 'cold'), ('mild',), ('warm', 'hot'))
    """
    low, middle, high = (tuple(word for word in SCALES[scale] if POLE_OF[word] == pole) for pole in ("low", "middle", "high"))
    return low, middle, high
