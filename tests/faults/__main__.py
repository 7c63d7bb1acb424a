"""`python -m tests.faults`: kill what can be killed while rows go in, and look for what is lost.

Ends with code 1 if something is wrong, and says which seed to run again.
"""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace

from rich.console import Console

from tests.faults import learner_run, run
from tests.faults.plan import Plan
from tests.faults.screen import progress, show

RUNS = {
    "streams": (
        *(run.run, Plan()),
        "every committed row has its one prediction; none is lost, none is double",
    ),
    "learners": (
        *(learner_run.run, Plan(rows=50_000, kills=100)),
        "every labelled row was learnt once; the numbers are those of an undisturbed run",
    ),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    usual = Plan()
    parser.add_argument(
        "what", nargs="*", choices=[*RUNS, []], help="streams, learners; both unless named"
    )
    for name, what in [
        ("rows", "how many rows go in"),
        ("kills", "how many kills meanwhile"),
        ("clients", "how many connections write"),
        ("workers", "how many processes of pgpredict worker predict"),
        ("seed", "what the random choices follow from"),
        ("version", "major version of Postgres"),
    ]:
        parser.add_argument(f"--{name}", type=int, help=f"{what} ({getattr(usual, name)})")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value}
    wanted = given.pop("what", RUNS)
    console = Console()
    # By SIGTERM, too, nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    wrong = 0
    for what in wanted:
        run, usual, well = RUNS[what]
        plan = replace(usual, **given)
        console.rule(what)
        with progress(plan, console) as tell:
            report = run(plan, tell)
        show(report, console, well)
        wrong += len(report.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
