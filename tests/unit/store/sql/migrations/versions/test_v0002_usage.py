"""The migration makes the tables that the code declares, and can be taken back."""

import importlib

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from kaigate.store.sql.usage_tables import usage_daily, usage_dead_letters, usage_records

v0002 = importlib.import_module("kaigate.store.sql.migrations.versions.v0002_usage")


@pytest.fixture
def connection():
    engine = sa.create_engine("sqlite://")
    with engine.connect() as made, Operations.context(MigrationContext.configure(made)):
        yield made
    engine.dispose()


@pytest.mark.parametrize("table", [usage_records, usage_daily, usage_dead_letters], ids=str)
def test_a_table_is_as_declared(connection, table):
    v0002.upgrade()
    inspector = sa.inspect(connection)
    columns = [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table.name)]
    assert columns == [(c.name, c.type.compile(connection.dialect), c.nullable) for c in table.c]
    assert inspector.get_pk_constraint(table.name) == {
        "constrained_columns": [c.name for c in table.primary_key],
        "name": f"pk_{table.name}",
    }
    assert {index["name"] for index in inspector.get_indexes(table.name)} == {index.name for index in table.indexes}


def test_it_can_be_taken_back(connection):
    v0002.upgrade()
    v0002.downgrade()
    assert sa.inspect(connection).get_table_names() == []
