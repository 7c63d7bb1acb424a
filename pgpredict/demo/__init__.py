"""The demo: a year of real flights, two models, every row compared with scikit-learn.

    story     what happens, act by act
    screen    how it looks
    flights   the data, from a package into Postgres and from there to scikit-learn
    models    the two pipelines
    scoring   the whole table in SQL, and by scikit-learn

Needs the extra ``demo``. Everything that it makes lies in the schema ``nycflights`` of the embedded
server, and in the model ``late``.
"""

from __future__ import annotations

__all__ = ["run"]


def run(dsn: str | None = None) -> None:
    """Run the demo, and tell on stdout what happens.

    It can be run again: its tables are filled anew, its models become further versions.

    Args:
        dsn: a database; None: the embedded server, which is started if it does not run.

    Raises:
        PgpredictError: the extra ``demo`` is not installed, or the schema ``nycflights`` or the
            model ``late`` is not the demo's.
        GoldenRowMismatch: an answer of the database differs from scikit-learn's.
        NoServer: the server does not start, or nobody answers at the DSN.
    """
    from pgpredict.demo.story import tell

    tell(dsn)
