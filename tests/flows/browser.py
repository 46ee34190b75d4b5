"""Prefect's UI in Debian's chromium, used as a person uses it: by what is seen and clicked."""

import contextlib
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright
from scipy import ndimage

SIZE = {"width": 1280, "height": 1000}
ARGUMENTS = [
    "--no-sandbox",  # it may run as root
    "--enable-unsafe-swiftshader",  # the graph is drawn with WebGL, and there is no GPU
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # loopback and nothing else
]
GREEN = (33, 157, 75)  # of a completed node
COLOR_TOLERANCE = 30
FOOT_PIXELS = 30  # the bar of the run's own states, below the nodes
NODE_PIXELS = 20  # fewer are the edge of a letter or an icon


class Ui(NamedTuple):
    """One browser tab at a Prefect server."""

    page: Page
    address: str

    def log_in(self, password: str) -> None:
        self.page.goto(self.address)
        self.page.locator("input[type=password]").fill(password)
        self.page.get_by_role("button", name="Login").click()
        expect(self.page.get_by_role("button", name="Logout")).to_be_visible()

    def open_form(self, deployment: str) -> None:
        self.page.get_by_role("link", name="Deployments").first.click()
        cell = self.page.locator("a[href*='/deployments/deployment/']")
        cell.get_by_text(deployment, exact=True).click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()

    def add_to_list(self, parameter: str, value: str) -> None:
        label = self.page.locator("label", has_text=re.compile(rf"^{parameter}\b"))
        field = label.locator("xpath=ancestor::div[contains(@class, 'group')][1]")
        field.get_by_role("button", name="Add item").click()
        field.locator("textarea, input").last.fill(value)

    def submit(self) -> str:
        """Start the run of the form and open its page; returns the run's name."""
        name = self.page.get_by_label("Run Name").input_value()
        self.page.get_by_role("button", name="Submit").click()
        self.page.get_by_text("View run").click()
        expect(self.page.get_by_text(name).first).to_be_visible()
        return name

    def state(self, name: str) -> Locator:
        """The badge of that state, on a run's page."""
        return self.page.locator("[data-slot=badge]").get_by_text(name, exact=True).first

    def show(self, tab: str) -> None:
        self.page.get_by_role("tab", name=tab, exact=True).click()

    def cancel(self) -> None:
        self.page.get_by_role("button", name="Open menu").click()
        self.page.get_by_role("menuitem", name="Cancel").click()
        self.page.get_by_role("button", name="Cancel Flow Run").click()

    def graph_names(self, num_nodes: int) -> list[str]:
        """Names in the panels that open on a click on each green box of the run's graph."""
        self.page.reload()  # drawn anew, the graph shows the whole run
        canvas = self.page.locator("canvas")
        canvas.wait_for()
        for _ in range(40):
            if len(boxes := _green_boxes(canvas.screenshot())) == num_nodes:
                break
            self.page.wait_for_timeout(500)
        return [self._name_of(canvas, *box) for box in boxes]

    def _name_of(self, canvas: Locator, x: float, y: float) -> str:
        canvas.click(position={"x": x, "y": y})
        name = self.page.locator("h3 a[href*='/runs/task-run/']").inner_text()
        self.page.get_by_role("button", name="Close panel").click()
        return name


def _green_boxes(picture: bytes) -> list[tuple[float, float]]:
    """Middles of the completed nodes: the UI draws its graph, so there is no text to look for."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    green = np.abs(pixels - GREEN).sum(axis=2) < COLOR_TOLERANCE
    areas, num_areas = ndimage.label(green[:-FOOT_PIXELS])
    sizes = ndimage.sum_labels(green[:-FOOT_PIXELS], areas, range(1, num_areas + 1))
    found = ndimage.find_objects(areas)
    return [
        ((columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2)
        for (rows, columns), size in zip(found, sizes, strict=True)
        if size >= NODE_PIXELS
    ]


@contextlib.contextmanager
def open_ui(address: str) -> Iterator[Ui]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        try:
            page = browser.new_page(viewport=SIZE, timezone_id="UTC", color_scheme="light")
            page.set_default_timeout(120_000)
            expect.set_options(timeout=120_000)
            yield Ui(page, address)
        finally:
            browser.close()


def _chromium() -> Path:
    if found := shutil.which("chromium"):
        return Path(found)
    return _leave_untested("no chromium on the PATH; on Debian: apt-get install chromium")


def _leave_untested(reason: str) -> NoReturn:
    """Skip with the reason; fail where CI is set, since nobody reads skips there."""
    if os.environ.get("CI"):
        pytest.fail(f"NOT TESTED in a browser: {reason}, or unset CI to skip this test.", False)
    pytest.skip(f"NOT TESTED in a browser: {reason}")
