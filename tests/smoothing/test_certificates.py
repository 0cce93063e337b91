"""A file of certificates: cut off anywhere it is whole again, and other settings are refused."""

import json
from pathlib import Path

import pytest

from genlab.smoothing.certificates import Certificates
from genlab.smoothing.records import HEADERS, Row, read

SETTINGS = {"sigma": 0.25, "n": 1000, "radii": (0.0, 0.5)}
ROWS = [Row(each, 3, 3, 0.25 * each, 1.5) for each in range(3)]


def begun(path: Path, rows: list[Row] = ROWS) -> str:
    with Certificates(path, SETTINGS, made_with={"torch": "2"}).writing() as file:
        for row in rows:
            file.append(row)
    return path.read_text()


def test_lines_and_what_they_stand_on(tmp_path: Path) -> None:
    begun(tmp_path / "c.tsv")
    assert read(tmp_path / "c.tsv") == tuple(ROWS)
    beside = json.loads((tmp_path / "c.tsv.json").read_text())
    assert beside == {"settings": {"sigma": 0.25, "n": 1000, "radii": [0.0, 0.5]}, "made with": {"torch": "2"}}


def test_cut_off_anywhere_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "c.tsv"
    whole = begun(path)
    for cut in range(0, len(whole), 3):
        path.write_text(whole[:cut])
        file = Certificates(path, SETTINGS)
        kept = file.rows()
        assert kept == tuple(ROWS[: max(0, whole[:cut].count("\n") - 1)])
        with file.writing():
            assert file.rows() == kept
            for row in ROWS[len(kept) :]:
                file.append(row)
        assert path.read_text() == whole


def test_other_settings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.tsv"
    before = begun(path)
    with pytest.raises(ValueError, match=r"other settings \(sigma was 0.25, now 0.5\).*give another --out"):
        Certificates(path, SETTINGS | {"sigma": 0.5})
    with pytest.raises(ValueError, match=r"seed was None, now 1"):
        Certificates(path, SETTINGS | {"seed": 1})
    assert path.read_text() == before


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.tsv").write_text(HEADERS[True] + "\n")
    with pytest.raises(ValueError, match=r"no c\.tsv\.json beside it"):
        Certificates(tmp_path / "c.tsv", SETTINGS)
    (tmp_path / "c.tsv.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        Certificates(tmp_path / "c.tsv", SETTINGS)


def test_a_broken_line_and_another_kind_are_told(tmp_path: Path) -> None:
    path = tmp_path / "c.tsv"
    begun(path)
    path.write_text(path.read_text() + "9\t9\n")
    with pytest.raises(ValueError, match="line 5: 2 columns"):
        Certificates(path, SETTINGS).rows()
    with pytest.raises(ValueError, match="holds certificates"):
        Certificates(path, SETTINGS, radius=False).rows()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"), Certificates(tmp_path / "file" / "c.tsv", SETTINGS).writing():
        pass
