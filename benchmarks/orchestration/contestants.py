"""Who runs the chain: commands, what each keeps of the data, and where its program lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Command = tuple[str, ...]
FLYWHEEL: Command = ("python", "-m", "flows.flywheel")


@dataclass(frozen=True)
class Contestant:
    """`command` is timed twice in a fresh folder, cold and warm; `setup` before it is not."""

    name: str
    tool: str  # its folder in peers/ and, for a peer, its environment and its package's name
    command: Command
    keeps: str
    versions_data: bool  # can give back the data of an earlier run after a later one
    setup: tuple[Command, ...] = ()
    uses_server: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


GIT: tuple[Command, ...] = (
    ("git", "init", "--quiet"),
    ("git", "add", "--all"),
    ("git", "commit", "--quiet", "--message", "start"),
)
COMPILE: Command = ("python", "-m", "compileall", "-q", ".")
DVC_KEEPS = (
    "content-addressed cache; dvc.lock says which bytes; skips by hash of data, params, code"
)
FLOW_KEEPS = f"{DVC_KEEPS}; each run an experiment that can be restored"
PREFECT_KEEPS = "no data; nothing is skipped unless the user writes a cache policy"
DAGSTER_KEEPS = "the last bytes and a data version per run; marks stale assets, a job runs all"

PLAIN_DVC = Contestant("dvc repro", "dvc", ("dvc", "repro"), DVC_KEEPS, True, GIT)
OURS = Contestant(
    "our flow, server up", "flywheel", FLYWHEEL, FLOW_KEEPS, True, (*GIT, COMPILE), uses_server=True
)
CONTESTANTS = (
    PLAIN_DVC,
    OURS,
    Contestant("our flow, own server", "flywheel", FLYWHEEL, FLOW_KEEPS, True, (*GIT, COMPILE)),
    Contestant(
        "bare Prefect flow, server up", "prefect", ("python", "chain.py"), PREFECT_KEEPS, False,
        uses_server=True,
    ),
    Contestant(
        "bare Prefect flow, ephemeral server", "prefect", ("python", "chain.py"),
        PREFECT_KEEPS, False,
        environment={"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"},
    ),
    Contestant(
        "ZenML", "zenml", ("python", "chain.py"),
        "every step's output as a numbered artifact; skips by inputs and code", True,
        setup=(("zenml", "init"),),
    ),
    Contestant(
        "Metaflow", "metaflow", ("python", "chain.py", "run"),
        "every run's artifacts, content-addressed; skips nothing (`resume`: failed runs)", True,
    ),
    Contestant(
        "Dagster, in process", "dagster",
        ("dagster", "job", "execute", "-f", "chain.py", "-j", "in_process"), DAGSTER_KEEPS, False,
        setup=(("dagster", "instance", "info"),),
    ),
    Contestant(
        "Dagster, multiprocess", "dagster",
        ("dagster", "job", "execute", "-f", "chain.py", "-j", "multiprocess"), DAGSTER_KEEPS, False,
        setup=(("dagster", "instance", "info"),),
    ),
    Contestant(
        "Kedro", "kedro", ("kedro", "run"), "the last bytes only; skips nothing by content", False,
        setup=(COMPILE,),
    ),
    Contestant(
        "Kedro, versioned: true", "kedro", ("kedro", "run", "--env=versioned"),
        "a copy per run in a folder named by its time; skips nothing by content", True,
        setup=(COMPILE,),
    ),
)  # fmt: skip
