"""Database: what people call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pgpredict.database.learner_drift import LearnersDrift
from pgpredict.database.learner_history import LearnerHistory
from pgpredict.database.learner_rules import LearnerRules
from pgpredict.database.learners import Learners
from pgpredict.database.monitoring import Monitoring
from pgpredict.database.names import check_name, check_version
from pgpredict.database.records import Deployment, Event, GoldenRow, Model, Verification, Version
from pgpredict.database.scores import Scores
from pgpredict.database.session import Session, all_rows, one_row
from pgpredict.database.streams import Streams
from pgpredict.database.target import link
from pgpredict.database.walker import INSTALLED, use_native
from pgpredict.errors import UnreadableModel

if TYPE_CHECKING:
    import pandas as pd

    from pgpredict.database.target import Target


def connect(target: Target = None) -> Database:
    """Connect to a database.

    Args:
        target: a DSN (``postgresql://user:password@host:5432/database``), a SQLAlchemy engine, a
            psycopg connection, or None: ``$PGPREDICT_DSN``, else the embedded server, which is
            started if need be.

    Returns:
        The database. It need not have the schema yet: see `Database.install`.

    Raises:
        NoServer: nobody answers there, or it does not let us in.
        DatabaseError: the target is none of these, or its Postgres is older than 14.

    Example:
        >>> connect("postgresql://me@127.0.0.1:1/shop")
        Traceback (most recent call last):
            ...
        pgpredict.errors.NoServer: cannot connect to 127.0.0.1, port 1, database shop
        ...
    """
    return Database(link(target))


class Database(
    Monitoring, Streams, Learners, LearnerHistory, LearnerRules, LearnersDrift, Scores, Session
):
    """A database with pgpredict in it.

    Every method is a transaction of its own; on a connection of yours that is inside a
    transaction it is a savepoint, and your commit makes it last. One object serves one thread.

    Example:
        >>> with connect(dsn) as db:  # doctest: +SKIP
        ...     db.install()
        ...     db.deploy("churn", pipeline, sample, source="public.customers")
    """

    def deploy(
        self,
        name: str,
        model: object,
        sample: pd.DataFrame,
        *,
        source: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        promote: bool | None = None,
        form: str | None = None,
        model_file: tuple[bytes, str] | None = None,
    ) -> Deployment:
        """Turn a fitted model into a new version: frozen functions that answer as it does.

        One transaction. The first 1,000 rows of the sample are run through the functions in the
        database, and compared with what the model says of them in Python; where one row differs,
        nothing remains. NULL is a missing value; where Python would raise, the answer is NULL.

        Args:
            name: name of the model, ``^[a-z][a-z0-9_]{0,40}$``.
            model: a fitted scikit-learn estimator.
            sample: rows of the model's input columns, with the types that they have in the
                database.
            source: a table or view whose rows ``predict.<name>(row)`` should take; None: that of
                the live version, if its columns fit.
            metrics: what you measured: ``{"auc": 0.91}``.
            promote: whether it goes live; None: a first version does, later ones wait.
            form: ``inline``, ``block`` or, for trees, ``nodes``; None: the fastest on this server.
            model_file: bytes and format of the model's file; None: it is written with skops.

        Returns:
            What was deployed, and how to call it.

        Raises:
            InvalidName: the name is not allowed.
            UnsupportedEstimator, NotFitted, InvalidSample: the model has no SQL form.
            InvalidSource: the source is not there, or its columns do not fit.
            GoldenRowMismatch: the functions answer otherwise than Python.
            SignatureChanged, InUse: it was to go live, and `promote` refuses.
        """
        # Loads scikit-learn and the transpiler: a second that other methods need not wait.
        from pgpredict.database.deploying import store
        from pgpredict.database.prepared import prepare

        with self._work() as cursor:
            walker = one_row(cursor, "walker_language")["language"]
        new = prepare(
            check_name(name),
            model,
            sample,
            metrics=metrics,
            form=form,
            model_file=model_file,
            native=walker == "c",
        )
        with self._work() as cursor:
            return store(cursor, new, source=source, promote=promote)

    def use_native_walker(self, library: str | None = None) -> None:
        """Walk the trees of models of the form ``nodes`` in C, in this database.

        Args:
            library: a file that the server can read, as CREATE FUNCTION takes it; None: that which
                ``make -C sql/native install`` put among the server's own.

        Raises:
            NoRights: only a superuser may.
            DatabaseError: the server has no such library.
        """
        with self._work() as cursor:
            use_native(cursor, library or INSTALLED)

    def promote(self, model: str, version: int) -> int:
        """Make a version live; views on ``predict.<model>`` stay, and answer with it.

        Returns:
            The version that is live now.

        Raises:
            UnknownModel: no such model or version, or a retired one.
            SignatureChanged: something uses the live functions, which would change.
            InUse: an index, a column or a constraint stores answers of the live functions.
        """
        check_version(model, version)
        with self._work() as cursor:
            return int(one_row(cursor, "promote", model=model, version=version)["version"])

    def rollback(self, model: str) -> int:
        """Make the version live that was live before; again, and it goes further back.

        Returns:
            The version that is live now.

        Raises:
            UnknownModel, SignatureChanged, InUse: as for `promote`.
            NothingBefore: no version was live before, or it is retired.
        """
        with self._work() as cursor:
            return int(one_row(cursor, "rollback", model=model)["version"])

    def retire(self, model: str, version: int) -> int:
        """Drop the frozen functions of a version; its record stays.

        Returns:
            The version.

        Raises:
            UnknownModel: no such model or version, or a retired one.
            InUse: it is live, or a view, an index or something else uses its functions.
        """
        check_version(model, version)
        with self._work() as cursor:
            return int(one_row(cursor, "retire", model=model, version=version)["version"])

    def drop(self, model: str) -> int:
        """Remove a model: its functions, versions, golden rows and model files; its events stay.

        Returns:
            How many versions went.

        Raises:
            UnknownModel: no such model.
            InUse: a view, an index or something else uses its functions.
        """
        with self._work() as cursor:
            return int(one_row(cursor, "drop", model=model)["versions"])

    def model_file(self, model: str, version: int | None = None) -> tuple[bytes, str]:
        """The model file of a version, a retired one too; None: of the live version.

        Returns:
            Its bytes, and its format: skops, pickle, joblib. Reading the last two runs code.

        Raises:
            UnknownModel: no such model or version.
            UnreadableModel: no file was kept of it.

        Example:
            >>> content, _ = db.model_file("churn", 1)  # doctest: +SKIP
            >>> skops.io.loads(content)  # doctest: +SKIP
        """
        check_version(model, version)
        with self._work() as cursor:
            found = all_rows(cursor, "model_file", model=model, version=version)
            if not found:  # this says what there is instead
                one_row(cursor, "usable_version", model=model, version=version)
        file = found[0]
        if file["format"] is None:
            raise UnreadableModel(f"no model file was kept of {model} v{file['version']}")
        return file["content"], file["format"]

    def verify(self, model: str, version: int | None = None) -> Verification:
        """Run the golden rows of a version again; None: of the live one.

        Returns:
            How many rows are equal, and how many are not.

        Raises:
            UnknownModel: no such model or version, or a retired one.
        """
        check_version(model, version)
        with self._work() as cursor:
            return Verification(
                model=model, **one_row(cursor, "verify", model=model, version=version)
            )

    def worst_rows(
        self, model: str, version: int | None = None, at_most: int = 10
    ) -> list[GoldenRow]:
        """The golden rows of a version that differ, the worst first, both answers side by side."""
        check_version(model, version)
        with self._work() as cursor:
            rows = all_rows(cursor, "worst_rows", model=model, version=version, at_most=at_most)
            return [GoldenRow(**row) for row in rows]

    def models(self) -> list[Model]:
        """All models, by name."""
        with self._work() as cursor:
            return [Model(**row) for row in all_rows(cursor, "models")]

    def versions(self, model: str | None = None) -> list[Version]:
        """The versions of a model, or of all, by number; retired ones too."""
        with self._work() as cursor:
            return [Version(**row) for row in all_rows(cursor, "versions", model=model)]

    def events(self, model: str | None = None) -> list[Event]:
        """What happened to a model, or to all; oldest first."""
        with self._work() as cursor:
            return [Event(**row) for row in all_rows(cursor, "events", model=model)]
