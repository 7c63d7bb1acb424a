"""Screenshots for the documents, of a deployment that runs and has done everything once.

make dagster        # in one terminal; then materialise all, for all days
make pictures       # in another
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Page

from tests.dagster_project import browser

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> None:
    """Take all of them."""
    parser = argparse.ArgumentParser(description="Take the screenshots of the documents.")
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:3000", help="of the UI")
    given = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with browser.opened(given.address) as page:
        browser.see_the_graph(page)
        take(page, "graph")
        page.set_viewport_size({"width": 1640, "height": 620})  # so that assets show details
        page.goto("/locations/dagster_project/asset-groups/late/lineage")
        page.get_by_text("Passed").first.wait_for()
        take(page, "late")
        page.set_viewport_size({"width": 1440, "height": 810})
        browser.see_picture(page, "late/version", "roc")
        take(page, "roc")
        browser.see_check_pass(page, "late/version", "not_worse")
        take(page, "check")
        browser.see_learner(page, "late_online")
        take(page, "learner")


def take(page: Page, name: str) -> None:
    """Keep what the page shows, when nothing moves any more."""
    page.wait_for_timeout(2_000)
    page.screenshot(path=FOLDER / f"dagster-{name}.png")


if __name__ == "__main__":
    main()
