"""The second act: flights arrive, predictions appear."""

from __future__ import annotations

from typing import Any

from pgpredict.database import Database
from pgpredict.database.queries import query
from pgpredict.demo import arrivals
from pgpredict.demo.arrivals import Arrivals, State
from pgpredict.demo.screen import Screen

# The hours at which the table at the end shows how it stood.
HOURS = (6, 9, 12, 15, 18, 21)


def tell(screen: Screen, db: Database, dsn: str) -> None:
    """Let a day go by, and show rows, predictions and lag while it does."""
    screen.act("Now the flights arrive: a prediction for each, while the day goes by")
    screen.code(
        f"SELECT pgpredict.create_stream('{arrivals.STREAM}', 'late', '{arrivals.TABLE}');\n"
        f"-- and in a shell of its own: pgpredict worker {arrivals.STREAM}"
    )
    screen.say(
        f"{arrivals.DAY:%d %B %Y}, the whole day in {arrivals.LENGTH:.0f} seconds. "
        "A row is inserted when the flight is to leave."
    )
    screen.gap()
    arrivals.prepare(db)
    diary: dict[int, State] = {}
    with db.connection() as connection, arrivals.worker(dsn), screen.moving() as move:

        def show(minute: int, state: State, latest: list[Any]) -> None:
            diary.update(
                {hour: state for hour in HOURS if hour * 60 <= minute and hour not in diary}
            )
            move([("time", _clock(minute)), *_facts(state), *_flights(latest)])

        day = Arrivals(dsn, arrivals.LENGTH)
        day.start()
        last = arrivals.watch(connection, day, show)
        arrivals.check(connection)
        half, most = arrivals.delays(connection)
    screen.table(
        ["", "flights", "predictions", "waiting", "lag"],
        [
            *((_clock(60 * hour), *_numbers(state)) for hour, state in diary.items()),
            ("the end", *_numbers(last)),
        ],
    )
    screen.gap()
    screen.say(
        f"The worker had half of them within {half:.1f} ms, 99 of 100 within {most:.0f} ms. "
        "Each is what predict.late says of the row.",
        "bold green",
    )
    screen.code(f"{query('your_turn', 'demo_arrivals')};")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _numbers(state: State) -> tuple[str, str, str, str]:
    lag = "" if state.lag_ms is None else f"{state.lag_ms:.1f} ms"
    return f"{state.rows:,}", f"{state.predictions:,}", f"{state.depth:,}", lag


def _facts(state: State) -> list[tuple[str, str]]:
    names = ("flights", "predictions", "waiting", "lag")
    return list(zip(names, _numbers(state), strict=True))


def _flights(latest: list[Any]) -> list[tuple[str, str]]:
    return [
        (flight, f"{route}  {prediction}, {percent} % for late")
        for flight, route, prediction, percent in latest
    ]
