"""Which partitions of corrections the newest judged candidate was made from."""

import contextlib
import re
from collections.abc import Sequence

from flows.checkout.cache import cached_listing, find_cache
from flows.checkout.git import git
from flows.feedback import FEEDBACK
from tasks.errors import InputError
from tasks.feedback import ACCEPTED, names_of
from tasks.monitor.live import find_newest
from tasks.releases import LIVE, Place, numbers_of
from tasks.retrain_policy.history import Training


def learnt_partitions(history: Sequence[Training]) -> set[str]:
    """By name; of a candidate that came through any door. What nobody can say, is not learnt."""
    last = next((one for one in reversed(history) if one.outcome == "finished"), None)
    own = set(last.started.partitions) if last else set()
    version = last.ended.version if last and last.ended else None
    newest = find_newest(Place(LIVE))
    if newest is None or (version and numbers_of(newest.version) <= numbers_of(version)):
        return own
    return _partitions_of(newest.commit) or own


def _partitions_of(commit: str) -> set[str]:
    """As the .dvc file of that commit and DVC's cache have it; none where either is gone."""
    if not commit:  # of no run, and git would take that for its index
        return set()
    with contextlib.suppress(InputError):
        text = git("show", f"{commit}:./{FEEDBACK / ACCEPTED}.dvc")
        md5s = re.findall(r"^- md5: ([0-9a-f]{32}\.dir)$", text, re.MULTILINE)
        listings = [cached_listing(find_cache(), md5) or {} for md5 in md5s]
        return names_of(name for names in listings for name in names)
    return set()
