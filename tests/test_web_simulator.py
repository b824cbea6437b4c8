"""The simulator's page in a real browser: a haircut is booked, and hostile texts do nothing.

Over 300 lines: one browser and one process serve all of it, and starting them takes the time.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.browsing import find_browser, open_browser, simulator, wait_for_bot
from tests.hostile_texts import PICTURE, SCRIPT
from tests.stores import MissingServer, missing
from tests.support import ROOT, Render

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

DESKTOP, TABLET, PHONE = (1360, 860), (900, 780), (390, 780)
Open = Callable[..., Page]

ILLEGIBLE = """() => {
  const log = document.querySelector("#log").getBoundingClientRect();
  const isOff = ({left, right, width}) => left < log.left || right > log.right || width < 40;
  const isCut = ({scrollWidth, clientWidth}) => scrollWidth > clientWidth;
  return [...document.querySelectorAll(".bubble, .key")]
    .filter((element) => isOff(element.getBoundingClientRect()) || isCut(element))
    .map((element) => element.textContent);
}"""
"""The texts that stick out of the chat, are cut off, or are squeezed."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        missing(MissingServer("no Chromium is installed: apt-get install chromium"))
    with open_browser(executable) as browser:
        yield browser


@pytest.fixture(scope="module")
def project(render: Render) -> Path:
    return render(storage="memory")


@pytest.fixture(scope="module")
def booking(project: Path) -> Iterator[str]:
    """The address of a simulator of the booking bot."""
    with simulator(project) as address:
        yield address


@pytest.fixture(scope="module")
def hostile(project: Path) -> Iterator[str]:
    """The address of a simulator of the hostile bot."""
    with simulator(project, "tests.hostile_bot:make_bot", path=ROOT) as address:
        yield address


