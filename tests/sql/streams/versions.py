"""Whether predictions are what the version says that they carry."""

from __future__ import annotations

from tests.sql.streams.asking import Connection

ROW = "p.amount, p.days, p.region"


def by_version(connection: Connection, table: str = "predict.s_live") -> dict[int, int]:
    """How many predictions carry each version; asserts that each is what the version answers."""
    counts: dict[int, int] = {}
    versions = connection.execute(f"SELECT DISTINCT version FROM {table} ORDER BY 1").fetchall()
    for (version,) in versions:
        row = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE"
            f" l.prediction IS DISTINCT FROM predict_versions.risk_v{version}({ROW})"
            f" OR l.probability IS DISTINCT FROM predict_versions.risk_v{version}_proba({ROW}))"
            f" FROM {table} AS l JOIN payments AS p USING (id) WHERE l.version = %s",
            [version],
        ).fetchone()
        assert row is not None
        counts[version], wrong = row
        assert wrong == 0
    return counts


def insert(connection: Connection, first: int, last: int) -> None:
    """Insert payments with these keys, all different."""
    connection.execute(
        "INSERT INTO payments SELECT n, 10 + mod(n, 97), mod(n, 31),"
        " (ARRAY['north', 'south', 'west'])[1 + mod(n, 3)] FROM generate_series(%s::int, %s) AS n",
        [first, last],
    )
