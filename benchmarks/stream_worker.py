"""How many rows a second workers do: processes of ``pgpredict worker --once`` on a full queue.

The clock is the database's own: from the end of a worker's first batch to the end of its last one,
so that neither the start of a process nor its end is counted.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from rich.console import Console

from benchmarks.demands import Findings
from benchmarks.streaming import Bench, insert, stream_server, worker

RATE, TOGETHER = 80_000, 1.5
ROUNDS = 3
# By rows of a batch, how many rows wait for it.
WAITING = {1: 3_000, 10: 30_000, 100: 100_000, 1_000: 300_000}
STREAM = "rows"


def main(console: Console) -> None:
    """Print rows a second, by the size of a batch."""
    findings = Findings(
        "workers: 20-feature logistic regression, rows/s",
        f"median of {ROUNDS} rounds; rows came by statements of 1,000 unless it says otherwise",
    )
    with stream_server() as bench:
        bench.table(STREAM, "queue")
        for batch in WAITING:
            fresh, again = (
                median(figures)
                for figures in zip(
                    *(_fresh_and_again(bench, batch) for _ in range(ROUNDS)), strict=True
                )
            )
            what = f"batches of {batch:,}"
            if batch == max(WAITING):
                findings.at_least(f"{what}, new rows", fresh, RATE)
            else:
                findings.note(f"{what}, new rows", f"{fresh:,.0f}")
            findings.note(f"{what}, changed rows", f"{again:,.0f}")
        singles = median(_singles(bench) for _ in range(ROUNDS))
        findings.note("batches of 1,000, rows that came one by one", f"{singles:,.0f}")
        _two(bench, findings)
    console.print(findings.table)


def _two(bench: Bench, findings: Findings) -> None:
    rounds = []
    for _ in range(ROUNDS):
        rates = []
        for workers in (1, 2):
            _fill(bench, max(WAITING.values()))
            rates.append(_rate(bench, 1_000, workers))
        rounds.append(rates)
    findings.note("two workers, new rows", f"{median(two for _, two in rounds):,.0f}")
    gain = median(two / one for one, two in rounds)
    findings.at_least("two workers beside one", gain, TOGETHER, "times")


def _fresh_and_again(bench: Bench, batch: int) -> tuple[float, float]:
    """Rows a second without a prediction before, and with one."""
    _fill(bench, WAITING[batch])
    fresh = _rate(bench, batch)
    bench.run(f"UPDATE {STREAM} SET x0 = x0 + 1")
    return fresh, _rate(bench, batch)


def _singles(bench: Bench) -> float:
    """Rows a second where each has an entry of the queue for itself."""
    _empty(bench)
    bench.run(f"DO $$ BEGIN FOR i IN 1 .. {WAITING[100]} LOOP {insert(STREAM)}; END LOOP; END $$")
    return _rate(bench, 1_000)


def _empty(bench: Bench) -> None:
    bench.run(
        f"TRUNCATE {STREAM}, pgpredict.{STREAM}_queue, predict.{STREAM}_live, predict.{STREAM}_log"
    )


def _fill(bench: Bench, rows: int) -> None:
    _empty(bench)
    for _ in range(rows // 1_000):
        bench.connection.execute(insert(STREAM, 1_000).encode(), prepare=True)
    bench.run(f"VACUUM ANALYZE {STREAM}")


def _rate(bench: Bench, batch: int, workers: int = 1) -> float:
    """Rows a second of so many workers, from the first batch's end to the last one's."""
    bench.run("DELETE FROM pgpredict.worker")
    bench.run("CHECKPOINT")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(worker(bench, STREAM, "--once", "--batch", str(batch)))
            for _ in range(workers)
        ]
        for process in processes:
            if process.wait():
                raise RuntimeError("a worker failed")
    # When a worker's first batch ends, its rows are done: they do not count.
    return bench.number(
        f"SELECT (sum(rows) - count(*) * {batch}) / extract(epoch FROM max(at) - min(since))"
        " FROM pgpredict.worker"
    )
