"""A stream's source need not be the model's: only its columns have to fit."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict
from tests.sql.streams.asking import agrees, drain
from tests.sql.streams.models import payments, risk


@pytest.mark.parametrize("source", ["payments", None])
def test_a_stream_on_another_table_than_the_models_source(
    db: pgpredict.Database, connection: psycopg.Connection[Any], source: str | None
) -> None:
    db.deploy("danger", risk(), payments(), source=source)
    connection.execute("CREATE TABLE refunds (LIKE payments INCLUDING ALL)")
    connection.execute("SELECT pgpredict.create_stream('s', 'danger', 'refunds')")
    connection.execute(
        "INSERT INTO refunds SELECT n, 40 * n, n, 'south' FROM generate_series(1, 8) AS n"
    )
    assert drain(connection) == 8
    assert agrees(connection) == 8
