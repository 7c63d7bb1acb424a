"""The worker: does what waits in the queues of streams, as soon as it is there.

    loop        Worker: from the start to the end, over any number of connections
    rounds      what it does on one connection: look, maintain, work, wait
    shift       what the two share
    schedule    which streams there are, and when each is to be asked again
    connecting  the connection: may this role work here, do notifications arrive
    ear         waits for a notification, or for the end
    faults      which errors pass, and how long to wait until the next attempt
    progress    what was done, told once a second
    events      what a worker tells, and to whom
    pulse       whether it is well
    health      the same over HTTP, for a supervisor
    systemd     the same for systemd
    stopping    how it is asked to stop

The work itself is SQL: `pgpredict.work(stream, batch)` claims, predicts and writes in one
transaction, so a worker can be killed at any moment, and any number of them run side by side.

Example:
    >>> from pgpredict.worker import Worker
    >>> Worker("postgresql://me@host/shop", once=True).run()  # doctest: +SKIP
    1200
"""

from __future__ import annotations

from pgpredict.worker.events import Event, Screen, StreamStatus
from pgpredict.worker.health import Address
from pgpredict.worker.loop import Worker

__all__ = ["Address", "Event", "Screen", "StreamStatus", "Worker"]
