"""`make up` on PostgreSQL instead of SQLite: the same server, worker and runs, kept in there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.services.temporary import free_port
from tests.chain import chain, make_checkout
from tests.flows.services.place import Place, end
from tests.postgres import PASSWORD, Database, serve_database

pytestmark = pytest.mark.slow


@pytest.fixture
def database() -> Iterator[Database]:
    with serve_database() as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Iterator[Place]:
    folder = make_checkout(tmp_path / "checkout", chain(2))
    variables = {"PREFECT_API_DATABASE_CONNECTION_URL": database.url_for("asyncpg")}
    made = Place(folder.resolve(), free_port(), variables)
    try:
        yield made
    finally:
        end(made)


def test_up_runs_and_remembers_on_postgresql(place: Place, database: Database) -> None:
    said = place.up()
    run = place.start()
    done = place.wait_for_state(run, "Completed", "Failed", "Crashed")
    assert done.state_name == "Completed", done.state_message
    states = "select state_name from flow_run where state_type <> 'SCHEDULED'"
    assert database.ask(states) == "Completed"
    assert database.ask("select count(*) from task_run") == "2"
    assert not list((place.folder / ".prefect").glob("*.db"))
    place.run("down")
    place.up()
    assert place.read(run).state_name == "Completed"
    for text in (said, place.log("server"), place.log("worker"), place.log("supervisord")):
        assert PASSWORD not in text
