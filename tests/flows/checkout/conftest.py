"""A reproduced checkout of its own for each test that asks for one, as working directory."""

from pathlib import Path

import pytest

from tests.flows.checkout.chain import copy_chain, make_chain


@pytest.fixture(scope="session")
def finished_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_chain(tmp_path_factory.mktemp("chain") / "checkout")


@pytest.fixture
def chain(finished_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy_chain(finished_chain, tmp_path / "checkout")
    copy_chain(finished_chain.parent / "remote", tmp_path / "remote")
    monkeypatch.chdir(tmp_path / "checkout")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site-cache"))
    return tmp_path / "checkout"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a checkout as far as locks can see."""
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path
