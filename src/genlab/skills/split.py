"""Splitting a pack: into a public and a private part, and into what is trained on and what is held out.

Where an entry goes depends on the seed, the share and its own name, and on no other entry: a pack that grows by a skill moves no
other skill across. So shares are met on average, not exactly; ``balanced_seed`` finds a seed for which they nearly are.
"""

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from genlab import chance
from genlab.skills.files import writable, write_whole
from genlab.skills.pack import Pack, masked, part, save
from genlab.skills.skill import Skill, Topic, plain

Entry = TypeVar("Entry", Skill, Topic)
SALT_BYTES = 16  # our assumption: 128 bits, beyond any search


@dataclass(frozen=True)
class PartRecord:
    """One part of a split: its digest, its counts, and its entries as ``masked`` names, sorted."""

    version: str
    digest: str
    skill_count: int
    topic_count: int
    skills: tuple[str, ...]
    topics: tuple[str, ...]


@dataclass(frozen=True)
class SplitRecord:
    """What a split did, to be kept beside results and shown to anyone: it holds no name.

    Attributes:
        pack, whole: name and digest of the pack that was split.
        seed: of the split.
        fraction: the share that was asked for: of skills and topics in the public part, or of topics held out.
        categories: those held out; empty in a public and private split.
        parts: public and private, or train and held.
    """

    pack: str
    whole: str
    seed: int
    fraction: float
    categories: tuple[str, ...]
    parts: tuple[PartRecord, PartRecord]

    def to_json(self) -> str:
        """The record as a JSON object, one line a field."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class HeldOut:
    """A pack to train on, a pack held out, and the record of what went where."""

    train: Pack
    held: Pack
    record: SplitRecord


def split(pack: Pack, public: float, *, seed: int, salt: str = "") -> tuple[Pack, Pack]:
    """A public and a private part; Yu et al. 2023 publish a tenth. Category by category the shares are met on average.

    Args:
        pack: the whole. Its own salt, if it has one, is kept.
        public: share of skills, and of topics, in the public part.
        seed: with each entry's name, the key of where it goes. Keep it, and a later version splits as this one did.
        salt: for the private part's hashes; "" makes one that nobody can guess, a new one at each call.

    Raises:
        ValueError: the share is not between 0 and 1, or a part would have no skill or no topic.
    """
    if not 0 < public < 1:
        raise ValueError(f"the public part is a share between 0 and 1, such as 0.1; got {public:g}")
    skills, topics = _parted(pack.skills, "public", public, seed), _parted(pack.topics, "public", public, seed)
    shared = replace(pack, part_of=pack.digest)
    shown = part(shared, skills[0], topics[0], version=f"{pack.version}-public{public:g}-s{seed}", private=False, salt="")
    hidden = part(
        shared,
        skills[1],
        topics[1],
        version=f"{pack.version}-private{1 - public:g}-s{seed}",
        private=True,
        salt=salt or pack.salt or secrets.token_hex(SALT_BYTES),
    )
    _none_empty(pack, {"public": shown, "private": hidden})
    return shown, hidden


def balanced_seed(pack: Pack, public: float, *, tries: int = 1000) -> int:
    """The seed, of ``tries`` from 0, whose ``split`` lacks the fewest categories in either part and is nearest to the shares.

    For the first split of a pack. Later versions take the same seed again, whatever this would then say.
    """
    sizes = Counter(skill.category for skill in pack.skills)

    def unbalance(seed: int) -> tuple[int, float]:
        parts = _parted(pack.skills, "public", public, seed)
        counts = [Counter(skill.category for skill in part) for part in parts]
        lacking = sum(not count[category] for category, size in sizes.items() if size > 1 for count in counts)
        apart = sum((counts[0][category] - public * size) ** 2 / size for category, size in sizes.items())
        topics = len(_parted(pack.topics, "public", public, seed)[0])
        empty = not parts[0] or not parts[1] or not 0 < topics < len(pack.topics)
        return 2 * len(sizes) * empty + lacking, apart + (topics - public * len(pack.topics)) ** 2 / max(1, len(pack.topics))

    return min(range(tries), key=unbalance)


def hold_out(pack: Pack, *, categories: Sequence[str] = (), topics: float = 0.0, seed: int) -> HeldOut:
    """What a model may be trained on, and what it is only tested on: skills apart by category, topics at random.

    Args:
        pack: the whole.
        categories: those whose skills are held out, all of them. With none, both parts keep all skills.
        topics: share of topics held out, met on average. At 0, both parts keep all topics.
        seed: with each topic's name, the key of where it goes.

    Raises:
        ValueError: an unknown category, a share outside [0, 1), nothing held out, or a part without skills or topics.
    """
    if isinstance(categories, str):
        raise ValueError(f'categories is a list of names, got {categories!r}. Pass categories=("{categories}",)')
    for category in categories:
        if category not in pack.categories:
            there = ", ".join(pack.categories)
            raise ValueError(
                f'held-out category {category!r} is not in the pack (it has: {there}). Pass categories=("{pack.categories[0]}",)'
            )
    if not 0 <= topics < 1:
        raise ValueError(f"held-out topics are a share from 0 to below 1, such as 0.5; got {topics:g}")
    if not categories and not topics:
        raise ValueError("nothing is held out: name categories of skills, or give a share of topics")
    held_topics, kept_topics = _parted(pack.topics, "held", topics, seed) if topics else (pack.topics, pack.topics)
    inside = tuple(skill for skill in pack.skills if skill.category in categories)
    outside = tuple(skill for skill in pack.skills if skill.category not in categories)
    shared = replace(pack, part_of=pack.digest)
    train = part(shared, outside, kept_topics, version=f"{pack.version}-train-s{seed}")
    held = part(shared, inside or pack.skills, held_topics, version=f"{pack.version}-held-s{seed}")
    _none_empty(pack, {"train": train, "held": held})
    return HeldOut(train, held, record_of(pack, (train, held), seed=seed, fraction=topics, categories=tuple(categories)))


def record_of(
    whole: Pack, parts: tuple[Pack, Pack], *, seed: int, fraction: float, categories: tuple[str, ...] = ()
) -> SplitRecord:
    """The record of a split into ``parts``; names are hashed with the second part's salt, so that both parts' can be compared."""
    salt = parts[1].salt

    def recorded(each: Pack) -> PartRecord:
        skills, topics = ((masked(entry.name, salt) for entry in entries) for entries in (each.skills, each.topics))
        return PartRecord(
            each.version, each.digest, len(each.skills), len(each.topics), tuple(sorted(skills)), tuple(sorted(topics))
        )

    return SplitRecord(whole.name, whole.digest, seed, fraction, categories, (recorded(parts[0]), recorded(parts[1])))


def save_split(
    parts: tuple[Pack, Pack], record: SplitRecord, folder: str | Path, stem: str, *, overwrite: bool = False
) -> tuple[Path, Path, Path]:
    """Write STEM-public.yaml, STEM-private.yaml and STEM-split.json into a folder, and return where they are.

    Raises:
        ValueError: one of them is there already, and ``overwrite`` was not asked for; or STEM is no file name. None is written.
    """
    if Path(stem).name != stem:
        raise ValueError(f"{stem!r} cannot stand in a file's name: rename the pack, or name its files otherwise")
    public, private, json_file = (Path(folder) / f"{stem}-{end}" for end in ("public.yaml", "private.yaml", "split.json"))
    for path in (public, private, json_file):
        writable(path, overwrite=overwrite)
    save(parts[1], private, overwrite=overwrite)  # first: no other file holds its salt
    save(parts[0], public, overwrite=overwrite)
    write_whole(json_file, record.to_json(), overwrite=overwrite)
    return public, private, json_file


def _parted(entries: Sequence[Entry], part: str, share: float, seed: int) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Entries in a part of this share, and the others, each as its own name says."""
    chosen = [
        chance.number("split", part, type(entry).__name__, seed, plain(entry.name) or entry.name) < share * 2**63
        for entry in entries
    ]
    return (
        tuple(entry for entry, one in zip(entries, chosen, strict=True) if one),
        tuple(entry for entry, one in zip(entries, chosen, strict=True) if not one),
    )


def _none_empty(whole: Pack, parts: dict[str, Pack]) -> None:
    for name, each in parts.items():
        for kind, entries in (("skill", each.skills), ("topic", each.topics)):
            if not entries:
                raise ValueError(
                    f"the {name} part would have no {kind}: take another seed (balanced_seed finds one), share or categories, "
                    f"or a larger pack than {whole.name!r} with its {len(whole.skills)} skills and {len(whole.topics)} topics"
                )
