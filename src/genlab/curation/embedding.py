"""Embeddings of texts, and the pairs of texts that are near each other: what duplicates and clusters are found by.

The built-in embedding needs no model: n-grams of characters within words, weighted by TF-IDF. It sees wording and spelling, not
meaning: two texts of the same words are near, a paraphrase in other words is not. A sentence-transformers model sees more.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genlab import chance

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRAMS = (3, 4)  # characters of an n-gram, the blank at either end of a word among them: our assumption
COLUMNS = 2**18  # that n-grams are hashed to: scikit-learn's HashingVectorizer has 2**20 by default
WIDTH = 2048  # columns left after the sketch; its error of a cosine c is about (1 - c * c) / sqrt(WIDTH): 0.004 at c = 0.9
BLOCK = 1024  # rows compared at once: 40 MB a block of 10,000 texts
MOST_PAIRS = 5_000_000  # tuples that fit in memory: our assumption
ROUNDING = 1e-5  # of a cosine of float32 unit rows


def embed(texts: Sequence[str], model: str = "") -> "NDArray[np.float32]":
    """Texts as unit vectors, whose dot products are cosines.

    Vectors of the built-in embedding are comparable within one call only: how rare an n-gram is depends on all texts of the call.

    Args:
        texts: n of them.
        model: "" is the built-in; otherwise a sentence-transformers model, by its name on the hub or a folder.

    Returns:
        Rows of shape [n, d], each of length 1; all zeros for a text without a visible character.

    Raises:
        ValueError: the model cannot be loaded, or sentence-transformers is not installed.

    >>> rows = embed(["summing up a text", "Summing up  a text.", "naming a bird"])
    >>> [round(float(rows[0] @ row), 1) for row in rows]
    [1.0, 0.8, 0.1]
    """
    if not texts:
        return np.zeros((0, 1), np.float32)
    return _modelled(texts, model) if model else _counted(texts)


def near(texts: Sequence[str], *, threshold: float, model: str = "") -> list[tuple[int, int]]:
    """Pairs of texts whose cosine is at least ``threshold``, in order.

    Texts are compared in blocks, so that memory grows with n and not with its square.

    Args:
        texts: n of them; drop exact duplicates first: m equal texts are m (m - 1) / 2 pairs.
        threshold: above 0 and at most 1.
        model: as for ``embed``.

    Returns:
        Places (i, j) with i < j.

    Raises:
        ValueError: a threshold outside its range, more than ``MOST_PAIRS`` pairs, or a model that cannot be loaded.

    >>> near(["Count the bees now.", "count the  bees now", "Bake bread."], threshold=0.8)
    [(0, 1)]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold of cosines is above 0 and at most 1, got {threshold}")
    found: list[tuple[int, int]] = []
    for block in _pairs(embed(texts, model), threshold - ROUNDING):
        if len(found) + len(block) > MOST_PAIRS:
            raise ValueError(
                f"more than {MOST_PAIRS:,} pairs of {len(texts):,} texts are near: drop exact duplicates first, or raise the "
                f"threshold of {threshold}"
            )
        found += block
    return found


def _pairs(rows: "NDArray[np.float32]", threshold: float) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(rows), BLOCK):
        cosines = rows[start : start + BLOCK] @ rows[start:].T  # [block, texts from start on]
        first, second = np.nonzero(cosines >= threshold)
        above = first < second
        yield list(zip((first[above] + start).tolist(), (second[above] + start).tolist(), strict=True))


def _counted(texts: Sequence[str]) -> "NDArray[np.float32]":
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashed = HashingVectorizer(analyzer="char_wb", ngram_range=GRAMS, n_features=COLUMNS, alternate_sign=False, norm=None)
    weighed = TfidfTransformer(sublinear_tf=True).fit_transform(hashed.transform(texts)).tocsc()
    used = np.flatnonzero(np.diff(weighed.indptr))
    rows = _sketched(weighed[:, used], used)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 0))


def _sketched(weighed: Any, used: "NDArray[np.intp]") -> "NDArray[np.float32]":
    """Columns as they are where they are few; else each added, with a sign of its own, to one of ``WIDTH`` (a count sketch)."""
    from scipy.sparse import csr_array

    if len(used) <= WIDTH:
        return np.asarray(weighed.toarray(), np.float32).reshape(weighed.shape[0], -1)
    random = chance.numpy("count sketch")
    place, sign = random.integers(WIDTH, size=COLUMNS)[used], random.choice([-1.0, 1.0], size=COLUMNS)[used]
    sketch = csr_array((sign, (np.arange(len(used)), place)), shape=(len(used), WIDTH))
    return np.asarray((weighed.tocsr() @ sketch).toarray(), np.float32)


def _modelled(texts: Sequence[str], model: str) -> "NDArray[np.float32]":
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ValueError(
            f"embedding by {model!r} wants sentence-transformers: pip install sentence-transformers, or leave the model out "
            "for the built-in embedding"
        ) from error
    try:
        loaded = SentenceTransformer(model)
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise ValueError(f"{model!r} is no sentence-transformers model, by name or folder, that can be loaded: {said}") from error
    return np.asarray(loaded.encode(list(texts), normalize_embeddings=True, convert_to_numpy=True), np.float32)


__all__ = ["embed", "near"]
