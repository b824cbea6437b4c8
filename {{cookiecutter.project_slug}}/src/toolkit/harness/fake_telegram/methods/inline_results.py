"""Results of inline queries, https://core.telegram.org/bots/api#inlinequeryresult."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.markup import check_inline, read_markup
from toolkit.harness.fake_telegram.methods.contents import VENUE_IDS
from toolkit.harness.fake_telegram.methods.games import game_of
from toolkit.harness.fake_telegram.methods.payments import check_invoice, read_prices, read_tips
from toolkit.harness.fake_telegram.methods.sending import link_preview_fields, read_preview
from toolkit.harness.fake_telegram.policy import Late, caption, message_text
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

# For each type: what it has to have, the address that makes `with_address` required, and the id
# that has to be there without an address.
_NEEDED: dict[str, tuple[tuple[str, ...], str, tuple[str, ...], str]] = {
    "article": (("title",), "", (), ""),
    "audio": ((), "audio_url", ("title",), "audio_file_id"),
    "contact": (("phone_number", "first_name"), "", (), ""),
    "document": (("title",), "document_url", ("mime_type",), "document_file_id"),
    "game": (("game_short_name",), "", (), ""),
    "gif": ((), "gif_url", (), "gif_file_id"),
    "location": ((), "", (), ""),
    "mpeg4_gif": ((), "mpeg4_url", (), "mpeg4_file_id"),
    "photo": ((), "photo_url", (), "photo_file_id"),
    "sticker": (("sticker_file_id",), "", (), ""),
    "venue": ((), "", (), ""),
    "video": (("title",), "video_url", ("mime_type",), "video_file_id"),
    "voice": (("title",), "voice_url", (), "voice_file_id"),
}
_TEXTS = (
    "description",
    "performer",
    "last_name",
    "vcard",
    "thumbnail_mime_type",
    "thumb_mime_type",
)
_NUMBERS = ("duration", "width", "height", "size", "start_timestamp")
_MIME = {"document": ("application/pdf", "application/zip"), "video": ("video/mp4", "text/html")}
_INVOICE_FLAGS = (
    "need_name need_phone_number need_email need_shipping_address send_phone_number_to_provider "
    "send_email_to_provider is_flexible"
)


def read_result(request: Request, value: Any) -> Late:
    """Return the content an InlineQueryResult is sent as later; a Problem for what is none."""
    result = fields.an_object(value, "Inline query result must be an object")
    kind = fields.required_text(result, "type").lower()
    fields.required_text(result, "id")
    given = fields.nested(result, "input_message_content")
    content = _legacy(result, kind) if given is None else read_content(given, kind == "article")
    for name in ("caption", "parse_mode"):
        fields.text(result, name)
    text = caption(result)
    fields.flag(result, "show_caption_above_media")
    markup = None
    if fields.nested(result, "reply_markup") is not None:
        markup = read_markup(request.inside(result))
    _check_thumbnail(result)
    if kind not in _NEEDED:
        raise Problem(f'type "{kind}" is unsupported for the inline query result')
    made = _own(result, kind, text)
    content = content or made

    def checked() -> Json:
        _check_result(request, result, kind)
        shown = check_inline(markup, None)
        return content() | ({"reply_markup": shown.data} if shown else {})

    return checked


def _check_thumbnail(result: Json) -> None:
    new = ("thumbnail_url", "thumbnail_width", "thumbnail_height")
    old = ("thumb_url", "thumb_width", "thumb_height")
    names = new if fields.has(result, *new) else old
    fields.text(result, names[0])
    for name in names[1:]:
        fields.integer(result, name)


def _legacy(result: Json, kind: str) -> Late | None:
    """Read the text of a message from the result itself, where it once stood."""
    if kind == "article":
        fields.required_text(result, "message_text")
    text = fields.text(result, "message_text")
    fields.flag(result, "disable_web_page_preview")
    fields.text(result, "parse_mode")
    if kind != "article" and not text:
        return None
    return message_text({**result, "text": text})


def read_content(given: Json, required: bool) -> Late | None:
    """Return an InputMessageContent later; None where it says nothing, and need not."""
    text = fields.text(given, "message_text")
    if text:
        return _text(given, text)
    for names, read in _CONTENTS.items():
        if all(name in given for name in names):
            return read(given)
    if required:
        raise Problem("Input message content is not specified")
    return None


def _text(given: Json, text: str) -> Late:
    preview: Json = {}
    if "link_preview_options" in given:
        preview = read_preview(fields.nested(given, "link_preview_options"))
    elif fields.flag(given, "disable_web_page_preview"):
        preview = {"is_disabled": True}
    fields.text(given, "parse_mode")
    made = message_text({**given, "text": text})
    return (lambda: made() | link_preview_fields(preview)) if preview else made


def _location(given: Json) -> Late:
    place = read_location(given)
    for name in ("live_period", "heading", "proximity_alert_radius"):
        if number := fields.integer(given, name):
            place[name] = number
    return lambda: {"location": _on_earth(place, "location")}


def read_location(given: Json) -> Json:
    """Return a Location from a JSON object; a Problem for what is none."""
    names = ("latitude", "longitude")
    place: Json = {name: fields.decimal(given, name, required=True) for name in names}
    if accuracy := fields.decimal(given, "horizontal_accuracy"):
        place["horizontal_accuracy"] = accuracy
    return place


def _on_earth(place: Json, what: str) -> Json:
    if not -90 <= place["latitude"] <= 90 or not -180 <= place["longitude"] <= 180:
        wrong = "wrong venue location" if what == "venue" else "invalid location"
        raise bad_request(f"{wrong} specified")
    return place


def _venue(given: Json) -> Late:
    place = read_location(given)
    texts = {name: fields.required_text(given, name) for name in ("title", "address")}
    ids = {name: fields.text(given, name) for name in VENUE_IDS if name in given}

    def content() -> Json:
        _on_earth(place, "venue")
        return {"location": place, "venue": {"location": place, **texts, **ids}}

    return content


def _contact(given: Json) -> Late:
    contact = {name: fields.required_text(given, name) for name in ("phone_number", "first_name")}
    for name in ("last_name", "vcard"):
        if text := fields.text(given, name):
            contact[name] = text
    return lambda: {"contact": contact}


def _invoice(given: Json) -> Late:
    invoice: Json = {name: fields.required_text(given, name) for name in ("title", "description")}
    fields.required_text(given, "payload")
    fields.text(given, "provider_token")
    invoice["currency"] = fields.required_text(given, "currency")
    invoice["start_parameter"] = ""
    invoice["prices"] = read_prices(fields.required_nested(given, "prices", list))
    fields.text(given, "provider_data")
    invoice["max_tip_amount"] = fields.integer(given, "max_tip_amount", 0, fields.INT64)
    tips = fields.nested(given, "suggested_tip_amounts", list)
    invoice["suggested_tip_amounts"] = read_tips(tips or [])
    fields.text(given, "photo_url")
    for name in ("photo_size", "photo_width", "photo_height"):
        fields.integer(given, name)
    fields.check_flags(given, _INVOICE_FLAGS.split())
    return lambda: {"invoice": check_invoice(invoice)}


# Which fields make which content, in the server's order.
_CONTENTS: dict[tuple[str, ...], Callable[[Json], Late]] = {
    ("latitude", "longitude", "title", "address"): _venue,
    ("latitude", "longitude"): _location,
    ("phone_number",): _contact,
    ("payload",): _invoice,
}


def _own(result: Json, kind: str, text: Late) -> Late:
    """Read what a result of this type needs; return what it is sent as by itself."""
    needed, address, with_address, file_id = _NEEDED[kind]
    for name in needed:
        fields.required_text(result, name)
    for name in _TEXTS:
        fields.text(result, name)
    url = fields.text(result, address) if address else ""
    for name in with_address if url else ():
        fields.required_text(result, name)
    for name in _NUMBERS:
        fields.integer(result, f"{address.removesuffix('_url')}_{name}")
    if file_id and not url:
        fields.required_text(result, file_id)
    fields.text(result, "title")
    if kind == "location":
        place = _location(result)
        fields.required_text(result, "title")
        return place
    if kind == "venue":
        return _venue(result)
    if kind == "contact":
        return _contact(result)
    if kind == "game":
        return lambda: {"game": game_of(str(result["game_short_name"]))}
    return lambda: text() or {"text": str(result.get("title") or kind)}


def _check_result(request: Request, result: Json, kind: str) -> None:
    """Refuse what is wrong with a result, once all of them have been read."""
    address, file_id = _NEEDED[kind][1], _NEEDED[kind][3]
    source = str(result.get(address) or result.get(file_id) or result.get("sticker_file_id") or "")
    mime = str(result.get("mime_type", ""))
    if kind in _MIME and "." in source and not mime.startswith(_MIME[kind]):
        raise bad_request(f"unallowed {kind} MIME type")
    if kind == "contact":
        if not str(result["phone_number"]).strip():
            raise bad_request('field "phone_number" must contain a valid phone number')
        if not str(result["first_name"]).strip():
            raise bad_request('field "first_name" must be non-empty')
    if kind == "sticker" and "." in source:
        raise bad_request("wrong sticker_file_id specified")
    if source and "." not in source:
        medium = {"gif": "animation", "mpeg4_gif": "animation"}.get(kind, kind)
        request.world.files.by_name(medium, source)


def check_ids(results: list[Any]) -> None:
    """Refuse the ids that the last server refuses."""
    ids = [str(result["id"]) for result in results]
    if any(not 1 <= len(each.encode()) <= 64 for each in ids):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(ids)) < len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")


def one_result(request: Request) -> tuple[Json, Json]:
    """Return the result in a request that has to have one, and the content it is sent as."""
    if not request.payload.get("result"):
        raise bad_request("result isn't specified")
    result = request.json("result", "JSON encoded web view query results", kind=object)
    with parsing():
        content = read_result(request, result)
    made = content()
    check_ids([result])
    return result, made


def result_content(request: Request, result: Json) -> Json:
    """Return the content of a message that a user sends by choosing this result."""
    return read_result(replace(request, payload=result), result)()
