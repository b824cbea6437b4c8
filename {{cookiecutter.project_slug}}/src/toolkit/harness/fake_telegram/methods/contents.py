"""Messages that are neither text nor media: contacts, places, dice, games, checklists."""

from __future__ import annotations

import hashlib

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sending import deliver
from toolkit.harness.fake_telegram.policy import formatted
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

DICE = {"🎲": 6, "🎯": 6, "🏀": 5, "⚽": 5, "⚽️": 5, "🎳": 6, "🎰": 64}


@method("sendContact")
def send_contact(request: Request) -> Json:
    for name in ("phone_number", "first_name"):
        request.required(name)
    names = ("phone_number", "first_name", "last_name", "vcard")
    contact = {name: request.text(name) for name in request.given(*names)}
    return deliver(request, {"contact": contact})


@method("sendLocation")
def send_location(request: Request) -> Json:
    return deliver(request, {"location": location(request)})


def location(request: Request) -> Json:
    """Return a Location from the parameters of a request."""
    place: Json = {name: request.decimal(name) for name in ("latitude", "longitude")}
    if not -90 <= place["latitude"] <= 90 or not -180 <= place["longitude"] <= 180:
        raise bad_request("wrong latitude or longitude specified")
    period = request.integer("live_period")
    if period and period != 0x7FFFFFFF and not 60 <= period <= 86400:
        raise bad_request("wrong live period specified")
    for name in ("live_period", "heading", "proximity_alert_radius"):
        if request.payload.get(name):
            place[name] = request.integer(name)
    if "horizontal_accuracy" in request.payload:
        place["horizontal_accuracy"] = request.decimal("horizontal_accuracy")
    return place


@method("sendVenue")
def send_venue(request: Request) -> Json:
    place = location(request)
    names = ("foursquare_id", "foursquare_type", "google_place_id", "google_place_type")
    texts = {name: request.text(name) for name in ("title", "address", *request.given(*names))}
    return deliver(request, {"location": place, "venue": {"location": place, **texts}})


@method("sendDice")
def send_dice(request: Request) -> Json:
    """Send a value that depends on nothing but how many dice were thrown before."""
    emoji = request.text("emoji") or "🎲"
    if emoji not in DICE:
        raise bad_request("wrong dice emoji specified")
    digest = hashlib.sha256(f"{emoji}{request.world.number('dice')}".encode()).digest()
    dice = {"emoji": emoji, "value": digest[0] % DICE[emoji] + 1}
    return deliver(request, {"dice": dice}, "can_send_other_messages", "dice")


@method("sendGame")
def send_game(request: Request) -> Json:
    name = request.required("game_short_name")
    photo = {"file_id": "game", "file_unique_id": "game", "width": 640, "height": 360}
    game = {"title": str(name), "description": str(name), "photo": [photo]}
    return deliver(request, {"game": game}, "can_send_other_messages", "games")


@method("sendChecklist")
def send_checklist(request: Request) -> Json:
    """Send one, on behalf of a business account only."""
    request.required("business_connection_id")
    return deliver(request, {"checklist": checklist(request)})


def checklist(request: Request) -> Json:
    """Return a Checklist from the InputChecklist of a request."""
    value = request.payload.get("checklist")
    if not isinstance(value, dict):
        raise bad_request("can't parse checklist JSON object")
    title = formatted(value, "title")
    tasks = [{"id": task["id"], **formatted(task, "text")} for task in value.get("tasks", [])]
    if not title["title"] or not 1 <= len(tasks) <= 30:
        raise bad_request("checklist must have a title and 1-30 tasks")
    flags = ("others_can_add_tasks", "others_can_mark_tasks_as_done")
    return {**title, "tasks": tasks, **{name: True for name in flags if value.get(name)}}
