"""Messages that are neither text nor media: contacts, places, dice, games, checklists."""

from __future__ import annotations

import hashlib
from typing import Any

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.registry import Request, method
from toolkit.harness.fake_telegram.methods.sending import deliver
from toolkit.harness.types import Json

DICE = {"🎲": 6, "🎯": 6, "🏀": 5, "⚽": 5, "⚽️": 5, "🎳": 6, "🎰": 64}


@method("sendContact")
def send_contact(request: Request) -> Json:
    for name in ("phone_number", "first_name"):
        request.required(name)
    names = ("phone_number", "first_name", "last_name", "vcard")
    contact = {name: request.text(name) for name in names if name in request.payload}
    return deliver(request, {"contact": contact})


@method("sendLocation")
def send_location(request: Request) -> Json:
    return deliver(request, {"location": location(request)})


def location(request: Request) -> Json:
    """A Location from the parameters of a request."""
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
    venue: Json = {"location": place, "title": request.text("title")}
    venue["address"] = request.text("address")
    names = ("foursquare_id", "foursquare_type", "google_place_id", "google_place_type")
    venue |= {name: request.text(name) for name in names if name in request.payload}
    return deliver(request, {"location": place, "venue": venue})


@method("sendDice")
def send_dice(request: Request) -> Json:
    """The value depends on nothing but how many dice were thrown before."""
    emoji = request.text("emoji") or "🎲"
    if emoji not in DICE:
        raise bad_request("wrong dice emoji specified")
    digest = hashlib.sha256(f"{emoji}{request.telegram.number('dice')}".encode()).digest()
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
    """Only on behalf of a business account."""
    request.required("business_connection_id")
    return deliver(request, {"checklist": checklist(request.payload.get("checklist"))})


def checklist(value: Any) -> Json:
    """A Checklist from an InputChecklist."""
    if not isinstance(value, dict):
        raise bad_request("can't parse checklist JSON object")
    title, entities = format_text(
        str(value.get("title", "")), value.get("parse_mode"), value.get("title_entities")
    )
    tasks = [_task(task) for task in value.get("tasks", [])]
    if not title or not 1 <= len(tasks) <= 30:
        raise bad_request("checklist must have a title and 1-30 tasks")
    flags = ("others_can_add_tasks", "others_can_mark_tasks_as_done")
    result = {"title": title, "tasks": tasks, **{k: True for k in flags if value.get(k)}}
    return {**result, "title_entities": entities} if entities else result


def _task(value: Json) -> Json:
    text, entities = format_text(
        str(value.get("text", "")), value.get("parse_mode"), value.get("text_entities")
    )
    task = {"id": value["id"], "text": text}
    return {**task, "text_entities": entities} if entities else task
