"""A real Chromium, and what a person does in Dagster's UI: look, and click."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# It asks nothing of a network but the UI. root's has no sandbox.
OPTIONS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
# Milliseconds, on a machine that does other things, too: until a page shows what it should, and
# until a run has ended.
PAGE, RUN = 30_000, 120_000


@contextmanager
def opened(address: str) -> Iterator[Page]:
    """A page of the UI.

    Args:
        address: where the UI is: ``http://127.0.0.1:3000``.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(base_url=address, viewport={"width": 1440, "height": 810})
        page.set_default_timeout(PAGE)
        expect.set_options(timeout=PAGE)
        yield page
        browser.close()


def see_the_graph(page: Page) -> None:
    """The flights, five assets of each model, and the learner."""
    page.goto("/asset-groups")
    for group in ("flights", "late", "delay_minutes"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.keyboard.press("Alt+e")  # expand all groups
    for asset in ("training_rows", "version", "promoted", "scores"):
        expect(page.get_by_text(asset, exact=True)).to_have_count(2)
    for asset in ("landed", "late_online"):
        expect(page.get_by_text(asset, exact=True)).to_have_count(1)


def launch(page: Page, job: str, day: str | None = None) -> None:
    """Launch a job from its page, for a day if it has days, and see it end well."""
    page.goto(f"/locations/dagster_project/jobs/{job}")
    page.get_by_role("button", name="Materialize").click()
    # The flights were loaded before Dagster was there: it asks whether that is meant.
    page.get_by_role("button", name="Confirm").click()
    if day is not None:
        page.get_by_placeholder("ex: 2013-01-01").fill(day)
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Launch 1 run").click()
    page.get_by_role("link", name="View", exact=True).click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN)


def see_check_pass(page: Page, asset: str, check: str) -> None:
    """A check of an asset, which passed."""
    page.goto(f"/assets/{asset}?view=checks&checkDetail={check}")
    expect(page.get_by_text("Passed", exact=True)).to_be_visible()


def see_learner(page: Page, name: str) -> None:
    """A learner that has learnt all that waited, as the sensor told."""
    page.goto(f"/assets/predict/{name}?view=events")
    expect(page.get_by_text(re.compile(r"learning, state [1-9].* 0 wait")).first).to_be_visible()


def see_picture(page: Page, where: str, name: str) -> None:
    """The picture behind a line of metadata."""
    page.goto(f"/assets/{where}")
    line = page.locator("tr").filter(has=page.get_by_text(name, exact=True)).first
    line.get_by_text("[Show Markdown]").click()
    picture = page.get_by_role("dialog").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.complete && img.naturalWidth") > 200
