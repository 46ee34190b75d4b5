"""Gather the evidence: load both bundles, and let both answer the same rows."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.errors import InputError
from tasks.evaluate.params import Check
from tasks.gate import inputs
from tasks.gate.evidence import Broken, Evidence, Measured, Rows, Unscored
from tasks.gate.measure import Contestant, load, measure, pick_timed, time_side_by_side
from tasks.gate.params import GateParams

log = logging.getLogger(__name__)
Loaded = Contestant | Broken
Candidate = Measured | Broken
Champion = Measured | Unscored | Broken | None


class Files(NamedTuple):
    candidate: Path
    champion: Path | None
    champion_id: str | None  # sha256 of its manifest; None: its folder says so
    test: Path
    holdout: Path | None
    validation_metrics: Path


def gather(files: Files, params: GateParams, checks: Sequence[Check]) -> Evidence:
    """InputError for rows that cannot be read, or where no bundle lies at all; whatever else is
    wrong with a bundle is evidence."""
    if not files.candidate.is_dir():
        raise InputError(
            f"{files.candidate}: no such folder, expected a bundle. Run the stage `package`."
        )
    champion_id = _champion_id(files)
    num_rows = len(inputs.read_labels(files.test))
    loaded = _with_labels(load(files.candidate), files)
    rival = None if files.champion is None else _load_champion(files.champion, champion_id)
    rows, candidate, champion = _score(loaded, rival, files, params, checks)
    return Evidence(
        num_rows=num_rows,
        rows=rows,
        candidate=candidate,
        champion=champion,
        ids=(inputs.id_of(files.candidate), champion_id),
        data_gate=inputs.read_data_gate(files.validation_metrics),
    )


def _champion_id(files: Files) -> str | None:
    """Of a champion known by its id even a vanished folder is evidence: it is broken. Any other
    path that leads nowhere is a slip of the pen, not a first deployment."""
    if files.champion is None or files.champion_id:
        return files.champion_id
    if not files.champion.is_dir():
        raise InputError(
            f"{files.champion}: no such folder, expected the champion's bundle. Mend the path; "
            "without --champion the candidate is the first."
        )
    return inputs.released_id(files.champion)


def _load_champion(bundle: Path, released_id: str | None) -> Loaded:
    """Another bundle in a release's place is no champion, however well it loads."""
    if inputs.id_of(bundle) != released_id:
        return Broken("loads", f"{bundle} is not the bundle that was released", None)
    return load(bundle)


def _with_labels(loaded: Loaded, files: Files) -> Loaded:
    """A candidate that does not know the rows' classes cannot be scored on them."""
    if isinstance(loaded, Broken):
        return loaded
    tables = [file for file in (files.test, files.holdout) if file is not None]
    strangers = inputs.find_strangers(tables, loaded.predictor.label_set)
    return Broken("labels", strangers, loaded.manifest) if strangers else loaded


def _score(
    loaded: Loaded, rival: Loaded | None, files: Files, params: GateParams, checks: Sequence[Check]
) -> tuple[Rows | None, Candidate, Champion]:
    """A champion is asked only where its answers can be compared."""
    if isinstance(loaded, Broken):
        return None, loaded, _unscored(rival)
    label_set = loaded.predictor.label_set
    rows = inputs.read_rows(files.test, files.holdout, label_set, params.slices.min_holdout_raters)
    asked = {"candidate": loaded}
    if isinstance(rival, Contestant) and rival.predictor.label_set == label_set:
        asked["champion"] = rival
    answered: dict[str, Candidate] = {}
    for name, contestant in asked.items():
        log.info("the %s scores %s texts", name, f"{len(rows.test.texts):,}")
        answered[name] = measure(contestant, rows, checks, params.threads)
    well = {name: one for name, one in answered.items() if isinstance(one, Measured)}
    texts = pick_timed(rows.test, params.latency.num_texts)
    times = time_side_by_side([asked[name].predictor for name in well], texts)
    for (name, one), milliseconds in zip(well.items(), times, strict=True):
        answered[name] = one._replace(milliseconds=milliseconds)
    return rows, answered["candidate"], answered.get("champion", _unscored(rival))


def _unscored(rival: Loaded | None) -> Champion:
    return Unscored(rival.predictor.label_set) if isinstance(rival, Contestant) else rival
