"""The embedded server: start, stop, status."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from pgpredict.errors import NoServer
from pgpredict.server import cluster, native
from pgpredict.server.account import server_account
from pgpredict.server.folder import ServerFolder, default_path
from pgpredict.server.ports import HOST, free_port, is_free, usual_port
from pgpredict.server.programs import VERSIONS, Programs, folder_of, programs_for
from pgpredict.server.status import ServerStatus

if TYPE_CHECKING:
    from pgpredict.server.postmaster import Postmaster

# Seconds to wait for what passes by itself: a killed server that still ends, a taken port.
PATIENCE = 20


class EmbeddedServer:
    """A Postgres server of one's own, in one folder.

    Any number of processes may start it at once: the first does, the others wait and find it
    running. It goes on running until `stop`, whatever becomes of the process that started it, and
    its data survive a kill.

    Args:
        path: its folder; by default what `default_path` says.
        version: major version of Postgres; by default the one that made the data, else the newest.
        settings: Postgres configuration for the runs that this object starts, such as
            ``{"work_mem": "1GB"}``.

    Example:
        >>> EmbeddedServer("/nonexistent/server").status().running
        False
    """

    def __init__(
        self,
        path: str | Path | None = None,
        version: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        home = default_path() if path is None else Path(path).expanduser().absolute()
        self._folder = ServerFolder(home)
        self._version = version
        self._settings = dict(settings or {})

    @property
    def path(self) -> Path:
        """The folder of the server."""
        return self._folder.path

    @property
    def version(self) -> int:
        """Major version of Postgres that a start would run."""
        return self._version or self._folder.version or VERSIONS[0]

    @property
    def dsn(self) -> str:
        """``postgresql://…`` over TCP, with the password: for psql, BI tools, Dagster.

        Raises:
            NoServer: the server was never started, so that it has no password yet.
        """
        dsn = self._dsn(self._folder.port)
        if dsn is None:
            raise NoServer(
                f"there is no server in {self.path} yet", do="start it: pgpredict server start"
            )
        return dsn

    @property
    def socket_dsn(self) -> str:
        """``postgresql:///…`` over the Unix socket, with the password; otherwise like `dsn`."""
        return self._over_socket(self.dsn)

    def program(self, name: str) -> Path:
        """Where a Postgres program of the same version is.

        Args:
            name: such as ``psql`` or ``pg_dump``.

        Returns:
            Its path, to be run by the caller, as himself.

        Raises:
            NoServer: the extra ``embedded`` is not installed.
        """
        return folder_of(self.version) / name

    def status(self) -> ServerStatus:
        """Whether the server runs, and where; changes nothing.

        Raises:
            NoServer: the folder is closed to the caller, or the extra is not installed.
        """
        return self._status(self._find())

    def start(self) -> ServerStatus:
        """Start the server, or find it running.

        The first start makes the data, a password and the database ``pgpredict``. The port is kept
        from then on; if another program took it in the meantime the server takes another one and
        ``notice`` says so.

        Returns:
            Its status, with the DSN.

        Raises:
            NoServer: the extra is not installed; the folder cannot be used; the data were made by
                another major version; Postgres does not start (the last lines of its log are in the
                error).
        """
        folder_of(self.version)  # before anything is written
        self._folder.prepare()
        with self._folder.locked():
            self._check_version()
            before = self._folder.port
            running = self._run()
        notice = ""
        if before not in {None, running.port}:
            notice = (
                f"another program took port {before}; the server now listens on {running.port}: "
                "mend what has the old DSN"
            )
        return self._status(running, notice)

    def stop(self) -> bool:
        """Stop the server; open sessions end, their transactions are rolled back.

        Returns:
            Whether it was running.

        Raises:
            NoServer: it does not stop, or the caller has no right to stop it.
        """
        if self._find() is None:
            return False
        from pgpredict.server import postmaster

        self._folder.prepare()
        with self._folder.locked():
            running = self._find()
            if running is not None and not postmaster.stop(self._folder, self._programs()):
                raise NoServer(
                    f"the server in {self.path} does not stop", do=f"kill -QUIT {running.pid}"
                )
            self._folder.remove_socket_folder()
            return running is not None

    def build_walker(self) -> Path:
        """Compile the walker of trees in C for this server.

        Returns:
            The library, for `Database.use_native_walker`.

        Raises:
            NoServer: there is no C compiler here, or the folder cannot be used.
        """
        self._folder.prepare()
        with self._folder.locked():
            return native.build(self.path, self.version)

    def _find(self) -> Postmaster | None:
        folder_of(self.version)  # without the extra there is no psutil either
        from pgpredict.server import postmaster

        try:
            return postmaster.find(self._folder.data)
        except PermissionError as error:
            raise NoServer(
                f"cannot look into {self._folder.data}", why="it belongs to another user"
            ) from error

    def _status(self, running: Postmaster | None, notice: str = "") -> ServerStatus:
        port = self._folder.port if running is None else running.port
        dsn = self._dsn(port)
        return ServerStatus(
            running=running is not None,
            path=self.path,
            version=self._folder.version,
            port=port,
            pid=None if running is None else running.pid,
            dsn=dsn,
            socket_dsn=None if dsn is None else self._over_socket(dsn),
            notice=notice,
        )

    def _dsn(self, port: int | None) -> str | None:
        password = self._folder.password
        if port is None or password is None:
            return None
        return f"postgresql://{cluster.USER}:{password}@{HOST}:{port}/{cluster.DATABASE}"

    def _over_socket(self, dsn: str) -> str:
        user, _, address = dsn.rpartition("@")
        port = urlsplit(f"//{address}").port
        folder = quote(str(self._folder.socket_folder), safe="/")
        return f"{user}@/{cluster.DATABASE}?host={folder}&port={port}"

    def _check_version(self) -> None:
        made_by = self._folder.version
        if made_by not in {None, self.version}:
            raise NoServer(
                f"the data in {self.path} were made by Postgres {made_by}, not {self.version}",
                do=f"start it with version {made_by}, or choose another folder by $PGPREDICT_HOME",
            )
        if made_by is not None and self._folder.password is None:
            raise NoServer(
                f"the file {self.path / 'password'} is missing",
                do="put it back, or choose another folder by $PGPREDICT_HOME",
            )

    def _programs(self) -> Programs:
        account = server_account(self._folder.data)
        self._folder.open_to(account)
        return programs_for(account, self.version, self.path)

    def _run(self) -> Postmaster:
        """Start the server if it does not run, and wait until it answers."""
        give_up = time.monotonic() + PATIENCE
        while True:
            running = self._find() or self._start(self._programs())
            refusal = cluster.make_database(f"{self.dsn.rpartition('/')[0]}/postgres")
            if not refusal:
                return running
            # It may be about to die of a kill, or restart its children because one was killed.
            recovers = self._find() is None or "the database system is" in refusal
            if not recovers or time.monotonic() > give_up:
                raise NoServer(f"the server in {self.path} runs but does not answer", why=refusal)
            time.sleep(0.1)

    def _start(self, programs: Programs) -> Postmaster:
        from pgpredict.server import postmaster

        if self._folder.version is None:
            durable = self._settings.get("fsync") != "off"
            cluster.create(self._folder, programs, self.version, durable=durable)
        postmaster.forget(self._folder.data)
        port = self._folder.port or usual_port(self.path)
        give_up = time.monotonic() + PATIENCE
        while True:
            if not is_free(port):
                port = free_port(port + 1)
            said = postmaster.start(self._folder, programs, port, self._settings)
            running = self._find()
            if running is not None and not said:
                self._folder.port = port
                return running
            # Another program came first to the port, or children of a killed server still end.
            passes = any("already in use" in line or "still in use" in line for line in said)
            if said and not (passes and time.monotonic() < give_up):
                raise NoServer(
                    f"Postgres {self.version} does not start in {self.path}",
                    details=tuple(said),
                    do=f"the whole log is in {self._folder.log}",
                )
            time.sleep(0.1)
