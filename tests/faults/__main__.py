"""`python -m tests.faults`: kill what can be killed while rows go in, and look for what is lost.

Ends with code 1 if something is wrong, and says which seed to run again.
"""

from __future__ import annotations

import argparse
import signal
import sys

from rich.console import Console

from tests.faults.plan import Plan
from tests.faults.run import run
from tests.faults.screen import progress, show


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    usual = Plan()
    for name, what in [
        ("rows", "how many rows go in"),
        ("kills", "how many kills meanwhile"),
        ("clients", "how many connections write"),
        ("workers", "how many processes of pgpredict worker predict"),
        ("seed", "what the random choices follow from"),
        ("version", "major version of Postgres"),
    ]:
        default = getattr(usual, name)
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} ({default})")
    plan = Plan(**vars(parser.parse_args(arguments)))
    console = Console()
    # By SIGTERM, too, nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with progress(plan, console) as tell:
        report = run(plan, tell)
    show(report, console)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
