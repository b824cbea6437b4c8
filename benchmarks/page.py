"""The simulator's page in a real browser: first paint, how soon a reply shows, and long chats.

It needs an installed Chromium, and playwright, which the template's own tests have.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from measure import PROJECT, ROOT, Progress, Reach, Report, arguments, quantile

REPLY = "a reply, from the handler's call to the screen"
FRAME = "scrolling through a long chat, the longest frame"
CPU = "processor ms"
BOT = """
import time
from dataclasses import dataclass
from aiogram import F, Router
from aiogram.types import Message
from toolkit import create_bot

router = Router()

@dataclass
class Session:
    pass

@router.message(F.text == "/many")
async def fill(message: Message) -> None:
    for number in range(50):
        await message.answer(f"Line {number}: " + "words and more words " * (number % 7))

@router.message()
async def answer(message: Message) -> None:
    await message.answer(f"at {time.time()}")

def make_bot(storage=None):
    return create_bot("42:offline", initial=Session, storage=storage, routers=[router])
"""

SHOWN = """text => new Promise((resolve) => {
  const log = document.querySelector("#log");
  const observer = new MutationObserver(() => {
    const newest = [...log.querySelectorAll(".message .text")].at(-1);
    const sent = /^at ([\\d.]+)/.exec(newest?.textContent);
    if (!sent || log.lastElementChild.matches(".own")) return;
    observer.disconnect();
    // After the frame in which it is painted.
    requestAnimationFrame(() => setTimeout(() =>
      resolve(performance.timeOrigin + performance.now() - 1000 * Number(sent[1]))));
  });
  observer.observe(log, { childList: true });
  const input = document.querySelector("#message");
  input.value = text;
  input.form.requestSubmit();
})"""
"""Says something; resolves with the milliseconds from the handler's call to the reply's paint."""

SCROLL = """() => new Promise((resolve) => {
  const log = document.querySelector("#log");
  log.scrollTop = log.scrollHeight;
  const frames = [];
  let before = null;
  const step = (now) => {
    if (before !== null) frames.push(now - before);
    before = now;
    if (log.scrollTop <= 0) return resolve(frames);
    log.scrollTop -= 300;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
"""Scrolls from the newest message to the oldest; resolves with the milliseconds of every frame."""


def measure(report: Report, folder: Path) -> None:
    """Open the page, talk, and scroll, in every round in a fresh window."""
    import sys

    sys.path.insert(0, str(ROOT))
    from tests.browsing import find_browser, open_browser, simulator, wait_for_bot

    messages = 100 if report.settings.quick else 1000
    (folder / "page_bot.py").write_text(BOT)
    (folder / "src").symlink_to(PROJECT / "src")
    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium is installed: apt-get install chromium")
    progress = Progress(report.settings.rounds)
    with (
        open_browser(executable) as browser,
        simulator(folder, "page_bot:make_bot", path=folder) as address,
    ):
        for number in range(report.settings.rounds):
            progress.step(f"round {number + 1}")
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            page.goto(address)
            wait_for_bot(page)
            if number:
                page.locator("#actions").get_by_label("Start over").click()
                page.get_by_role("dialog").get_by_role("button", name="Start over").click()
                page.locator(".welcome").wait_for()
            talk(page, report, messages)
            context.close()
    progress.end()


def talk(page: Any, report: Report, messages: int) -> None:
    """Measure one window."""
    processor = Processor(page)
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    report.row("first paint", "ours", "ms").add(page.evaluate(paint))
    page.evaluate(SHOWN, "warm up")
    replies(page, processor, report, "ours: an empty chat")
    for part in range(messages // 50):
        page.get_by_label("Message", exact=True).fill("/many")
        page.keyboard.press("Enter")
        page.locator("#log").get_by_text("Line 49:").nth(part).wait_for(timeout=120_000)
    page.wait_for_timeout(1000)
    replies(page, processor, report, "ours: a long chat")
    processor.spent()
    frames = page.evaluate(SCROLL)
    used = processor.spent() / len(frames)
    report.row(FRAME, "ours", "ms").add(
        max(frames), p50=quantile(frames, 0.5), p99=quantile(frames, 0.99), **{CPU: used}
    )


def replies(page: Any, processor: Processor, report: Report, contender: str) -> None:
    """Say something twenty times, and wait for each answer."""
    processor.spent()
    took = [page.evaluate(SHOWN, f"number {number}") for number in range(20)]
    used = processor.spent() / len(took)
    report.row(REPLY, contender, "ms").add(
        quantile(took, 0.5), p95=quantile(took, 0.95), **{CPU: used}
    )


class Processor:
    """What the page's thread uses of the processor, which other load disturbs least."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before = 0.0

    def spent(self) -> float:
        """Return the milliseconds since the last call."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        now = 1000 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")
        spent, self._before = now - self._before, now
        return float(spent)


def main() -> None:
    """Measure, print, and write what was asked for."""
    settings = arguments(__doc__).parse_args()
    if settings.quick:
        settings.rounds = 1
    report = Report("page", settings)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        measure(report, Path(name))
    report.reach = [
        Reach.at_most("first paint, ms", 500, report.median("first paint", "ours")),
        Reach.at_most("a reply, empty chat, ms", 50, report.median(REPLY, "ours: an empty chat")),
        Reach.at_most("a reply, 1,000 messages, ms", 50, report.median(REPLY, "ours: a long chat")),
        Reach.at_most("longest frame, 1,000 messages, ms", 50, report.median(FRAME, "ours")),
    ]
    report.finish()


if __name__ == "__main__":
    main()
