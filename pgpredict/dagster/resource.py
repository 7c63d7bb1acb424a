"""PgPredict: the database, as a resource of Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

import pgpredict
from pgpredict.errors import NoSchema

KEY = "pgpredict"


class PgPredict(dg.ConfigurableResource["PgPredict"]):
    """The database that models are deployed to.

    Attributes:
        dsn: ``postgresql://user:password@host:5432/database``, best as
            ``dg.EnvVar("SHOP_DSN")``, since Dagster shows what is written out; None:
            ``$PGPREDICT_DSN`` at the time of the run, else the embedded server.

    Example:
        >>> with PgPredict(dsn="postgresql://me@127.0.0.1:1/shop").database() as db:
        ...     db.models()
        Traceback (most recent call last):
            ...
        pgpredict.errors.NoServer: cannot connect to 127.0.0.1, port 1, database shop
        ...
    """

    dsn: str | None = None

    @contextmanager
    def database(self) -> Iterator[pgpredict.Database]:
        """A connection for one piece of work; closed behind it.

        In a database without pgpredict the schema is made.

        Raises:
            NoServer: nobody answers there.
            NoRights: there is no schema yet, and the role may not make one.
        """
        with pgpredict.connect(self.dsn) as db:
            try:
                db.models()
            except NoSchema:
                db.install()
            yield db


# One object for all models of a project: Dagster refuses two resources of one name.
DEFAULT = PgPredict()
