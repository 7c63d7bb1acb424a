"""What Dagster's UI asks and orders, without a browser."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

# Seconds, on a machine that does other things, too.
PATIENCE = 180

REPOSITORY = 'repositoryLocationName: "dagster_project", repositoryName: "__repository__"'
LAUNCH = f"""mutation ($job: String!) {{
    launchRun(executionParams: {{mode: "default", selector: {{{REPOSITORY}, jobName: $job}}}}) {{
        ... on LaunchRunSuccess {{ run {{ runId }} }}
        ... on PythonError {{ message }} }} }}"""
BACKFILL = """mutation ($asset: [String!]!, $days: [String!]) {
    launchPartitionBackfill(
        backfillParams: {assetSelection: [{path: $asset}], partitionNames: $days}) {
        ... on LaunchBackfillSuccess { backfillId }
        ... on PythonError { message } } }"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
STATUS_OF_BACKFILL = """query ($id: String!) {
    partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"""


def ask(address: str, query: str, **variables: Any) -> Any:
    """The only field of the answer to a query."""
    asked = urllib.request.Request(
        f"{address}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        told = json.load(answer)
    assert "errors" not in told, told
    (found,) = told["data"].values()
    return found


def run(address: str, job: str) -> None:
    """Launch a job, and wait until it has succeeded."""
    launched = ask(address, LAUNCH, job=job)["run"]["runId"]
    ended = until(lambda: ask(address, STATUS, id=launched)["status"], "SUCCESS", "FAILURE")
    assert ended == "SUCCESS"


def launch_backfill(address: str, asset: Sequence[str], days: Sequence[str]) -> str:
    """Launch it; returns its id."""
    return str(ask(address, BACKFILL, asset=asset, days=days)["backfillId"])


def outcome_of_backfill(address: str, backfill: str) -> str:
    """Wait for its end, and for the runs that come in the place of those that were killed."""
    return str(
        until(
            lambda: ask(address, STATUS_OF_BACKFILL, id=backfill)["status"],
            *("COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED"),
        )
    )


def until(what: Callable[[], Any], *wanted: Any, pause: float = 0.5) -> Any:
    """Wait for one of these answers; returns it."""
    deadline = time.monotonic() + PATIENCE
    while (found := what()) not in wanted:
        assert time.monotonic() < deadline, found
        time.sleep(pause)
    return found
