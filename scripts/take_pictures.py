"""Takes the pictures of the READMEs: `.venv/bin/python scripts/take_pictures.py`.

It generates a project, talks to its bot in a browser, and writes docs/pictures here, with an
animation, and docs/simulator.png into the template. Chromium has to be installed.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]
from PIL import Image
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browsing import find_browser, open_browser, simulator, wait_for_bot  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
IN_PROJECT = ROOT / "{{cookiecutter.project_slug}}" / "docs" / "simulator.png"
WIDE, SMALL = (1280, 760), (1180, 640)
FILMED = (1180, 660)
COLOURS = 128
"""Of the animation, which its size depends on."""


def say(page: Page, text: str) -> None:
    """Type a message and send it."""
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def tap(page: Page, label: str) -> None:
    """Tap a button under the last message."""
    page.locator("#log .message").last.get_by_role("button", name=label, exact=True).click()


def book(page: Page) -> None:
    """Book a visit, begin to choose the next one, and stop in the middle."""
    say(page, "I want to book")
    tap(page, "Shave")
    page.locator("#log").get_by_text("When?").wait_for()
    page.locator("#log .message").last.get_by_role("button").nth(2).click()
    tap(page, "10:00")
    page.locator("#log").get_by_text("Booked!").wait_for()
    page.get_by_role("button", name="Skip", exact=True).click()
    say(page, "/book")
    tap(page, "Haircut")
    page.locator("#log").get_by_text("When?").wait_for()
    page.locator("#turns .turn[open] .changes").wait_for()
    page.mouse.move(0, 0)


def save_dialog(page: Page) -> None:
    """Open the dialog that saves the talk as a spec."""
    page.get_by_role("button", name="Save as spec", exact=True).click()
    page.get_by_role("dialog").get_by_label("Name").fill("book a shave")
    page.keyboard.press("Tab")
    page.locator(".verdict.good").wait_for()
    page.get_by_text("tests/specs/book_a_shave.json").wait_for()


def take(
    browser: Browser,
    address: str,
    file: Path,
    size: tuple[int, int],
    scheme: str = "light",
    scale: float = 2,
    prepare: Callable[[Page], None] = lambda page: None,
) -> None:
    """Open the page, `prepare` it, and write what is on screen to `file`."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=scale,
        locale="en-GB",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    wait_for_bot(page)
    prepare(page)
    page.locator("body").evaluate("() => document.activeElement.blur()")
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file)
    context.close()
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB")  # noqa: T201


class Film:
    """An animation that is made of pictures of a page, each shown for some seconds."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[tuple[bytes, float]] = []

    def show(self, seconds: float) -> None:
        """Take what is on screen."""
        self._frames.append((self._page.screenshot(), seconds))

    def type(self, text: str) -> None:
        """Type a message, a few letters in a picture, and send it."""
        box = self._page.get_by_label("Message", exact=True)
        for end in range(3, len(text) + 3, 3):
            box.fill(text[:end])
            self.show(0.15)
        self._page.keyboard.press("Enter")

    def save(self, file: Path) -> None:
        """Write a GIF of one palette, in which pictures hold what differs from the one before."""
        pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png, _ in self._frames]
        together = Image.new("RGB", (FILMED[0], FILMED[1] * len(pictures)))
        for number, picture in enumerate(pictures):
            together.paste(picture, (0, FILMED[1] * number))
        palette = together.quantize(COLOURS)
        drawn = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
        lasting = [round(seconds * 1000) for _, seconds in self._frames]
        drawn[0].save(
            file, save_all=True, append_images=drawn[1:], duration=lasting, loop=0, optimize=True
        )
        kilobytes, seconds = file.stat().st_size // 1000, sum(lasting) / 1000
        print(f"{file.relative_to(ROOT)}: {kilobytes} kB, {seconds:.0f} s")  # noqa: T201


def film(browser: Browser, address: str, file: Path) -> None:
    """Book a visit, break the network, go back in time, and save the talk, in a quarter minute."""
    size = {"width": FILMED[0], "height": FILMED[1]}
    context = browser.new_context(viewport=size, locale="en-GB", reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    wait_for_bot(page)
    page.evaluate("document.documentElement.style.setProperty('--inspector', '400px')")
    log, scene = page.locator("#log"), Film(page)
    scene.show(1)
    scene.type("I want to book")
    log.get_by_text("What service?").wait_for()
    scene.show(1.5)
    tap(page, "Shave")
    log.get_by_text("When?").wait_for()
    page.locator("#turns .turn[open] .changes").wait_for()
    scene.show(1.5)
    log.locator(".message").last.get_by_role("button").nth(2).click()
    tap(page, "10:00")
    log.get_by_text("Booked!").wait_for()
    page.locator("#timers li").first.wait_for()
    scene.show(1.5)
    page.get_by_role("switch", name="Network down").click()
    scene.type("/bookings")
    page.locator(".failed-mark").wait_for()
    scene.show(2)
    page.locator("#badges button").click()
    thumb = page.get_by_role("slider")
    thumb.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
        scene.show(0.5)
    page.get_by_role("button", name="Restart from here").first.click()
    page.locator("#undoing").wait_for(state="hidden")
    wait_for_bot(page)
    scene.show(1.2)
    save_dialog(page)
    scene.show(3)
    context.close()
    scene.save(file)


def main() -> None:
    """Take all pictures."""
    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium is installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(cookiecutter(str(ROOT), no_input=True, output_dir=folder))
        with simulator(project) as address, open_browser(executable) as browser:
            take(browser, address, PICTURES / "simulator.png", WIDE, prepare=book)
            take(browser, address, PICTURES / "simulator-dark.png", WIDE, "dark")
            take(browser, address, PICTURES / "save-as-spec.png", WIDE, prepare=save_dialog)
            take(browser, address, IN_PROJECT, SMALL, scale=1)
        with simulator(project) as address, open_browser(executable) as browser:
            film(browser, address, PICTURES / "simulator.gif")


if __name__ == "__main__":
    main()
