"""Certified accuracy: a published table from a file in the official layout, an obvious count, high probability."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.intervals import wilson
from genlab.smoothing.accuracy import abstention, accuracy_of, certified_accuracy, curve, high_probability, table
from genlab.smoothing.classifier import Certificate
from genlab.smoothing.records import Row, read, text

RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
PUBLISHED = {  # CIFAR-10, ResNet-110, 500 images: certified accuracy and abstentions in the published logs (facts, section 4.4)
    "0.12": ((0.814, 0.586, 0.0, 0.0, 0.0, 0.0, 0.0), 0.038),
    "0.25": ((0.748, 0.600, 0.428, 0.266, 0.0, 0.0, 0.0), 0.086),
    "0.50": ((0.652, 0.546, 0.414, 0.320, 0.234, 0.152, 0.094), 0.166),
    "1.00": ((0.472, 0.392, 0.340, 0.278, 0.216, 0.174, 0.140), 0.290),
}
IMAGES = 500


def published(shares: tuple[float, ...], abstained: float) -> list[Row]:
    """Rows by formula with the published counts: so many right up to each radius, so many without an answer, the others wrong."""
    right = [round(share * IMAGES) for share in shares] + [0]
    rows: list[Row] = []
    for radius, more, less in zip(RADII, right, right[1:], strict=False):
        rows += [Row(20 * (len(rows) + each), 3, 3, radius + 0.001 * (1 + each % 200), 15.0) for each in range(more - less)]
    rows += [Row(20 * (len(rows) + each), 3, None, 0.0, 15.0) for each in range(round(abstained * IMAGES))]
    return rows + [Row(20 * (len(rows) + each), 3, 5, 0.9, 15.0) for each in range(IMAGES - len(rows))]


def test_published_tables_are_recomputed_from_files_in_the_official_layout(tmp_path: Path) -> None:
    files = {}
    for sigma, (shares, abstained) in PUBLISHED.items():
        (tmp_path / f"sigma_{sigma}").write_text(text(published(shares, abstained), radius=True))
        files[sigma] = read(tmp_path / f"sigma_{sigma}")
        assert [each.centre for each in accuracy_of(files[sigma], RADII)] == pytest.approx(shares)
        assert abstention(files[sigma]).centre == pytest.approx(abstained)
    said = table(files, RADII[1:], markdown=True, digits=2).splitlines()
    assert said[0].startswith("|  | r = 0.25 | r = 0.5 |")
    assert said[4] == "| 0.50 | 0.55 | 0.41 | 0.32 | 0.23 | 0.15 | 0.09 | 0.17 | 500 |"  # as they print it
    assert said[5] == "| 1.00 | 0.39 | 0.34 | 0.28 | 0.22 | 0.17 | 0.14 | 0.29 | 500 |"
    plain = table(files, (0.0,)).splitlines()
    assert len({len(line) for line in plain}) == 1


rows = st.lists(
    st.builds(Row, index=st.just(0), label=st.integers(0, 2), predict=st.none() | st.integers(0, 2), radius=st.floats(0, 3)),
    min_size=1, max_size=40,
)  # fmt: skip


@given(rows, st.floats(0, 3))
def test_it_is_the_obvious_count(rows: list[Row], radius: float) -> None:
    count = sum(row.predict is not None and row.predict == row.label and (row.radius or 0) >= radius for row in rows)
    assert accuracy_of(rows, (radius,)) == (wilson(count, len(rows)),)
    corners = curve(rows)
    held = [share for corner, share in corners if corner >= radius]
    assert (held[0] if held else 0.0) == pytest.approx(count / len(rows))


def test_certificates_count_as_rows_do() -> None:
    made = [Certificate(label, radius, 0.9, 1, 9, 10, 10, 0.001, 0.25) for label, radius in ((1, 0.5), (None, 0.0), (2, 0.7))]
    found = certified_accuracy(made, [1, 1, 2], (0.0, 0.6, 0.8))
    assert [each.centre for each in found] == pytest.approx([2 / 3, 1 / 3, 0])
    with pytest.raises(ValueError, match="one label an image"):
        certified_accuracy(made, [1], (0.0,))
    with pytest.raises(ValueError, match="at least one image"):
        certified_accuracy([], [], (0.0,))


def test_the_high_probability_version() -> None:
    expected = 0.5 - 0.001 - math.sqrt(0.001 * 0.999 * math.log(1000) / 500) - math.log(1000) / 1500
    assert high_probability(0.5, 500, alpha=0.001, rho=0.001) == pytest.approx(expected)
    for images, alpha, rho in ((0, 0.1, 0.1), (1, 0, 0.1), (1, 0.1, 1)):
        with pytest.raises(ValueError, match=r"alpha|image"):
            high_probability(0.5, images, alpha=alpha, rho=rho)


def test_predictions_certify_no_radius() -> None:
    rows = [Row(0, 1, 1, None), Row(1, 1, 0, None)]
    assert accuracy_of(rows, (0.0,))[0].centre == 0.5
    with pytest.raises(ValueError, match="certifies no radius"):
        accuracy_of(rows, (0.25,))
