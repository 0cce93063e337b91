"""Keyed randomness: every draw is a function of a key, so item 7 of 20 equals item 7 of 100, on any worker.

A key is a path of names and numbers, ``("edge_of_stability", "fresh direction", seed, reading)``. Nothing in
genlab draws from a global generator.
"""

import hashlib
import random

import numpy as np

Key = str | int


def number(*key: Key) -> int:
    """A 63-bit integer that depends on the whole key and on nothing else.

    >>> number("init", 0) == number("init", 0)
    True
    >>> number("init", 0) == number("init", "0")
    False
    """
    path = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") >> 1


def python(*key: Key) -> random.Random:
    """A ``random.Random`` of its own for this key: choices, samples, shuffles."""
    return random.Random(number(*key))


def numpy(*key: Key) -> np.random.Generator:
    """A NumPy generator of its own for this key: arrays of normals and the like."""
    return np.random.default_rng(number(*key))
