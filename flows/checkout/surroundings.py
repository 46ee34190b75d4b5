"""What a `dvc` subprocess of this checkout gets: a private cache folder, and room to write."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from flows.checkout.lock import STATE
from tasks.errors import InputError

SITE_CACHE = STATE / "site-cache"
MIN_FREE_BYTES = 1 << 30


def dvc_environment() -> dict[str, str]:
    """Variables for a `dvc` subprocess, beside those this process has."""
    return {"DVC_SITE_CACHE_DIR": str(site_cache()), "DVC_NO_ANALYTICS": "1"}


def site_cache() -> Path:
    """A folder of ours alone for what DVC would keep where every user may write; it holds pickles,
    and who can write those runs code as us."""
    folder = SITE_CACHE.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not mine:
        raise InputError(
            f"{SITE_CACHE}: expected a folder of yours, found a link or another user's folder."
            " Remove it, or work in a clone of your own."
        )
    if stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU)
    return folder


def check_free_space(say: Callable[[str], None], min_free_bytes: int = MIN_FREE_BYTES) -> None:
    """A full disk is the commonest way to a half-written file; say so before it happens."""
    for folder in filter(Path.exists, (Path.cwd(), Path(".dvc/cache"))):
        free_bytes = shutil.disk_usage(folder).free
        if free_bytes < min_free_bytes:
            say(
                f"the disk of {folder} is nearly full: {free_bytes / 2**20:.0f} MiB free, at least"
                f" {min_free_bytes / 2**20:.0f} wanted. Free some space before a run stops halfway."
            )
            return
