"""The embedded server: a real Postgres of one's own, without an installation or an administrator.

The programs come from a wheel (extra ``embedded``). The server listens on a Unix socket and on
127.0.0.1, asks for a password on both, keeps its data in one folder, and goes on running when the
process that started it ends.

    embedded    EmbeddedServer: start, stop, status
    status      what one wants to know of a server
    folder      the folder of a server: what lies where, who may read it
    account     the system user that the server runs as
    programs    the Postgres programs of the wheel
    postmaster  the server process: is it alive, start it, stop it
    ports       a free port
    cluster     a new data folder
    native      the walker of trees in C

Example:
    Start a server, or find it running::

        from pgpredict.server import EmbeddedServer

        server = EmbeddedServer()
        print(server.start().dsn)  # postgresql://pgpredict:…@127.0.0.1:15432/pgpredict
        server.stop()
"""

from __future__ import annotations

from pgpredict.server.embedded import EmbeddedServer
from pgpredict.server.folder import default_path
from pgpredict.server.programs import VERSIONS
from pgpredict.server.status import ServerStatus

__all__ = ["VERSIONS", "EmbeddedServer", "ServerStatus", "default_path"]
