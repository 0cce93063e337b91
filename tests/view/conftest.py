"""A small store for each test of the view, copied from one that was made once."""

import shutil
from pathlib import Path

import pytest
from tests.view.sample_store import store_in

from genlab.results.store import Store


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(store_in(tmp_path_factory.mktemp("made")).url)


@pytest.fixture
def store(made_store: Path, tmp_path: Path) -> Store:
    shutil.copytree(made_store, tmp_path / "store")
    return Store(tmp_path / "store")
