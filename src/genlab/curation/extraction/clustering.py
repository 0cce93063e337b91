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
        distance: clusters further apart than this are not joined, except where there would be more than ``most``.
        most: clusters at most.
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
    found = _assigned(apart, {"n_clusters": None, "distance_threshold": distance})
    if most is not None and found.max() >= most:
        found = _assigned(apart, {"n_clusters": most})
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(found.tolist()):
        groups.setdefault(label, []).append(place)
    return list(groups.values())


def _assigned(apart: "NDArray[np.float64]", how: dict[str, float | None]) -> "NDArray[np.int64]":
    from sklearn.cluster import AgglomerativeClustering

    return np.asarray(AgglomerativeClustering(metric="precomputed", linkage="average", **how).fit_predict(apart))
