"""However many ranges a table is read in, all its scores are of one moment."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.batch.job import Crew

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
SAID = "SELECT id, predict.buys(v) FROM visits AS v ORDER BY id"


@pytest.fixture
def _late_change(installed_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows change when the moment is chosen, and no connection has begun to read."""
    workers = Crew.workers

    def late(crew: Crew, wanted: int) -> Any:
        with psycopg.connect(installed_dsn, autocommit=True) as other:
            other.execute("UPDATE visits SET tenure = (tenure + 23) % 70")
        return workers(crew, wanted)

    monkeypatch.setattr(Crew, "workers", late)


@pytest.mark.parametrize("hangs_on_it", [False, True])
@pytest.mark.usefixtures("several")
def test_rows_that_change_meanwhile_are_scored_as_they_were(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    request: pytest.FixtureRequest,
    hangs_on_it: bool,
) -> None:
    if hangs_on_it:  # then rows are written into the table that is there
        shop.score("buys", **SCORES)
        connection.execute("CREATE INDEX ON scores (probability)")
    said = connection.execute(SAID).fetchall()
    request.getfixturevalue("_late_change")

    done = shop.score("buys", **SCORES, workers=2)

    assert done.way == ("in place" if hangs_on_it else "new")
    assert connection.execute("SELECT id, prediction FROM scores ORDER BY id").fetchall() == said
    assert connection.execute(SAID).fetchall() != said
