"""Combinations: k skills of a pack and one topic, drawn by key, so that item 7 of 20 is item 7 of 100."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from genlab import chance
from genlab.skills.pack import Pack
from genlab.skills.skill import Skill, Topic

MOST_ATTEMPTS = 10_000  # draws for one item before a pack counts as too small


@dataclass(frozen=True)
class Combination:
    """What one text is asked for: ``skills`` in the order they are shown, and a topic."""

    index: int
    skills: tuple[Skill, ...]
    topic: Topic

    @property
    def k(self) -> int:
        """Number of skills."""
        return len(self.skills)

    @property
    def identity(self) -> tuple[frozenset[str], str]:
        """What makes two combinations the same: the set of skills, and the topic."""
        return frozenset(skill.name for skill in self.skills), self.topic.name


@dataclass(frozen=True)
class Draw:
    """Combinations, with how many draws were put back: ``repeated`` an earlier one, or held an ``excluded`` skill."""

    combinations: tuple[Combination, ...]
    repeated: int
    excluded: int


def draw(pack: Pack, k: int, n: int, *, seed: int, exclude: Collection[str] = (), distinct: bool = True) -> Draw:
    """The first ``n`` combinations of ``k`` skills for a seed.

    A draw that repeats an earlier combination or holds an excluded skill is put back and drawn again, so ``n`` stays ``n``
    and all other items stay what they are.

    Args:
        pack: where skills and topics come from.
        k: skills in each, at least 1.
        n: how many.
        seed: part of every item's key, with the pack's name, k and the item's index.
        exclude: names of skills that may not occur, such as the common ones.
        distinct: whether no combination occurs twice.

    Raises:
        ValueError: the pack has fewer than k skills, no topic, or fewer than n different combinations; an excluded name
            is not in the pack.
    """
    check_k(pack, k)
    if n < 1:
        raise ValueError(f"n is at least 1, got {n}")
    if unknown := sorted(set(exclude) - {skill.name for skill in pack.skills}):
        raise ValueError(f"exclude names skills that pack {pack.name!r} does not have: {', '.join(unknown)}")
    left = len(pack.skills) - len(set(exclude))
    possible = math.comb(left, k) * len(pack.topics)
    if possible < (n if distinct else 1):
        raise ValueError(
            f"pack {pack.name!r} has {possible:,} combinations of {k} of its {left} skills with one of {len(pack.topics)} "
            f"topics, and {n} different ones were asked for: lower n or k, or use a larger pack"
        )
    found: list[Combination] = []
    seen: set[tuple[frozenset[str], str]] = set()
    repeated = excluded = 0
    for index in range(n):
        for attempt in range(MOST_ATTEMPTS):
            combination = _one(pack, k, index, chance.python("combination", pack.name, k, seed, index, attempt))
            if any(skill.name in exclude for skill in combination.skills):
                excluded += 1
            elif distinct and combination.identity in seen:
                repeated += 1
            else:
                break
        else:
            raise ValueError(f"no new combination for item {index} in {MOST_ATTEMPTS:,} draws: lower n, or use a larger pack")
        seen.add(combination.identity)
        found.append(combination)
    return Draw(tuple(found), repeated, excluded)


def check_k(pack: Pack, k: int) -> None:
    """Check that a pack can fill a combination of ``k``.

    Raises:
        ValueError: it cannot.
    """
    if not 1 <= k <= len(pack.skills):
        raise ValueError(f"k is between 1 and {len(pack.skills)}, the number of skills in pack {pack.name!r}; got {k}")
    if not pack.topics:
        raise ValueError(f"pack {pack.name!r} has no topics, and a combination needs one: add topics to it")


def common(pack: Pack, at_least: float = 0.05) -> frozenset[str]:
    """Names of the skills whose frequency is known to be ``at_least`` this (Yu et al. 2023 leave out those of 5% and more)."""
    return frozenset(skill.name for skill in pack.skills if skill.frequency is not None and skill.frequency >= at_least)


def official(
    skills: Sequence[str], topics: Sequence[str], k: int, n: int, *, seed: int, folder: str
) -> list[tuple[tuple[str, ...], str]]:
    """The combinations that the official code draws (LeoYu/skill-mix at aeeea53): (skills in the order shown, topic).

    It shuffles one list again and again, and orders each combination by a generator seeded with its output folder's name.
    """
    names, subjects = list(skills), list(topics)
    random = Random(seed)
    chosen = []
    for _ in range(n):
        random.shuffle(names)
        chosen.append(names[:k])
    about = []
    for _ in range(n):
        random.shuffle(subjects)
        about.append(subjects[0])
    order = Random(folder)
    for each in chosen:
        order.shuffle(each)
    return [(tuple(each), topic) for each, topic in zip(chosen, about, strict=True)]


def _one(pack: Pack, k: int, index: int, random: Random) -> Combination:
    skills = random.sample(pack.skills, k)
    return Combination(index, tuple(skills), random.choice(pack.topics))
