"""In which order examples are met: shuffled by a key in every pass, examples of like length side by side."""

from collections.abc import Sequence

from genlab import chance

CHUNK = 50  # batches among which lengths are sorted: that of transformers' LengthGroupedSampler


def order(lengths: Sequence[int], wanted: int, batch: int, seed: int, *, by_length: bool = True) -> list[int]:
    """Indices of ``wanted`` examples, pass after pass; each run of ``batch`` of them is one batch.

    A pass meets every example once; what fills no batch at its end opens the next. The order of a pass depends on the seed,
    its number and the lengths alone, so that a resumed run meets what an undisturbed one would have met.

    Raises:
        ValueError: no examples.

    >>> order([5, 9, 5, 9], 4, 2, 0) in ([0, 2, 1, 3], [2, 0, 1, 3], [0, 2, 3, 1], [2, 0, 3, 1],
    ...                                  [1, 3, 0, 2], [1, 3, 2, 0], [3, 1, 0, 2], [3, 1, 2, 0])
    True
    """
    if not lengths:
        raise ValueError("there is no example to train on")
    met: list[int] = []
    left: list[int] = []
    number = 0
    while len(met) + len(left) < wanted:
        random = chance.python("finetuning order", seed, number)
        shuffled = list(range(len(lengths)))
        random.shuffle(shuffled)
        pool = left + shuffled
        full = len(pool) - len(pool) % batch
        left = pool[full:]
        if by_length:
            batches: list[list[int]] = []
            for start in range(0, full, CHUNK * batch):
                chunk = sorted(pool[start : min(start + CHUNK * batch, full)], key=lambda index: lengths[index])
                batches += [chunk[first : first + batch] for first in range(0, len(chunk), batch)]
            random.shuffle(batches)
            met += [index for each in batches for index in each]
        else:
            met += pool[:full]
        number += 1
    return (met + left)[:wanted]
