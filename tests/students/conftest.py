"""One tiny untrained student for all tests here, made once a session."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.students.tiny_student import make_tiny


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder, called ``tiny``."""
    folder = tmp_path_factory.mktemp("students") / "tiny"
    make_tiny(folder)
    return folder
