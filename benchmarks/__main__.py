"""`python -m benchmarks [name…]`: run benchmarks and print seconds and ratios."""

from __future__ import annotations

import sys
from importlib import import_module

from rich.console import Console

# By name: the module, whose `main(console)` runs it and prints its table.
BENCHMARKS = {
    "boosting": "benchmarks.gradient_boosting",
    "trees": "benchmarks.walked_trees",
    "batch": "benchmarks.batch",
    "stream_cost": "benchmarks.stream_cost",
    "stream_worker": "benchmarks.stream_worker",
    "stream_latency": "benchmarks.stream_latency",
    "stream_burst": "benchmarks.stream_burst",
    "learners": "benchmarks.learners",
    "history": "benchmarks.learner_history",
}


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, or all; quote ratios, since machines are noisy."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
        return 2
    console = Console()
    for name in names or BENCHMARKS:
        import_module(BENCHMARKS[name]).main(console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
