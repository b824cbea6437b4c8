"""The chat of the simulator's page in a real browser: whatever a bot sends can be used there.

Over 300 lines: one process and one browser serve all of it, and starting them takes the time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browsing import simulator, wait_for_bot
from tests.support import ROOT, TEMPLATE
from tests.test_web_simulator import (  # noqa: F401 - a fixture
    browser,
    check_accessibility,
    last,
    say,
    start_over,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

WIDE, PHONE = (1440, 900), (390, 780)
SHOP = """<!doctype html><title>Shop</title><h1>Shop</h1><script>
  const tell = (eventType, eventData) =>
    parent.postMessage(JSON.stringify({eventType, eventData}), "*");
  addEventListener("message", ({data}) => {
    const isPressed = JSON.parse(data).eventType === "main_button_pressed";
    if (isPressed) tell("web_app_data_send", {data: "two teas"});
  });
  tell("web_app_ready");
  tell("web_app_setup_main_button", {is_visible: true, is_active: true, text: "Order"});
  tell("web_app_open_scan_qr_popup", {});
</script>"""
"""A web app as the script of Telegram makes it speak."""
DROP = """([place, kind, files]) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files) data.items.add(new File([content], name, {type}));
  const carried = {dataTransfer: data, clipboardData: data, bubbles: true, cancelable: true};
  const event = kind === "paste" ? new ClipboardEvent(kind, carried) : new DragEvent(kind, carried);
  return !document.querySelector(place).dispatchEvent(event);
}"""

AT_ONCE = """async () => {
  const { connection, state } = await import("/static/state.js");
  const chat = state.chats.get(1);
  const from = { id: 42, is_bot: true, first_name: "Bot" };
  const message = { message_id: 99, date: 1, chat, from, text: "Choose" };
  const keyboard = { keyboard: [1, 2, 3].map((number) => [{ text: `Key ${number}` }]) };
  for (const detail of [
    { type: "message", chat: 1, message },
    { type: "chat", chat: { ...chat, keyboard } },
  ])
    connection.dispatchEvent(new CustomEvent("change", { detail }));
}"""
"""A message and its reply keyboard come within one frame."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a simulator of the bot that sends everything."""
    folder: Path = tmp_path_factory.mktemp("showcase")
    (folder / "src").symlink_to(TEMPLATE / "src")
    with simulator(folder, "tests.showcase_bot:make_bot", path=ROOT) as address:
        yield address


def _shop(route: Route) -> None:
    route.fulfill(body=SHOP, content_type="text/html")


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:  # noqa: F811
    """Open a page in a window of its own; any error in it fails the test."""
    problems: list[str] = []
    contexts = []

    def open_page(size: tuple[int, int] = WIDE, scheme: Any = "light") -> Page:
        shape: Any = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=shape, color_scheme=scheme, reduced_motion="reduce")
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        context.route("https://app.example/**", _shop)
        context.route("https://login.example/**", lambda r: r.fulfill(body="Welcome"))
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(address)
        wait_for_bot(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def button(page: Page, name: str) -> Any:
    """The newest button in the chat with this label."""
    return page.locator("#log").get_by_role("button", name=name, exact=True).last


def key(page: Page, name: str) -> Any:
    return page.get_by_role("group", name="Reply keyboard").get_by_role("button", name=name)


def box(page: Page) -> Any:
    return page.get_by_label("Message", exact=True)


def choose(page: Page, name: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()


def menu(page: Page, message: Any, name: str) -> None:
    """Choose something in the menu of a message."""
    message.hover()
    message.get_by_role("button", name="Actions on the message").click()
    choose(page, name)


def test_nothing_that_is_written_dropped_or_said_gets_lost(
    open_page: Callable[..., Page],
) -> None:
    page = open_page((390, 520))
    for _ in range(2):
        say(page, "/buttons")
    expect(page.locator("#log .message")).to_have_count(4)
    page.evaluate(AT_ONCE)
    expect(key(page, "Key 3")).to_be_visible()
    expect(last(page)).to_contain_text("Choose")
    expect(last(page)).to_be_in_viewport(ratio=1)
    say(page, "/ask")
    expect(last(page)).to_contain_text("What is it?")
    expect(key(page, "A bot")).to_be_disabled()
    limit = "request_managed_bot does nothing in the simulator"
    expect(key(page, "A bot")).to_have_attribute("title", limit)

    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".chat-entry", has_text="Ben").click()
    page.keyboard.type("for later")
    page.locator(".chat-entry", has_text="Ann").click()
    expect(box(page)).to_have_value("")
    say(page, "/buttons")
    button(page, "Copy").click()
    expect(page.locator(".toast")).to_have_text("Copied.")
    page.keyboard.type("typed after a tap")
    expect(box(page)).to_have_value("typed after a tap")
    box(page).fill("")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#composer-context")).to_contain_text("Editing")
    say(page, "/poll at last")
    expect(last(page)).to_contain_text("You sent: text /poll at last")
    page.locator(".chat-entry", has_text="Ben").click()
    expect(box(page)).to_have_value("for later")

    two = [["one.txt", "text/plain", "1"], ["two.txt", "text/plain", "2"]]
    assert page.evaluate(DROP, ["#log", "dragover", two])
    assert page.evaluate(DROP, ["#log", "drop", two])
    expect(last(page)).to_contain_text("You sent: album of document")
    expect(page.locator(".album.own .card strong")).to_have_text(["one.txt", "two.txt"])
    assert page.evaluate(DROP, ["#message", "paste", [["dot.gif", "image/gif", "GIF89a"]]])
    expect(last(page)).to_contain_text("You sent: animation")
    expect(box(page)).to_have_value("for later")

    page.evaluate(
        """async () => {
          const { notice } = await import("/static/dialogs.js");
          for (const each of "abcde") notice(each);
        }"""
    )
    expect(page.locator(".toast")).to_have_text(["c", "d", "e"])
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator(".toast")).to_have_text(["d", "e"])
    say(page, "/fail")
    expect(page.locator(".exception > strong")).to_have_text("ValueError: the first line")
    assert page.locator(".handler .place wbr").count() > 2


