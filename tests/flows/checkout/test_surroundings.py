import os
import stat
from pathlib import Path

import pytest

from flows.checkout.surroundings import (
    SITE_CACHE,
    check_free_space,
    dvc_environment,
    site_cache,
)
from tasks.errors import InputError
from tests.project import run


@pytest.mark.slow
def test_what_dvc_keeps_for_itself_is_in_a_folder_of_ours_alone(
    chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dvc_environment().items():
        monkeypatch.setenv(name, value)
    run(chain, ["dvc", "status"])
    assert list(SITE_CACHE.glob("repo/*"))  # DVC used it
    assert stat.S_IMODE(SITE_CACHE.stat().st_mode) == 0o700
    assert "site-cache" not in run(chain, ["git", "status", "--porcelain", "-uall"]).stdout
    run(chain, ["dvc", "repro"])


def test_a_folder_too_open_is_closed(bare: Path) -> None:
    SITE_CACHE.mkdir(parents=True)
    SITE_CACHE.chmod(0o777)
    assert site_cache() == bare / SITE_CACHE
    assert stat.S_IMODE(SITE_CACHE.stat().st_mode) == 0o700


def test_another_users_folder_or_a_link_is_refused(bare: Path) -> None:
    SITE_CACHE.parent.mkdir(parents=True)
    (bare / "elsewhere").mkdir()
    SITE_CACHE.symlink_to(bare / "elsewhere")
    with pytest.raises(InputError, match="found a link or another"):
        site_cache()
    SITE_CACHE.unlink()
    if os.getuid() == 0:  # else nobody can give a folder away
        SITE_CACHE.mkdir()
        os.chown(SITE_CACHE, 65534, 65534)
        with pytest.raises(InputError, match="another user's"):
            site_cache()


def test_a_nearly_full_disk_is_said_in_one_line(bare: Path) -> None:
    said: list[str] = []
    check_free_space(said.append, min_free_bytes=0)
    assert said == []
    check_free_space(said.append, min_free_bytes=1 << 62)
    (line,) = said
    assert str(bare) in line
    assert "nearly full" in line
