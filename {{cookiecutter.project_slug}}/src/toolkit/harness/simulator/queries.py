"""What people ask the bot for, and what comes of its answer: inline results, payments, games."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.harness.simulator.acting import act, settle
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram.model import Query
    from toolkit.harness.simulator.simulation import Simulation
    from toolkit.harness.simulator.turns import Turn

SHOWN = ("id", "type", "title", "description", "url", "caption")
"""What a list of inline results shows of each."""
ADDRESS: Json = {
    "country_code": "DE",
    "state": "",
    "city": "Berlin",
    "street_line1": "Main Street 1",
    "street_line2": "",
    "post_code": "10115",
}
"""Where everybody lives who has something delivered."""


async def ask_inline(simulation: Simulation, user: int, text: str, offset: str = "") -> Json:
    """Type `@bot text`; return the results that the bot answers with, and the query's id."""
    await act(simulation, user, user, "query", text, offset=offset)
    query = _newest(simulation, user, "inline_query")
    if query.answer is None:
        raise SimulatorError("the bot did not answer the inline query")
    answer = query.answer
    results = [{name: each[name] for name in SHOWN if name in each} for each in answer["results"]]
    more = {name: answer[name] for name in ("next_offset", "button") if answer.get(name)}
    return {"query": query.id, "results": results, **more}


async def choose(simulation: Simulation, user: int, chat: int, query: str, result: str) -> None:
    """Send a result of an inline query to a chat. A step names it by its title."""
    asked = simulation.telegram.queries.get(query)
    if asked is None or asked.answer is None:
        raise SimulatorError("there are no such results any more")
    titles = [(str(r.get("title") or r["id"]), str(r["id"])) for r in asked.answer["results"]]
    title = next((title for title, known in titles if known == result), "")
    first = next((known for each, known in titles if each == title), None)
    if first == result and asked is _newest(simulation, user, "inline_query"):
        await act(simulation, user, chat, "choose", title)
    else:
        simulation.act(lambda world: world.choose_result(user, query, result, chat))


async def pay(
    simulation: Simulation, user: int, chat: int, message: int, fails: bool = False
) -> str:
    """Pay an invoice, or have the payment fail after the bot's approval; return what came of it."""
    shown = simulation.telegram.message(chat, message) or {}
    if "invoice" not in shown:
        raise SimulatorError("that invoice is not on screen any more")
    if refused := await _ask_to_ship(simulation, user, chat, message):
        return refused
    if fails:
        turn = simulation.act(lambda world: world.pre_checkout(user, message, chat))
        await settle(simulation, turn)
    else:
        await act(simulation, user, chat, "pay", shown["invoice"]["title"], message)
    answer = _newest(simulation, user, "pre_checkout_query").answer
    if answer is None:
        raise SimulatorError("the bot did not answer the pre-checkout query within 10 seconds")
    if not answer["ok"]:
        return f"The bot refused the payment: {answer['error_message']}"
    return "The payment failed: the card was declined." if fails else ""


async def _ask_to_ship(simulation: Simulation, user: int, chat: int, message: int) -> str:
    """Enter an address where the price depends on it; return what the bot says against it."""
    invoice = simulation.telegram.invoices.get(f"{chat}:{message}", {})
    if str(invoice.get("is_flexible", "")).lower() != "true":
        return ""
    turn = simulation.act(lambda world: world.shipping(user, message, ADDRESS))
    await settle(simulation, turn)
    answer = _newest(simulation, user, "shipping_query").answer
    if answer is None:
        raise SimulatorError("the bot did not answer the shipping query within 10 seconds")
    if answer["ok"]:
        return ""
    return f"The bot does not deliver to {ADDRESS['city']}: {answer['error_message']}"


def play_game(simulation: Simulation, user: int, chat: int, message: int) -> Turn:
    """Tap the button of a game; the bot answers with its address."""
    place = simulation.telegram.chat_for(user, chat)
    shown = place.messages.get(message, {})
    if "game" not in shown:
        raise SimulatorError("that game is not on screen any more")
    content = {
        "message": shown,
        "chat_instance": str(chat),
        "game_short_name": shown["game"]["title"],
    }
    return simulation.act(
        lambda world: world.emit_query("callback_query", user, content, chat, message)
    )


def _newest(simulation: Simulation, user: int, kind: str) -> Query:
    """Return the newest query of this kind that a person has made."""
    queries = reversed(simulation.telegram.queries.values())
    return next(each for each in queries if (each.kind, each.user_id) == (kind, user))
