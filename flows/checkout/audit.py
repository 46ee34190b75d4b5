"""Every byte that DVC keeps for this checkout hashed again: what is damaged, and who uses it."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import yaml

from flows.checkout.cache import cached_listing, list_objects
from flows.checkout.hashes import RecordedOut, file_md5, read_recorded_outs
from flows.checkout.inputs import check_out
from flows.checkout.rescue import RESCUED
from tasks.errors import InputError

MIN_LITTER_AGE_SECONDS = 24 * 3600.0  # younger leftovers may belong to a transfer that goes on


class DamagedObject(NamedTuple):
    """An object whose bytes do not have the md5 it is named after."""

    md5: str
    file: Path
    found_md5: str


class AlteredOut(NamedTuple):
    """An output in the checkout that is not what dvc.lock recorded."""

    out: RecordedOut
    reason: str


def find_damaged_objects(cache: Path) -> tuple[int, list[DamagedObject]]:
    """How many objects the cache has, and those with other bytes than their name says."""
    objects = list(list_objects(cache))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(file_md5, (file for _, file in objects)))
    return len(objects), [
        DamagedObject(md5, file, actual)
        for (md5, file), actual in zip(objects, found, strict=True)
        if actual != md5.removesuffix(".dir")
    ]


def find_altered_outs() -> tuple[int, list[AlteredOut]]:
    """How many outputs are there, and those edited by hand or damaged; DVC would trust many."""
    present = [out for out in read_recorded_outs().values() if Path(out.path).exists()]
    altered = []
    for out in present:
        try:
            check_out(out)
        except InputError as problem:
            altered.append(AlteredOut(out, str(problem)))
    return len(present), altered


def find_litter(cache: Path, min_age_seconds: float = MIN_LITTER_AGE_SECONDS) -> list[Path]:
    """What broken transfers left in the cache; DVC never removes it."""
    newest = time.time() - min_age_seconds
    return sorted(file for file in cache.glob("*/.*.tmp") if file.stat().st_mtime < newest)


def find_users(cache: Path) -> dict[str, list[str]]:
    """What each object's md5 stands for: outputs in dvc.lock, data added by hand, files inside."""
    users: dict[str, list[str]] = defaultdict(list)
    for out in (*read_recorded_outs().values(), *_added_by_hand()):
        users[out.md5].append(f"{out.path} of {out.stage}")
        listing = (cached_listing(cache, out.md5) or {}) if out.md5.endswith(".dir") else {}
        for name, md5 in listing.items():
            users[md5].append(f"{out.path}/{name} of {out.stage}")
    return users


def _added_by_hand() -> Iterator[RecordedOut]:
    """Data under `dvc add`; nothing can make it anew."""
    for file in sorted(Path("data").rglob("?*.dvc")):
        if file.is_file() and not file.is_relative_to(RESCUED):
            tree = yaml.load(file.read_bytes(), yaml.CBaseLoader)
            for out in (out for out in tree["outs"] if "md5" in out):
                yield RecordedOut(str(file), (file.parent / out["path"]).as_posix(), out["md5"])
