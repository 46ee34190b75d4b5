"""Which partitions of corrections the newest judged candidate was made from."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from flows.checkout.cache import cached_listing, find_cache
from flows.checkout.git import git
from flows.feedback import FEEDBACK
from tasks.errors import InputError
from tasks.feedback import ACCEPTED
from tasks.release.known import list_releases
from tasks.releases import LIVE, Place
from tasks.retrain_policy.history import Training


def learnt_partitions(history: Sequence[Training]) -> set[str]:
    """By name; of a candidate that came through any door. What nobody can say, is not learnt."""
    finished = [one for one in history if one.outcome == "finished"]
    own = set(finished[-1].started.partitions) if finished else set()
    releases = sorted(list_releases(Place(LIVE)), key=lambda release: release.judged_at)
    if not releases or (finished and releases[-1].judged_at <= finished[-1].started.at):
        return own
    return _partitions_of(releases[-1].commit) or own


def _partitions_of(commit: str) -> set[str]:
    """As the .dvc file of that commit and DVC's cache have it; none where either is gone."""
    with contextlib.suppress(InputError):
        text = git("show", f"{commit}:{FEEDBACK / ACCEPTED}.dvc")
        md5s = re.findall(r"^- md5: ([0-9a-f]{32}\.dir)$", text, re.MULTILINE)
        listings = [cached_listing(find_cache(), md5) or {} for md5 in md5s]
        return {Path(name).stem for names in listings for name in names if name.endswith(".json")}
    return set()
