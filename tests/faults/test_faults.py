"""A short run of faults: kills while rows go in, and nothing is lost or double.

`make faults` is the long one: 200 kills, 100,000 rows.
"""

from __future__ import annotations

from tests.faults.plan import Kill, Plan
from tests.faults.run import run

PLAN = Plan(rows=3_000, kills=12, seed=1)


def test_every_committed_row_has_its_one_prediction_whatever_is_killed() -> None:
    report = run(PLAN)
    again = f"make faults ARGS='--kills {PLAN.kills} --rows {PLAN.rows} --seed {PLAN.seed}'"
    assert report.wrong == [], again
    assert report.kills == dict.fromkeys(Kill, 4)
    assert report.changes["inserts"] >= PLAN.rows
