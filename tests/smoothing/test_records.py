"""Files in the layout of locuslab/smoothing: as their code writes them, read; as ours are, written and read back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.smoothing.records import HEADERS, Row, parsed, read, rounded_down, text, write

THEIRS = "\n".join(
    [
        "idx\tlabel\tpredict\tradius\tcorrect\ttime",
        "0\t3\t3\t0.378\t1\t15.4",  # seconds, as in most of their files
        "20\t7\t-1\t0.0\t0\t0:00:15.602345",
        "40\t4\t9\t0.00299\t0\t0:01:05",
        "60\t4\t4\t1e-05\t1\t1 day, 0:00:01",
        "",
    ]
)


def test_their_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "sigma_0.25"
    path.write_text(THEIRS)
    rows = read(path)
    assert [row.index for row in rows] == [0, 20, 40, 60]
    assert [row.predict for row in rows] == [3, None, 9, 4]
    assert [row.correct for row in rows] == [True, False, False, True]
    assert [row.radius for row in rows] == [0.378, 0.0, 0.00299, 1e-05]
    assert [row.seconds for row in rows] == pytest.approx([15.4, 15.602345, 65, 86401])


def test_our_lines_are_theirs() -> None:
    assert Row(7, 3, 3, 0.3999999, 15.25).line() == "7\t3\t3\t0.399999\t1\t0:00:15.250000"
    assert Row(8, 3, None, 0.0, 1.0).line() == "8\t3\t-1\t0.000000\t0\t0:00:01"
    assert Row(9, 3, 4, None, 0.5).line() == "9\t3\t4\t0\t0:00:00.500000"


rows = st.builds(
    Row,
    index=st.integers(0, 10**6),
    label=st.integers(0, 999),
    predict=st.none() | st.integers(0, 999),
    radius=st.integers(0, 4 * 10**6).map(lambda each: each / 1e6),
    seconds=st.integers(0, 10**6).map(lambda each: each / 1e3),
)


@given(rows)
def test_a_row_comes_back(row: Row) -> None:
    back = parsed(row.line(), radius=True)
    assert (back.index, back.label, back.predict, back.correct) == (row.index, row.label, row.predict, row.correct)
    assert back.seconds == pytest.approx(row.seconds)
    assert row.radius is not None
    assert back.radius is not None
    assert row.radius - 1.1e-6 < back.radius <= row.radius


@given(st.floats(0, 20))
def test_a_radius_is_never_rounded_up(radius: float) -> None:
    assert radius - 1e-6 - 1e-12 < float(rounded_down(radius)) <= radius


def test_predictions_have_no_radius(tmp_path: Path) -> None:
    predictions = [Row(0, 1, 1, None), Row(1, 1, None, None)]
    write(tmp_path / "p.tsv", predictions)
    assert (tmp_path / "p.tsv").read_text().startswith(HEADERS[False] + "\n0\t1\t1\t1\t")
    assert read(tmp_path / "p.tsv") == tuple(predictions)
    with pytest.raises(ValueError, match="either certificates or predictions"):
        write(tmp_path / "q.tsv", [Row(0, 1, 1, None), Row(1, 1, 1, 0.5)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "begins with ''"),
        ("a,b\n1,2\n", "a file of certificates begins with"),
        (HEADERS[True] + "\n1\t2\n", r"line 2: 2 columns where 6 are needed"),
        (HEADERS[True] + "\n1\t2\tx\t0.1\t0\t1.0\n", "line 2: not a row"),
        (HEADERS[True] + "\n1\t2\t2\t-0.1\t1\t1.0\n", "radius is 0 or more"),
        (HEADERS[True] + "\n1\t2\t2\t0.1\t0\t1.0\n", "correct=0 does not go with label 2 and predict 2"),
        (text([Row(1, 2, 2, 0.1)] * 2, radius=True), "line 3: image 1 comes a second time"),
    ],
)
def test_what_is_no_such_file(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(content)
    with pytest.raises(ValueError, match=said):
        read(tmp_path / "x")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path / "none")