@pytest.fixture(scope="module")
def ordering(project: Path) -> Iterator[str]:
    """The address of a simulator of the bot that takes orders in a talk."""
    with simulator(project, "tests.talk_kit.checkout:make_bot", path=ROOT) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a page in a window of its own; any error in it fails the test."""
    problems: list[str] = []
    contexts = []

    def open_page(address: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(f"a dialog: {dialog.message}"))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on(
            "request",
            lambda r: None if r.url.startswith(address) else problems.append(f"asked for {r.url}"),
        )
        page.goto(address)
        wait_for_bot(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def start_over(page: Page) -> None:
    page.get_by_role("button", name="Start over").click()
    page.get_by_role("dialog").get_by_role("button", name="Start over").click()
    expect(page.locator(".turn")).to_have_count(1)


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def last(page: Page) -> Any:
    return page.locator("#log .message").last


def field(page: Page, name: str) -> Any:
    return page.locator(f'[data-field="{name}"]')


def test_a_haircut_is_booked_by_clicking_and_saved_as_a_spec_that_passes(
    open_page: Open, booking: str, project: Path
) -> None:
    page, other = open_page(booking), open_page(booking)
    expect(field(page, "step")).to_contain_text("idle")
    say(page, "/book")
    last(page).get_by_role("button", name="Haircut", exact=True).click()
    expect(field(page, "step")).to_contain_text("choosing_time")
    expect(field(page, "service")).to_have_class("field-row changed")
    last(page).get_by_role("button").nth(2).click()  # after the menu of the message: a later day
    last(page).get_by_role("button", name="10:00").click()
    expect(page.locator("#log")).to_contain_text("Booked! Haircut on")
    expect(other.locator("#log")).to_contain_text("Booked! Haircut on")
    expect(field(other, "step")).to_contain_text("idle")

    page.get_by_role("button", name="Save as spec", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It passes when it is run.")
    dialog.get_by_label("Name").fill("Book by clicking")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved tests/specs/book_by_clicking.json.")).to_be_visible()

    file = project / "tests/specs/book_by_clicking.json"
    steps = json.loads(file.read_text(encoding="utf-8"))["steps"]
    assert [next(iter(step["send"])) for step in steps] == ["text", "tap", "tap", "tap"]
    assert steps[1]["send"] == {"tap": "Haircut"}
    assert not {"message_id", "callback_data", "chat_id"} & set(file.read_text().split('"'))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout


def test_the_hard_gate_says_what_a_talk_would_not_notice(open_page: Open, booking: str) -> None:
    page = open_page(booking)
    start_over(page)
    say(page, "/book")
    last(page).get_by_role("button", name="Haircut", exact=True).click()
    expect(field(page, "step")).to_contain_text("choosing_time")

    page.get_by_role("button", name="Save as spec", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It passes when it is run.")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog).to_contain_text("mistakes that the bot could make.")
    what_to_do = dialog.get_by_role("list", name="What to do about it")
    repeated = what_to_do.get_by_role("listitem").filter(has_text="is made twice").first
    expect(repeated).to_contain_text("Step 1: the step passes as well when sendMessage")
    expect(repeated.locator("code")).to_have_text('write "strict": true into the spec')
    check_accessibility(page, "what a talk would not notice")
    dialog.get_by_label("Name").fill("Another name")
    page.keyboard.press("Tab")
    expect(what_to_do).to_be_hidden()
    page.keyboard.press("Escape")


def test_everything_can_be_done_by_keyboard(open_page: Open, booking: str) -> None:
    page = open_page(booking)
    start_over(page)
    page.get_by_text("Skip to the message box").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("/bo")
    commands = page.get_by_role("listbox", name="Commands")
    expect(commands.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(last(page)).to_contain_text("What service?")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(last(page).get_by_role("button").last).to_be_focused()
    for _ in range(5):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.textContent") == "Haircut":
            break
    page.keyboard.press("Enter")
    expect(last(page)).to_contain_text("When?")
    assert page.evaluate("document.activeElement.closest('.message') !== null")
    last(page).get_by_role("button", name="Actions on the message").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Restart from here")).to_be_focused()
    page.keyboard.press("Enter")
    expect(last(page)).to_contain_text("What service?")
    expect(field(page, "step")).to_contain_text("choosing_service")


def test_the_session_is_edited_refused_and_reset(open_page: Open, booking: str) -> None:
    page = open_page(booking)
    start_over(page)
    say(page, "/book")
    expect(field(page, "step")).to_contain_text("choosing_service")
    page.get_by_role("button", name="Edit menu").click()
    page.get_by_label("New value of menu").fill("a lot")
    page.keyboard.press("Enter")
    expect(page.locator(".edit [role=alert]")).to_contain_text("Input should be a valid integer")
    expect(page.get_by_label("New value of menu")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".toast")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit step").click()
    page.get_by_label("New value of step").select_option(label='"idle"')
    page.get_by_role("button", name="Set", exact=True).click()
    expect(field(page, "step")).to_contain_text("idle")
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    expect(page.locator("#session")).to_contain_text("not stored")


def test_the_open_talk_shows_and_its_questions_are_asked_again(
    open_page: Open, ordering: str
) -> None:
    page = open_page(ordering)
    talk = page.locator("#session .talk")
    expect(field(page, "orders")).to_be_visible()
    expect(talk).to_have_count(0)
    say(page, "/order")
    expect(talk).to_contain_text("Talk order")
    expect(talk.locator(".waits")).to_contain_text("pizza.1.size")
    last(page).get_by_role("button", name="Large").click()
    last(page).get_by_role("button", name="Done").click()
    expect(talk.locator(".waits")).to_have_text("pizza.1.countwaits for a text or a tap")
    expect(field(page, "talk pizza.1.size")).to_contain_text("Large")
    expect(talk.get_by_role("button", name="Go back to here")).to_have_count(2)
    check_accessibility(page, "an open talk")

    talk.get_by_role("button", name="Go back to here: pizza.1.size").click()
    expect(last(page)).to_contain_text("Pizza 1: which size?")
    expect(talk.locator(".waits")).to_contain_text("pizza.1.size")
    expect(talk.get_by_role("button")).to_have_count(0)
    expect(page.locator(".turn").first).to_contain_text("Back to the question pizza.1.size")
    last(page).get_by_role("button", name="Small").click()
    expect(field(page, "talk pizza.1.size")).to_contain_text("Small")
    page.get_by_role("button", name="Save as spec", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(
        "comes after “Back to the question pizza.1.size”"
    )


def test_a_spec_is_opened_and_played(open_page: Open, booking: str) -> None:
    page = open_page(booking)
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="book a haircut").click()
    expect(page.locator(".toast")).to_contain_text("all went as expected")
    expect(page.locator("#log")).to_contain_text("Booked! Haircut on")
    expect(page.locator(".turn").first).to_contain_text("as expected")


def test_faults_are_switched_and_updates_delivered_again(open_page: Open, booking: str) -> None:
    page = open_page(booking)
    start_over(page)
    page.get_by_role("switch", name="Network down").click()
    say(page, "/help")
    expect(page.locator(".turn").first).to_contain_text("connection reset by peer")
    page.get_by_role("switch", name="Network down").click()
    say(page, "/help")
    expect(last(page)).to_contain_text("Book a visit")
    page.get_by_role("switch", name="Ann has blocked the bot").click()
    expect(page.locator("#blocked")).to_contain_text("Ann has blocked the bot.")
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    page.get_by_role("button", name="Redeliver the last update").click()
    expect(page.locator(".turn").first).to_contain_text("delivered again")
    page.get_by_role("button", name="Restart the bot").click()
    expect(page.locator(".turn").first).to_contain_text("The bot was restarted")


def test_edited_code_runs_at_once_and_broken_code_says_why(
    open_page: Open, booking: str, project: Path
) -> None:
    page = open_page(booking)
    start_over(page)
    say(page, "/book")
    expect(last(page)).to_contain_text("What service?")
    file = project / "src/bot/texts.py"
    before = file.read_text(encoding="utf-8")
    try:
        file.write_text(before.replace("What service?", "Which service, please?"))
        expect(page.locator(".turn").first).to_contain_text("The code changed")
        say(page, "/book")
        expect(last(page)).to_contain_text("Which service, please?")
        expect(page.locator("#log")).to_contain_text("What service?")
        file.write_text(before + "\nnonsense!\n")
        expect(page.locator("#banner")).to_contain_text("SyntaxError: invalid syntax")
        say(page, "/book")
        expect(page.locator("#log").get_by_text("Which service, please?")).to_have_count(2)
    finally:
        file.write_text(before, encoding="utf-8")
    expect(page.locator("#banner")).to_be_hidden()


def test_people_and_a_forum_are_switched(open_page: Open, hostile: str) -> None:
    page = open_page(hostile)
    start_over(page)
    say(page, "I am Ann")
    page.locator(".chat-entry", has_text="Friends").click()
    page.get_by_label("Speak as").select_option(label="Ben")
    say(page, "I am Ben")
    expect(last(page)).to_contain_text("You sent: I am Ben")
    expect(page.locator("#session")).to_contain_text("-1000000000001_2")
    page.get_by_role("button", name="New chat").click()
    page.get_by_label("Title").fill("Club")
    page.get_by_label("Kind").select_option("forum")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Club")).to_be_visible()
    page.get_by_role("button", name="New topic").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Plans")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Plans", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    say(page, "in the topic")
    expect(last(page)).to_contain_text("You sent: in the topic")
    page.get_by_role("button", name="General").click()
    expect(page.locator("#log")).not_to_contain_text("in the topic")
    page.locator(".chat-entry", has_text="Ann").click()
    expect(last(page)).to_contain_text("You sent: I am Ann")


def test_the_chat_says_what_is_in_work_what_failed_and_which_faults_are_on(
    open_page: Open, booking: str
) -> None:
    page = open_page(booking, PHONE)
    page.get_by_role("button", name="Inside the bot").click()
    start_over(page)
    page.get_by_role("switch", name="429 Too Many Requests").click()
    page.get_by_role("button", name="Back to the chat").click()
    say(page, "/help")
    pulse, badges = page.locator("#pulse"), page.locator("#badges")
    expect(pulse).to_contain_text(re.compile(r"handling… \d\.\d s"))
    expect(pulse).to_contain_text(re.compile(r"Telegram \(429\) wants no call for \d s"))
    badges.get_by_role("button", name="429 Too Many Requests: switch it off").click()
    expect(badges).to_be_hidden()
    expect(last(page)).to_contain_text("Book a visit")
    expect(pulse).to_be_hidden()
    mark = page.get_by_role("button", name="The update failed (1 refused): show it")
    expect(mark).to_have_count(1)
    mark.click()
    expect(page.locator("#turns summary").first).to_be_focused()
    expect(page.locator("#turns .turn[open]").first).to_contain_text("Ann: /help")


def test_updates_are_filtered_copied_opened_in_an_editor_and_gone_back_to(
    open_page: Open, booking: str, project: Path
) -> None:
    page = open_page(booking)
    start_over(page)
    say(page, "/help")
    expect(last(page)).to_contain_text("Book a visit")
    say(page, "I want to book")
    last(page).get_by_role("button", name="Shave", exact=True).click()
    expect(last(page)).to_contain_text("When?")
    last(page).get_by_role("button").nth(2).click()
    last(page).get_by_role("button", name="10:00").click()
    expect(page.locator("#log")).to_contain_text("Booked! Shave on")

    timers = page.get_by_role("list", name="Timers")
    expect(timers.get_by_role("listitem").first).to_contain_text(re.compile("Ann.*in .*(hour|day)"))
    booked = page.locator(".turn").first
    link = booked.locator("a.place")
    expect(link).to_have_attribute(
        "href", re.compile(f"^vscode://file{project}/src/bot/features/booking.py:[0-9]+$")
    )
    page.get_by_label("Handled by").select_option(label="start.help_wanted")
    expect(page.locator(".turn:visible")).to_have_count(1)
    page.get_by_label("Handled by").select_option(label="Every handler")
    page.get_by_label("Failed").check()
    expect(page.locator(".turn:visible")).to_have_count(0)
    page.get_by_label("Failed").uncheck()

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    booked.locator(".call").last.locator("summary").click()
    booked.get_by_role("button", name="Copy: The update").click()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["callback_query"]["from"]["first_name"] == "Ann"

    width = page.locator("#inspector").evaluate("element => element.offsetWidth")
    page.get_by_role("separator", name="Width of this part").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#inspector")).to_have_js_property("offsetWidth", width + 24)

    thumb = page.get_by_role("slider", name="Back in time")
    box = thumb.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.22, box["y"] + 12, steps=4)
    expect(page.locator("#undoing")).to_contain_text("Before “Ann: I want to book”")
    expect(page.locator("#log .undone")).not_to_have_count(0)
    expect(page.locator("#log .message").first).not_to_have_class(re.compile("undone"))
    page.mouse.up()
    page.locator("#undoing").get_by_role("button", name="Restart from here").click()
    expect(page.locator("#log .message")).to_have_count(2)
    expect(page.locator("#undoing")).to_be_hidden()


def test_menus_keys_the_theme_and_who_is_there(open_page: Open, booking: str) -> None:
    page = open_page(booking)
    start_over(page)
    expect(page.get_by_role("heading", name="booking-bot")).to_be_visible()
    page.locator(".chat-entry", has_text="Ben").click(button="right")
    page.get_by_role("menuitem", name="Name, username, language…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Language").fill("German")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("'German' is no language")
    dialog.get_by_label("Language").fill("de")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+Digit2")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    say(page, "/help")
    expect(last(page)).to_contain_text("Termin")

    page.keyboard.press("Alt+KeyG")
    dialog.get_by_label("Title").fill("News")
    dialog.get_by_label("Kind").select_option("channel")
    dialog.get_by_label("post messages").check()
    check_accessibility(page, "a new chat")
    page.keyboard.press("Enter")
    expect(page.locator("#chat-header")).to_contain_text("Channel (administrator)")
    page.get_by_role("button", name="Actions on the chat").click()
    expect(page.get_by_role("menuitem", name="Rights of the bot…")).to_be_focused()
    page.get_by_role("menuitem", name="Keys and editor…").click()
    dialog.get_by_label("Files open in").select_option("Zed")
    page.keyboard.press("Enter")
    place = page.locator(".turn a.place").first
    expect(place).to_have_attribute("href", re.compile("^zed://file/"))

    page.locator(".chat-entry", has_text="Friends").click()
    page.get_by_label("Speak as").select_option(label="Cleo")
    for number in range(24):
        say(page, f"Cleo, line {number}")
    page.get_by_label("Speak as").select_option(label="Ann")
    colours = page.locator("#log .author").evaluate_all(
        "all => [...new Set(all.map(each => getComputedStyle(each).color))]"
    )
    assert len(colours) == 1
    page.get_by_label("Speak as").select_option(label="Ben")
    say(page, "Ben, too")
    page.get_by_label("Speak as").select_option(label="Ann")
    expect(page.locator("#log .author").last).not_to_have_css("color", colours[0])
    page.locator("#log").evaluate("log => log.scrollTop = 0")
    page.get_by_role("button", name="To the newest message").click()
    expect(last(page)).to_be_in_viewport()

    page.keyboard.press("F1")
    expect(dialog).to_contain_text("The newest message")
    check_accessibility(page, "the keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+KeyT")
    expect(page.locator("body")).to_have_css("color-scheme", "dark")
    page.reload()
    wait_for_bot(page)
    expect(page.locator("body")).to_have_css("color-scheme", "dark")


def test_formats_replies_files_keyboards_notices_and_typing(open_page: Open, hostile: str) -> None:
    page = open_page(hostile)
    start_over(page)
    say(page, "/format")
    expect(last(page).locator("strong > em")).to_have_text("both")
    expect(last(page).locator("pre code")).to_have_text('print("<b>")')
    expect(last(page).locator("blockquote").first).to_have_text("quoted\ntwice")
    expect(last(page).get_by_role("link")).to_have_attribute("href", "https://example.com/?a=1&b=2")
    last(page).get_by_role("button", name="Hidden text").click()
    expect(last(page).locator(".spoiler-text.shown")).to_have_text("secret")
    say(page, "/files")
    expect(page.get_by_role("img", name="Photo")).to_have_js_property("naturalWidth", 1)
    expect(last(page)).to_be_in_viewport()
    expect(last(page).get_by_role("link")).to_have_attribute("download", "page.html")
    page.locator("#file").set_input_files(
        {"name": "dot.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    expect(last(page)).to_contain_text("You sent: a photo")
    last(page).hover()
    last(page).get_by_role("button", name="Actions on the message").click()
    page.get_by_role("menuitem", name="Reply").click()
    say(page, "A reply")
    expect(page.locator(".message.own .quoted").last).to_contain_text("You sent: a photo")
    say(page, "/choose")
    page.get_by_role("group", name="Reply keyboard").get_by_role("button", name="Yes").click()
    expect(last(page)).to_contain_text("You sent: Yes")
    say(page, "/buttons")
    last(page).get_by_role("button", name="Notice").click()
    expect(page.locator(".toast").last).to_have_text(f"Notice {SCRIPT}")
    page.get_by_role("button", name="Alert").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Alert {SCRIPT}")
    assert page.locator(".toast.bad").count() == 0
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Silence").click()
    expect(page.locator(".toast.bad")).to_contain_text("was never answered")
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(last(page).locator(".text")).to_contain_text(SCRIPT)
    expect(last(page)).to_contain_text("edited")
    say(page, "/type")
    expect(page.locator("#activity")).to_contain_text("Bot is typing…")


def test_hostile_texts_are_harmless_legible_and_accessible(open_page: Open, hostile: str) -> None:
    first = open_page(hostile)
    start_over(first)
    for command in ("/crash", "/refused", "/format", "/files", "/choose", "/hostile"):
        say(first, command)
    expect(first.locator("#log .message")).to_have_count(19)

    page = open_page(hostile)
    expect(page.locator("#log .message")).to_have_count(19)
    expect(page.locator(".failed-mark")).to_have_count(2)
    assert page.title() == "Ann – booking-bot"
    assert page.locator("#app :is(script, iframe, object, [onerror], [onload])").count() == 0
    assert page.locator('a[href^="javascript"]').count() == 0
    for details in page.locator("#turns details").all()[:6]:
        details.evaluate("element => element.open = true")
    for (width, height), scheme in itertools.product((DESKTOP, TABLET, PHONE), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        look_at_every_screen(page, f"{width} pixels, {scheme}")


def look_at_every_screen(page: Page, place: str) -> None:
    """Check the chat, the list of chats, the inspector and a dialog at this size."""
    size = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    assert page.evaluate(ILLEGIBLE) == [], place
    check_accessibility(page, f"the chat, {place}")
    if size == PHONE[0]:
        page.locator("#chat-header").get_by_role("button", name="Chats").click()
        check_accessibility(page, f"the list of chats, {place}")
        page.get_by_role("button", name="Back", exact=True).click()
    if size != DESKTOP[0]:
        page.get_by_role("button", name="Inside the bot").click()
        check_accessibility(page, f"the inspector, {place}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    page.get_by_role("button", name="Save as spec", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("when it is run")
    check_accessibility(page, f"a dialog, {place}")
    page.keyboard.press("Escape")
    if size != DESKTOP[0]:
        page.get_by_role("button", name="Back to the chat").click()


def check_accessibility(page: Page, place: str) -> None:
    """Let axe look at the page; see https://dequeuniversity.com/rules/axe for what it finds."""
    violations = Axe().run(page).response["violations"]
    found = [
        f"{each['id']}: {each['help']}: {node['html']} {node['any'][:1]}"
        for each in violations
        for node in each["nodes"]
    ]
    assert found == [], place
