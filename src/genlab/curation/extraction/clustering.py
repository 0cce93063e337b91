"""Labels that mean one thing: agglomerative clusters of their embeddings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genlab.curation.embedding import embed

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LABELS = 20_000  # whose distances, 3 GB, fit in memory


def clusters(texts: Sequence[str], distance: float, *, most: int | None = None, model: str = "") -> list[list[int]]:
    """Places of texts that belong together: average linkage of cosine distances (scikit-learn's agglomerative clustering).

    Args:
        texts: different ones, those that count most first.
        distance: clusters further apart than this are not joined.
        most: clusters at most: those with the first texts stay, and take in each of the others where its texts are closest on
            average, the smaller one where it is as close to both. (One linkage down to so few would chain nearly all into one.)
        model: of the embedding.

    Returns:
        Clusters, each in the order of its texts, ordered by their first.

    Raises:
        ValueError: more than ``MOST_LABELS`` texts, or a model that cannot be loaded.

    >>> clusters(["naming a bird", "naming birds", "summing up"], 0.6)
    [[0, 1], [2]]
    """
    if len(texts) > MOST_LABELS:
        raise ValueError(f"{len(texts):,} different labels are more than {MOST_LABELS:,}: read fewer --examples")
    if len(texts) < 2:
        return [[place] for place in range(len(texts))]
    rows = embed(texts, model)
    apart = np.clip(1 - rows @ rows.T, 0, 2).astype(np.float64)
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(_assigned(apart, distance).tolist()):
        groups.setdefault(label, []).append(place)
    found = list(groups.values())
    kept, rest = found[:most], found[most:] if most is not None else []
    for each in rest:
        away = [(round(float(apart[np.ix_(each, group)].mean()), 6), len(group)) for group in kept]
        kept[away.index(min(away))] += each
    return [sorted(each) for each in kept]


def _assigned(apart: "NDArray[np.float64]", distance: float) -> "NDArray[np.int64]":
    from sklearn.cluster import AgglomerativeClustering

    joined = AgglomerativeClustering(n_clusters=None, distance_threshold=distance, metric="precomputed", linkage="average")
    return np.asarray(joined.fit_predict(apart))
