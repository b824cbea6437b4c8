"""Messages that are neither text nor media: contacts, places, dice, checklists."""

from __future__ import annotations

import hashlib
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.delivering import deliver
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_float, as_text, parsing
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import Late, formatted, later
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

DICE = {"🎲": 6, "🎯": 6, "🏀": 5, "⚽": 5, "🎳": 6, "🎰": 64}
VENUE_IDS = ("foursquare_id", "foursquare_type", "google_place_id", "google_place_type")
FOREVER = 0x7FFFFFFF
MAX_RADIUS = 100_000
MAX_TITLE, MAX_TASK, MAX_TASKS = 255, 100, 30


@method("sendContact")
def send_contact(request: Request) -> Json:
    for name in ("phone_number", "first_name"):
        request.required(name)
    names = ("phone_number", "first_name", "last_name", "vcard")
    contact = {name: request.text(name) for name in request.given(*names)}
    if not contact["phone_number"].strip():
        raise bad_request("wrong phone number specified")
    return deliver(request, lambda: {"contact": contact}, what="contacts")


@method("sendLocation")
def send_location(request: Request) -> Json:
    place = read_place(request)
    live = bool(place.get("live_period"))

    def content() -> Json:
        check_place(place, live=live)
        return {"location": place}

    return deliver(request, content, what="live locations" if live else "locations")


def read_place(request: Request) -> Json:
    """Return a Location from the parameters of a request."""
    for name in ("latitude", "longitude"):
        if not request.text(name).strip():
            raise bad_request(f"{name} is empty")
    place: Json = {name: as_float(request.payload[name]) for name in ("latitude", "longitude")}
    for name in ("live_period", "heading", "proximity_alert_radius"):
        if number := request.integer(name):
            place[name] = number
    if accuracy := as_float(request.payload.get("horizontal_accuracy")):
        place["horizontal_accuracy"] = min(max(accuracy, 0.0), 1500.0)
    return place


def check_place(place: Json, *, live: bool, editing: bool = False) -> None:
    """Refuse a place that is not on Earth, and a live one that does not live so long."""
    if not -90 <= place["latitude"] <= 90 or not -180 <= place["longitude"] <= 180:
        raise bad_request(f"invalid {'live ' if live else ''}location specified")
    if not live:
        return
    period = place.get("live_period", FOREVER)
    if not editing and period != FOREVER and not 60 <= period <= 86400:
        raise bad_request("wrong live location period specified")
    if not 0 <= place.get("heading", 0) <= 360:
        raise bad_request("wrong live location heading specified")
    if not 0 <= place.get("proximity_alert_radius", 0) <= MAX_RADIUS:
        raise bad_request("wrong live location proximity alert radius specified")


@method("sendVenue")
def send_venue(request: Request) -> Json:
    place = read_place(request)
    texts = {name: request.text(name) for name in ("title", "address", *request.given(*VENUE_IDS))}

    def content() -> Json:
        if not -90 <= place["latitude"] <= 90 or not -180 <= place["longitude"] <= 180:
            raise bad_request("wrong venue location specified")
        return {"location": place, "venue": {"location": place, **texts}}

    return deliver(request, content, what="venues")


@method("sendDice")
def send_dice(request: Request) -> Json:
    emoji = request.text("emoji").rstrip("\ufe0f") or "🎲"

    def content() -> Json:
        if emoji not in DICE:
            raise bad_request("wrong dice emoji specified")
        return {"dice": throw(request.world, emoji)}

    return deliver(request, content, "can_send_other_messages", "dice")


def throw(world: World, emoji: str) -> Json:
    """Return a Dice whose value depends on nothing but how many were thrown before."""
    digest = hashlib.sha256(f"{emoji}{world.number('dice')}".encode()).digest()
    return {"emoji": emoji, "value": digest[0] % DICE[emoji] + 1}


@method("sendChecklist")
def send_checklist(request: Request) -> Json:
    """Send one, on behalf of a business account only."""
    content = checklist(request)
    request.required("business_connection_id")
    return deliver(request, content)


def checklist(request: Request) -> Late:
    """Return the checklist of a request later."""
    request.required("checklist")
    value = request.json("checklist", "InputChecklist JSON object", kind=object)
    with parsing("InputChecklist"):
        title, tasks, flags = _read_checklist(value)

    def content() -> Json:
        named = title()
        _check_text(named["title"], MAX_TITLE, "checklist title")
        made = [{"id": number, **text()} for number, text in tasks]
        for task in made:
            _check_text(task["text"], MAX_TASK, "checklist task text")
            if task["id"] <= 0:
                raise bad_request("checklist task identifier must be positive")
        if not made:
            raise bad_request("checklist must have at least 1 task")
        if len(made) > MAX_TASKS:
            raise bad_request(f"checklist must have at most {MAX_TASKS} tasks")
        return {"checklist": {**named, "tasks": made, **flags}}

    return content


def _check_text(text: str, most: int, what: str) -> None:
    if not text:
        raise bad_request("text must be non-empty")
    if len(text) > most:
        raise bad_request(f"{what} length must not exceed {most}")


def _read_checklist(value: Any) -> tuple[Late, list[tuple[int, Late]], Json]:
    given = fields.an_object(value)
    title = _text(given, "title")
    flags = {
        name: True
        for name in ("others_can_add_tasks", "others_can_mark_tasks_as_done")
        if fields.flag(given, name)
    }
    tasks, values = [], fields.required_nested(given, "tasks", list)
    with parsing("InputChecklistTask"):
        for task in values:
            number = fields.required_integer(fields.an_object(task), "id")
            tasks.append((number, _text(task, "text")))
    return title, tasks, flags


def _text(source: Json, name: str) -> Late:
    fields.required_text(source, name)
    fields.text(source, "parse_mode")
    return later(lambda: formatted({**source, name: as_text(source[name])}, name))
