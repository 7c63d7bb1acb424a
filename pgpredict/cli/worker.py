"""``pgpredict worker``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn

if TYPE_CHECKING:
    from pgpredict.worker import Address, Worker


def worker(
    streams: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STREAM]...",
            show_default=False,
            help="Names of streams; all of them unless given, those too that come later.",
        ),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Do what waits now, and end; for cron."),
    ] = False,
    batch: Annotated[
        int,
        typer.Option("--batch", metavar="ROWS", min=1, max=1_000_000, help="Rows per transaction."),
    ] = 1000,
    poll: Annotated[
        float,
        typer.Option(
            "--poll",
            metavar="SECONDS",
            min=0.01,
            help="How long to wait at most before looking although nobody notified.",
        ),
    ] = 0.5,
    health: Annotated[
        str | None,
        typer.Option(
            "--health",
            metavar="[HOST:]PORT",
            show_default=False,
            help="Answer GET /healthz there: 200, or 503 where something is wrong. "
            "The host is 127.0.0.1 unless given.",
        ),
    ] = None,
    dsn: Dsn = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON, one a line, for scripts.")
    ] = False,
) -> None:
    """Predict the rows that streams wait for, as soon as they come.

    Runs until it gets SIGTERM or SIGINT; then it finishes the batch in hand. Any number of workers
    may run at the same time.
    """
    from pgpredict.cli.worker_screen import screen_for
    from pgpredict.worker import Worker

    address = _address(health)
    with screen_for(json=json) as shown:
        at_work = Worker(
            dsn, streams or (), batch=batch, poll=poll, once=once, screen=shown, health=address
        )
        with _stopping_on_signals(at_work):
            rows = at_work.run()
    if not json:
        failed = f"; {screen.count(at_work.failing, 'row')} failed, to be tried again"
        screen.say(f"{screen.count(rows, 'row')} done" + (failed if at_work.failing else ""))


def _address(health: str | None) -> Address | None:
    from pgpredict.worker import Address

    if health is None:
        return None
    try:
        return Address.read(health)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--health") from None


@contextmanager
def _stopping_on_signals(at_work: Worker) -> Iterator[None]:
    """The first signal asks to stop; the second one interrupts: what is in hand is undone."""
    asked = False

    def stop(number: int, _: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        at_work.stop(signal.Signals(number).name)

    before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
