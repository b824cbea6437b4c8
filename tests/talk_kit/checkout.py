"""A pizza is ordered: eleven questions, loops, branches, and Back at each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count

from aiogram import Router
from aiogram.filters import Command

from toolkit import BotApp, Refused, SessionStorage, Talk, create_bot, on_talk

SIZES = {"Small": 8, "Large": 12}
TOPPINGS = ["ham", "olives", "cheese"]
BRANCHES = ["North", "South"]
router = Router()


@dataclass
class Session:
    """What is remembered of a customer."""

    orders: list[str] = field(default_factory=list)


def amount(text: str) -> int:
    """Read how many are wanted."""
    if not text.isdecimal() or not 1 <= int(text) <= 20:
        raise Refused("From 1 to 20, please.")
    return int(text)


def number(text: str) -> str:
    """Read a phone number."""
    if not re.fullmatch(r"\+?[0-9 ]{6,20}", text):
        raise Refused("That is no phone number.")
    return text.replace(" ", "")


@on_talk(router, "order", Command("order"))
async def order(talk: Talk, session: Session) -> None:
    """Ask for pizzas until there are enough, then where to and when."""
    lines, total = [], 0
    for n in count(1):
        line, price = await pizza(talk.at("pizza", n), n)
        lines.append(line)
        total += price
        more = {"Add another": True, "That is all": False}
        if not await talk.ask(f"more{n}", "\n".join([*lines, "Another one?"]), choices=more):
            break
    if await talk.ask(
        "delivered", "Delivery or pickup?", choices={"Delivery": True, "Pickup": False}
    ):
        place = await talk.ask("address", "To which address?")
    else:
        place = await talk.ask("branch", "At which branch?", choices=BRANCHES)
    phone = await talk.ask("phone", "Your phone number?", read=number)
    when = await talk.ask("when", "When?", choices=["Now", "In an hour"], read=str)
    note = await talk.ask("note", "Anything to add?", choices={"No": ""}, read=str)
    bill = "\n".join([*lines, f"{place}, {when}, {phone}", *filter(None, [note]), f"{total} EUR"])
    if await talk.ask(
        "sure", f"{bill}\nIs that right?", choices={"Order": True, "Forget it": False}
    ):
        session.orders += lines
        await talk.say(f"Thank you!\n{bill}")
    else:
        await talk.say("Forgotten.")


async def pizza(talk: Talk, n: int) -> tuple[str, int]:
    """Ask for one pizza; return its line on the bill, and its price."""
    size = await talk.ask("size", f"Pizza {n}: which size?", choices=list(SIZES))
    chosen: list[str] = []
    for turn in count():
        offered = {("✓ " if each in chosen else "") + each: each for each in TOPPINGS}
        each = await talk.ask(f"topping{turn}", "With what?", choices={**offered, "Done": ""})
        if not each:
            break
        chosen = [*chosen, each] if each not in chosen else [x for x in chosen if x != each]
    pieces = await talk.ask("count", "How many of it?", read=amount)
    return f"{pieces} × {size} {' + '.join(chosen) or 'plain'}", pieces * SIZES[size]


def make_bot(*, storage: SessionStorage | None = None) -> BotApp[Session]:
    """The bot of the specs beside this."""
    return create_bot("42:checkout", initial=Session, storage=storage, routers=[router])
