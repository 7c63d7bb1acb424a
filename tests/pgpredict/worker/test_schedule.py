"""When a stream is asked: at once, soon, later, or when somebody says so."""

from __future__ import annotations

from math import inf

from pgpredict.worker.schedule import BURST, MAINTAIN_EVERY, QUICK, WINDOW, Schedule


def look(schedule: Schedule, *ready: str, now: float = 0.0, paused: str = "") -> list[str]:
    """A look that finds the streams a and b; gives the names of the changes."""
    found = [
        {
            "name": n,
            "ready": n in ready,
            "paused": n == paused,
            "outside": False,
            "to_watch": n == "b",
        }
        for n in ("a", "b")
    ]
    return [change.name for change in schedule.update(found, now)]


def test_a_stream_with_full_batches_takes_its_turn_with_the_others() -> None:
    schedule = Schedule()
    look(schedule, "a", "b")

    for now in (1.0, 2.0, 3.0):
        assert [stream.name for stream in schedule.due(now)] == ["a", "b"]
        for stream in schedule.due(now):
            stream.worked(10, 10, now)


def test_after_rows_it_is_asked_quickly_until_a_swallowed_notification_would_have_come() -> None:
    schedule = Schedule()
    look(schedule, "a")
    stream = schedule.streams["a"]
    asked, now = 0, 1.0
    stream.worked(3, 10, now)

    while (due := schedule.next_at()) < inf:
        assert due - now <= QUICK + 1e-9
        asked, now = asked + 1, due
        stream.worked(0, 10, now)

    assert now >= 1.0 + WINDOW
    assert asked >= WINDOW / QUICK - 1


def test_one_that_has_nothing_is_asked_when_it_is_notified_of() -> None:
    schedule = Schedule()
    look(schedule)
    assert schedule.due(1.0) == []

    assert not schedule.wake({"b"}, 2.0)

    assert [stream.name for stream in schedule.due(2.0)] == ["b"]


def test_a_notification_for_a_stream_that_nobody_knows_asks_for_a_look() -> None:
    everything, only_a = Schedule(), Schedule(["a"])
    look(everything)
    look(only_a)

    assert everything.wake({"new"}, 1.0)
    assert not only_a.wake({"new", "b"}, 1.0)


def test_one_that_failed_keeps_its_time_whoever_wakes_it() -> None:
    schedule = Schedule()
    look(schedule, "a")
    stream = schedule.streams["a"]

    waits = [stream.failed("no disk", 0.0) for _ in range(12)]

    assert all(before < after for before, after in zip(waits, waits[2:8], strict=False))
    assert max(waits) <= 30
    schedule.wake({"a"}, 1.0)
    look(schedule, "a", now=1.0)
    assert stream.due_at == waits[-1]
    stream.worked(1, 10, 40.0)
    assert stream.failed("no disk", 41.0) <= 0.1


def test_a_look_tells_what_changed() -> None:
    schedule = Schedule(["a", "c"])

    assert look(schedule) == ["stream_added"]
    assert look(schedule, paused="a") == ["paused"]
    assert look(schedule) == ["resumed"]
    assert [change.name for change in schedule.update([], 0.0)] == ["stream_dropped"]
    assert schedule.next_at() == inf


def test_after_a_burst_it_is_maintained_when_nothing_waits_any_more() -> None:
    schedule = Schedule()
    look(schedule, "a")
    stream = schedule.streams["a"]
    stream.maintained(0.0)
    stream.worked(BURST, BURST, now=1.0)
    assert stream.maintain_at == MAINTAIN_EVERY
    stream.worked(0, BURST, now=2.0)
    assert stream.maintain_at == 2.0

    stream.maintained(2.0)
    stream.worked(BURST - 1, BURST, now=3.0)
    stream.worked(0, BURST, now=4.0)
    assert stream.maintain_at == 2.0 + MAINTAIN_EVERY


def test_a_learner_whose_errors_cannot_be_watched_is_left_alone_for_a_while() -> None:
    schedule = Schedule()
    look(schedule)
    assert [stream.name for stream in schedule.to_watch(0.0)] == ["b"]
    schedule.streams["b"].watch_from = 60.0
    assert schedule.to_watch(59.0) == []
    assert [stream.name for stream in schedule.to_watch(60.0)] == ["b"]
