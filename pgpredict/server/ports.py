"""A free TCP port on 127.0.0.1."""

from __future__ import annotations

import os
import socket
import zlib
from pathlib import Path

from pgpredict.server.folder import default_path

HOST = "127.0.0.1"
# Easy to remember, and below the range from which systems take ports for outgoing connections.
FIRST, LAST = 15432, 15631


def is_free(port: int) -> bool:
    """Whether nobody listens on a port.

    Args:
        port: the port, on 127.0.0.1.

    Returns:
        Whether a server could listen there now. Another program may still come first.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Postgres does: connections of a former server that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(preferred: int) -> int:
    """A port on which nobody listens.

    Args:
        preferred: the port to try first.

    Returns:
        The first free port from there to the end of those set aside for embedded servers, else any.

    Example:
        >>> is_free(free_port(FIRST))
        True
    """
    for port in range(preferred, LAST + 1):
        if is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def usual_port(folder: Path) -> int:
    """The port that a new server takes if it is free.

    Servers that run at different times would otherwise all choose the same port, and one would have
    to move when both run.

    Args:
        folder: the server's folder.

    Returns:
        15432 for the default folder, and another for each other folder, mostly.

    Example:
        >>> usual_port(Path("/tmp/one")) == usual_port(Path("/tmp/other"))
        False
    """
    if folder == default_path():
        return FIRST
    return FIRST + 1 + zlib.crc32(os.fsencode(folder)) % (LAST - FIRST)