def test_whatever_a_bot_sends_can_be_used(open_page: Callable[..., Page]) -> None:
    page, phone = open_page(), open_page(PHONE, "dark")
    start_over(page)
    log = page.locator("#log")
    say(page, "/poll")
    first, quiz, days = (log.locator(".poll").nth(each) for each in (0, 1, 2))
    first.get_by_role("button", name="Coffee").click()
    expect(last(page)).to_contain_text("Voted [1]")
    expect(first).to_contain_text("100%Coffee✓ (your vote)")
    expect(phone.locator(".poll").first).to_contain_text("1 vote")
    first.get_by_role("button", name="Retract vote").click()
    expect(last(page)).to_contain_text("Voted []")
    quiz.get_by_role("button", name="5").click()
    expect(quiz).to_contain_text("the right answer")
    expect(quiz).to_contain_text("Count.")
    days = log.locator(".message:has(.poll)").nth(2)
    days.get_by_label("Mon").check()
    days.get_by_label("Wed").check()
    days.get_by_role("button", name="Vote").click()
    expect(days.locator(".percent")).to_have_text(["100%", "0%", "100%"])

    pay(page)
    press_buttons(page)
    look_at_media(page)
    check_accessibility(page, "every kind of message")
    expect(phone.locator("#log .message")).to_have_count(log.locator(".message").count())
    check_accessibility(phone, "every kind of message on a phone")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer_requests(page)
    ask_inline(page)
    act_on_messages(page)

    page.get_by_role("button", name="Save as spec", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("It passes when it is run.")
    preview = page.locator(".preview-file")
    expect(preview).to_contain_text('"vote": ["Mon", "Wed"]')
    expect(preview).to_contain_text('"pay": "Green tea"')
    expect(preview).to_contain_text('"choose": "Grey"')
    expect(preview).to_contain_text('"webAppData": "two teas"')
    expect(page.get_by_role("dialog")).to_contain_text("comes after “Ann deleted a message”")


def pay(page: Page) -> None:
    """Invoices are paid, declined, and refused by the bot."""
    say(page, "/buy")
    pay = button(page, "Pay 25.00 EUR")
    pay.click()
    choose(page, "Pay with a card that is declined")
    expect(page.get_by_role("dialog")).to_contain_text("the card was declined")
    page.keyboard.press("Enter")
    button(page, "Pay 5 XTR").click()
    choose(page, "Pay 5 Stars")
    expect(page.get_by_role("dialog")).to_contain_text("The bot refused the payment: No cups left")
    page.keyboard.press("Enter")
    pay.click()
    choose(page, "Pay 25.00 EUR")
    expect(page.locator(".service").last).to_have_text("Ann paid 25.00 EUR")
    expect(last(page)).to_contain_text("Thank you")


def press_buttons(page: Page) -> None:
    """Buttons that copy, log in, open a web app, write an inline query, or start the bot."""
    say(page, "/buttons")
    button(page, "Copy").click()
    expect(page.locator(".toast").last).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "SECRET-1"
    button(page, "Log in").click()
    with page.expect_popup() as opened:
        page.get_by_role("dialog").get_by_role("button", name="Log in").click()
    query = dict(parse_qsl(opened.value.url.partition("?")[2]))
    opened.value.close()
    assert (query["x"], query["first_name"]) == ("1", "Ann")
    del query["x"]
    assert query.pop("hash") == _signed(query, hashlib.sha256(b"42:offline").digest())
    button(page, "Open shop").click()
    app = page.get_by_role("dialog", name="Open shop")
    expect(app).to_contain_text("web_app_open_scan_qr_popup does nothing in the simulator.")
    frame = next(
        each for each in page.frames if each.url.startswith("https://app.example/shop?a=1")
    )
    start = dict(parse_qsl(frame.url.partition("#")[2]))
    data = dict(parse_qsl(start["tgWebAppData"]))
    secret = hmac.digest(b"WebAppData", b"42:offline", "sha256")
    assert data.pop("hash") == _signed(data, secret)
    assert data["query_id"]
    app.get_by_role("button", name="Close the web app").click()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Order").click()
    said = page.get_by_role("dialog").get_by_role("status")
    expect(said).to_contain_text("sendData, outside a reply keyboard,")
    page.keyboard.press("Escape")
    button(page, "Search here").click()
    expect(box(page)).to_have_value("@fake_bot gr")
    expect(page.locator(".inline-result")).to_have_count(2)
    box(page).fill("")
    expect(page.locator("#inline-results")).to_be_hidden()
    button(page, "Again").click()
    expect(last(page)).to_contain_text("Started: /start again")


def _signed(fields: dict[str, str], key: bytes) -> str:
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hmac.new(key, lines.encode(), "sha256").hexdigest()


def look_at_media(page: Page) -> None:
    """Media are shown as what they are; a game is played; a message is streamed."""
    say(page, "/media")
    log = page.locator("#log")
    expect(log.locator(".album .photo")).to_have_count(3)
    expect(log.locator(".album .photo").last).to_have_js_property("naturalWidth", 160)
    expect(log.get_by_role("img", name="Sticker 🙂")).to_have_js_property("naturalWidth", 160)
    expect(log.locator("audio")).to_have_count(2)
    expect(log.locator("audio").first).to_have_js_property("error", None)
    expect(log.locator(".player").first).to_contain_text("Voice message, 1:05")
    expect(log.locator(".player").last).to_contain_text("Ann – Song")
    expect(log).to_contain_text("Video, 0:07, 8 bytes")
    expect(log).to_contain_text("Main Street 1")
    expect(log).to_contain_text("Zoe")
    button(page, "Play").click()
    expect(page.locator(".toast").last).to_have_text("Opening chess")
    say(page, "/stream")
    expect(page.locator("#activity .draft strong")).to_have_text("upon")
    expect(last(page)).to_contain_text("The end")
    expect(page.locator("#activity")).to_be_hidden()


def answer_requests(page: Page) -> None:
    """The reply keyboard asks for users, a chat, a poll, and the data of a web app."""
    say(page, "/ask")
    key(page, "My number").click()
    expect(last(page)).to_contain_text("You sent: contact")
    key(page, "Friends").click()
    for name in ("Ben", "Cleo"):
        page.get_by_role("dialog").get_by_label(name).check()
    page.keyboard.press("Enter")
    expect(last(page)).to_contain_text("You sent: users_shared ['Ben', 'Cleo']")
    key(page, "A group").click()
    choose(page, "Friends")
    expect(last(page)).to_contain_text("You sent: chat_shared Friends")
    key(page, "A poll").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Question").fill("When?")
    dialog.get_by_label("Option 1").fill("Now")
    dialog.get_by_label("Option 2").fill("Never")
    page.keyboard.press("Enter")
    expect(last(page)).to_contain_text("You sent: poll")
    button(page, "Never").click()
    expect(page.locator(".message.own .poll")).to_contain_text("100%Never")
    key(page, "Shop").click()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Shop")
    check_accessibility(page, "a web app")
    page.get_by_role("dialog").get_by_role("button", name="Order").click()
    expect(last(page)).to_contain_text('You sent: web_app_data "two teas"')


def ask_inline(page: Page) -> None:
    """An inline query shows results, and one is sent."""
    box(page).fill("@fake_bot gr")
    results = page.locator(".inline-result")
    expect(results).to_have_text(["GreenGreen tea", "GreyGrey tea"])
    results.nth(1).click()
    expect(last(page)).to_contain_text("Chosen: Grey")
    expect(page.locator("#log")).to_contain_text("A cup of Grey")
    expect(box(page)).to_have_value("")


def act_on_messages(page: Page) -> None:
    """Messages get reactions, are forwarded and deleted; a dice and a voice message are sent."""
    menu(page, last(page), "React")
    choose(page, "👍")
    expect(last(page).locator(".reaction")).to_have_text(["👍", "🔥"])
    expect(last(page)).to_be_in_viewport(ratio=1)
    last(page).locator(".reaction").first.click()
    expect(last(page).locator(".reaction")).to_have_text(["🔥"])
    page.get_by_role("button", name="Attach").click()
    choose(page, "A dice")
    choose(page, "🎯")
    expect(last(page)).to_contain_text("You sent: dice")
    page.get_by_role("button", name="Attach").click()
    choose(page, "A voice message")
    page.keyboard.press("Enter")
    expect(last(page)).to_contain_text("You sent: voice")
    expect(page.locator(".message.own").last).to_contain_text("0:03")
    menu(page, page.locator(".message.own").last, "Delete")
    expect(page.locator(".message.own").last).not_to_contain_text("0:03")
    say(page, "Pass it on")
    expect(last(page)).to_contain_text("You sent: text Pass it on")
    menu(page, page.locator(".message.own").last, "Forward")
    choose(page, "Friends")
    expect(page.locator(".message.own").last).to_contain_text("Forwarded from Ann")
    expect(last(page)).to_contain_text("You sent: forwarded text Pass it on")
    page.locator(".chat-entry", has_text="Ann").first.click()
