"""Embeddings and near pairs: against scikit-learn's own pairwise cosines of the unsketched vectors, and by laws."""

import importlib.util

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from genlab import chance
from genlab.curation import embedding
from genlab.curation.embedding import embed, near

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "wa", "xe", "yi", "zo"]


def text(*key: str | int, words: int = 30) -> str:
    random = chance.python("text", *key)
    return " ".join("".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(words))


def test_few_texts_have_the_cosines_of_scikit_learns_tfidf() -> None:
    texts = ["counting bees", "Counting the bees", "naming a bird", "bees, counted"]
    exact = TfidfVectorizer(analyzer="char_wb", ngram_range=embedding.GRAMS, sublinear_tf=True).fit_transform(texts)
    rows = embed(texts)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows @ rows.T, cosine_similarity(exact), atol=1e-6)


def test_sketched_cosines_are_close_to_exact_ones() -> None:
    texts = [text(index) for index in range(300)]
    texts += [each + " " + text("tail", place, words=1 + place % 20) for place, each in enumerate(texts)]
    exact = cosine_similarity(
        TfidfVectorizer(analyzer="char_wb", ngram_range=embedding.GRAMS, sublinear_tf=True).fit_transform(texts)
    )
    rows = embed(texts)
    assert rows.shape == (600, embedding.WIDTH)
    error = rows @ rows.T - exact
    assert np.sqrt(np.mean(error**2)) < 1.2 / np.sqrt(embedding.WIDTH)
    assert np.abs(error[exact > 0.9]).max() < 0.02


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.95, 1.0])
def test_near_is_all_pairs_of_the_cosines(threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "BLOCK", 7)
    texts = [text(index // 3, words=20) + f" {'ab' * (index % 3)}" for index in range(40)] + ["twice over", "twice over"]
    cosines = cosine_similarity(embed(texts))
    slow = [
        (i, j) for i in range(len(texts)) for j in range(i + 1, len(texts)) if cosines[i, j] >= threshold - embedding.ROUNDING
    ]
    assert near(texts, threshold=threshold) == slow
    assert (40, 41) in slow


def test_case_and_blanks_do_not_count_and_no_text_is_near_nothing() -> None:
    rows = embed(["Red  Herring", "red herring", "", " "])
    assert rows[0] @ rows[1] == pytest.approx(1)
    assert not rows[2:].any()
    assert near(["", " ", ""], threshold=0.5) == []
    assert near([], threshold=0.5) == [] == near(["alone"], threshold=0.5)
    assert embed([]).shape == (0, 1)
    assert embed(["", ""]).shape[0] == 2


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.01, float("nan")])
def test_a_threshold_is_a_cosine(threshold: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        near(["a", "b"], threshold=threshold)


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "MOST_PAIRS", 9)
    with pytest.raises(ValueError, match="drop exact duplicates first"):
        near(["same"] * 5, threshold=0.9)


@pytest.mark.skipif(importlib.util.find_spec("sentence_transformers") is not None, reason="sentence-transformers is there")
def test_a_model_wants_sentence_transformers() -> None:
    with pytest.raises(ValueError, match="pip install sentence-transformers"):
        embed(["a"], "some-org/some-model")


@pytest.mark.long
def test_ten_thousand_texts() -> None:
    texts = [text(index, words=60) for index in range(9_900)]
    texts += [each + " indeed" for each in texts[:100]]
    assert near(texts, threshold=0.9) == [(place, 9_900 + place) for place in range(100)]
