"""The schema is what the code says, on both databases, whoever brings it there and when."""

import multiprocessing
from multiprocessing.synchronize import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from serving.store.engine import open_engine
from serving.store.insert import insert_predictions
from serving.store.schema import VERSION_TABLE, upgrade
from serving.store.tables import METADATA
from tasks.errors import InputError
from tests.postgres import PASSWORD
from tests.serving.store.predictions import POLICY, make_record, read_rows

# not forked: what earlier tests of the process left to be done at its end would be done in each
OPTIONS = {"version_table": VERSION_TABLE}
SPAWN = multiprocessing.get_context("spawn")


def test_there_is_nothing_that_the_tables_have_and_the_steps_do_not_make(store: Engine) -> None:
    options = {**OPTIONS, "compare_type": True, "compare_server_default": True}
    with store.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        checks = {
            check["name"] for check in inspect(connection).get_check_constraints("predictions")
        }
        assert checks == {"ck_predictions_role"}  # which the comparison does not look at
        assert inspect(connection).get_pk_constraint("api_keys")["name"] == "pk_api_keys"
    upgrade(store)  # again, with nothing to do


def test_a_difference_would_be_seen(store: Engine) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE api_keys ADD COLUMN more TEXT"))
        assert compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), METADATA)


def test_a_newer_schema_is_refused_in_one_line_and_left_as_it_is(store: Engine) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE flywheel_version SET version_num = '9999'"))
    with pytest.raises(InputError) as caught:
        upgrade(store)
    said = str(caught.value)
    assert "schema is at step 9999, this code knows none beyond 0002" in said
    assert PASSWORD not in said
    assert "\n" not in said
    with store.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM flywheel_version")) == "9999"


def test_tables_of_another_program_are_not_touched(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE api_keys (something TEXT)"))
    with pytest.raises(InputError, match="no other program made or changed its tables"):
        upgrade(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["api_keys"]  # the step left nothing half


def upgrade_together(url: str, barrier: Barrier) -> None:
    engine = open_engine(url)
    barrier.wait(60)
    upgrade(engine)
    engine.dispose()


def test_many_processes_may_start_at_once(url: str, engine: Engine) -> None:
    barrier = SPAWN.Barrier(6)
    processes = [SPAWN.Process(target=upgrade_together, args=(url, barrier)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
    assert [process.exitcode for process in processes] == [0] * 6
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM flywheel_version")).all() == [
            ("0002",)
        ]


def test_a_store_whose_table_of_versions_has_the_old_name_is_taken_over(store: Engine) -> None:
    insert_predictions(store, [make_record(1)], POLICY)
    with store.begin() as connection:
        connection.execute(text("DROP TABLE feedback"))  # such a store is older than that
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    upgrade(store)
    with store.connect() as connection:
        tables = {"predictions", "api_keys", "feedback", VERSION_TABLE}
        assert set(inspect(connection).get_table_names()) == tables
    assert read_rows(store).keys() == {"p000001"}


def test_another_programs_table_of_versions_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9db3b4a2f1')"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT * FROM alembic_version")) == "9db3b4a2f1"
        assert connection.scalar(text(f"SELECT * FROM {VERSION_TABLE}")) == "0002"
