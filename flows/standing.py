"""What the monitor has told of what is live and finds still: it asks through whoever comes next."""

import contextlib
from pathlib import Path

from flows.monitor import TARGET
from tasks.errors import InputError
from tasks.monitor.alerts import DRIFT, DROP, read_emitted
from tasks.releases import LIVE, Place, read_pointer
from tasks.retrain_policy.history import AskedBy

_NAMES: dict[AskedBy, str] = {"drift": DRIFT, "quality": DROP}


def standing_events() -> dict[AskedBy, str]:
    """The evidence of each. None where nothing was told, or the file is none of ours.

    An event is told once: the run that it starts may skip, or be cancelled beside another.
    """
    with contextlib.suppress(InputError, OSError):
        live = read_pointer(Place(LIVE)).live
        told = read_emitted(Path(TARGET)).standing
        return {
            event: told[name].evidence
            for event, name in _NAMES.items()
            if live and name in told and told[name].version == live.version
        }
    return {}
