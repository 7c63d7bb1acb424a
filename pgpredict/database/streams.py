"""Predictions for the rows of a table, kept up to date while the table changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pgpredict.database.session import Session
from pgpredict.database.stream_records import DeadLetter, Stream
from pgpredict.database.stream_statements import (
    Span,
    check_options,
    check_version_of,
    first,
    run,
    table,
)


class Streams(Session):
    """What `pgpredict.Database` does with streams."""

    def create_stream(
        self,
        name: str,
        model: str,
        source: str,
        key: str | Sequence[str] | None = None,
        *,
        mode: str = "queue",
        backfill: bool = False,
        retention: Span = timedelta(days=30),
        attempts: int = 5,
        notify: bool = True,
        level: str = "statement",
        publish: bool = False,
    ) -> Stream:
        """Predict the rows of a table from now on, whenever they come or change.

        The latest prediction of each row is in ``predict.<name>_live``, all of them in
        ``predict.<name>_log``. A prediction follows its row: an INSERT makes it, an UPDATE of an
        input makes it anew, and with the row it goes. NULL in an input is a missing value.

        Args:
            name: name of the stream, ``^[a-z][a-z0-9_]{0,40}$``.
            model: name of the model; its live version predicts.
            source: a table with a column for each input of the model, looked up as in a query:
                ``customers`` or ``public."My Table"``.
            key: the column or columns that tell its rows apart, as they are called, without
                quotes; a unique index stands on them. None: the primary key.
            mode: ``queue``: a worker predicts, milliseconds after the commit; ``transaction``: the
                prediction commits with the row.
            backfill: predict the rows that are there already, too.
            retention: how long the log keeps predictions, also as Postgres writes it: ``30 days``.
                None: for ever; 0: there is no log.
            attempts: how often a row that cannot be predicted is tried.
            notify: whether writers wake the worker, which polls otherwise.
            level: of the triggers: ``statement``, or ``row`` where logical replication fills the
                table.
            publish: make a publication of the predictions, for logical replication.

        Returns:
            The stream.

        Raises:
            InvalidName: the name is not allowed.
            InvalidStream: there is such a stream already, or an option has no meaning.
            UnknownModel: no such model, or none of its versions is live.
            InvalidSource: there is no such table, its columns do not fit the model, the key does
                not tell its rows apart, or they cannot be read.
            NoRights: triggers on the table are not yours to make.

        Example:
            >>> db.create_stream("churn_now", "churn", "customers", backfill=True)
            ... # doctest: +SKIP
            >>> with db.connection() as connection:  # doctest: +SKIP
            ...     connection.execute("SELECT * FROM predict.churn_now_live").fetchall()
        """
        columns = [key] if isinstance(key, str) else list(key or ()) or None
        with self._work() as cursor:
            check_options(cursor, retention, attempts)
            run(
                cursor,
                "create",
                name=name,
                model=model,
                source=table(cursor, source),
                key=columns,
                mode=mode,
                backfill=backfill,
                retention=retention,
                attempts=attempts,
                notify=notify,
                level=level,
                publish=publish,
            )
            return Stream(**first(cursor, "streams", name=name))

    def streams(self) -> list[Stream]:
        """All streams, by name: what they do, what waits, how fast they go.

        Example:
            >>> [stream.name for stream in db.streams() if stream.depth]  # doctest: +SKIP
            ['churn_now']
        """
        with self._work() as cursor:
            return [Stream(**row) for row in run(cursor, "streams", name=None)]

    def stream(self, name: str) -> Stream:
        """One stream.

        Raises:
            UnknownStream: there is none of this name.
        """
        with self._work() as cursor:
            found = run(cursor, "streams", name=name)
            if not found:  # this says what there is instead
                run(cursor, "check", name=name)
            return Stream(**found[0])

    def pause_stream(self, name: str) -> bool:
        """Let rows wait: nobody predicts until `resume_stream`; no row is lost.

        Returns:
            Whether it ran before.

        Raises:
            UnknownStream: there is none of this name.
        """
        with self._work() as cursor:
            return bool(first(cursor, "pause", name=name)["was_running"])

    def resume_stream(self, name: str) -> bool:
        """Go on: what waited is next; in the mode ``transaction`` it is predicted now.

        Returns:
            Whether it was paused.

        Raises:
            UnknownStream: there is none of this name.
        """
        with self._work() as cursor:
            return bool(first(cursor, "resume", name=name)["was_paused"])

    def drop_stream(self, name: str) -> int:
        """Remove a stream: its triggers, predictions, log, queue and dead letters.

        Returns:
            How many rows waited, for their first attempt or for another.

        Raises:
            UnknownStream: there is none of this name.
            InUse: a view or something else uses its tables.
        """
        with self._work() as cursor:
            return int(first(cursor, "drop", name=name)["waited"])

    def retry_dead(self, name: str) -> int:
        """Try the dead letters of a stream again.

        Returns:
            How many are tried. Those stay whose row is not known any more, since a column of the
            key is gone.

        Raises:
            UnknownStream: there is none of this name.
        """
        with self._work() as cursor:
            return int(first(cursor, "retry_dead", name=name)["tried"])

    def dead_letters(self, name: str | None = None) -> list[DeadLetter]:
        """The rows that a stream could not predict, or all of them could not; oldest first.

        Raises:
            UnknownStream: there is none of this name.

        Example:
            >>> [(dead.key, dead.error) for dead in db.dead_letters("churn_now")]  # doctest: +SKIP
            [({'id': 17}, 'permission denied for function churn_v1')]
        """
        with self._work() as cursor:
            found = run(cursor, "dead_letters", name=name)
            if not found and name is not None:
                run(cursor, "check", name=name)
            return [DeadLetter(**row) for row in found]

    def backfill_stream(self, name: str) -> None:
        """Predict every row of the source again, whenever nothing else waits.

        Writers are not kept waiting. Predictions of rows that are gone are removed. A backfill
        that is not finished begins anew.

        Raises:
            UnknownStream: there is none of this name.
        """
        with self._work() as cursor:
            run(cursor, "backfill", name=name)

    def add_shadow(self, name: str, version: int) -> int:
        """Score another version beside the live one, into the log; it answers nobody.

        The view ``predict.<name>_shadows`` compares them, row by row.

        Returns:
            The version.

        Raises:
            UnknownStream: there is no stream of this name.
            UnknownModel: its model has no such version, or it is retired.
            InvalidSource: the rows do not fit that version.
            InvalidStream: the stream keeps no log.
        """
        check_version_of(name, version)
        with self._work() as cursor:
            return int(first(cursor, "add_shadow", name=name, version=version)["version"])

    def drop_shadow(self, name: str, version: int) -> bool:
        """Score a version no longer; what is in the log stays.

        Returns:
            Whether it was scored.

        Raises:
            UnknownStream: there is no stream of this name.
        """
        check_version_of(name, version)
        with self._work() as cursor:
            return bool(first(cursor, "drop_shadow", name=name, version=version)["was_there"])

    def set_retention(self, name: str, interval: Span) -> None:
        """Keep the log for another time from now on.

        Args:
            name: name of the stream.
            interval: as for `create_stream`. None: for ever; 0: nothing more is logged, and what
                is in the log stays.

        Raises:
            UnknownStream: there is none of this name.
            InvalidStream: it is no span of time, or a negative one.
        """
        with self._work() as cursor:
            check_options(cursor, interval)
            run(cursor, "set_retention", name=name, retention=interval)

    def publish_stream(self, name: str) -> str:
        """Make a publication of the latest predictions, so that logical replication carries them.

        Returns:
            Its name, ``pgpredict_<name>``.

        Raises:
            UnknownStream: there is none of this name.
            NoRights: the role may not create publications in this database.
        """
        with self._work() as cursor:
            return str(first(cursor, "publish", name=name)["publication"])

    def unpublish_stream(self, name: str) -> bool:
        """Take the publication back.

        Returns:
            Whether there was one.

        Raises:
            UnknownStream: there is none of this name.
        """
        with self._work() as cursor:
            return bool(first(cursor, "unpublish", name=name)["was_there"])

    def work(self, stream: str, batch: int = 1000) -> int:
        """Predict what waits, in one transaction. The worker calls this again and again.

        Args:
            stream: name of the stream.
            batch: how many rows at most, roughly.

        Returns:
            How many rows are done; 0: nothing is to be done now.

        Raises:
            UnknownStream: there is none of this name.

        Example:
            >>> while db.work("churn_now"):  # doctest: +SKIP
            ...     pass
        """
        with self._work() as cursor:
            return int(first(cursor, "work", name=stream, batch=batch)["rows"])
