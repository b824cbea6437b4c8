"""Parameters as they arrive over HTTP, text all of them, turned into the JSON they stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

JSON_PARAMETERS = frozenset(
    ["accent_colors", "allowed_updates", "button", "caption_entities", "commands", "description_entities", "entities", "explanation_entities", "link_preview_options", "media", "menu_button", "message_ids", "options", "permissions", "prices", "provider_data", "question_entities", "reaction", "reply_markup", "reply_parameters", "result", "results", "rights", "scope", "shipping_options", "suggested_tip_amounts", "correct_option_ids", "checklist"]
)
TEXT_PARAMETERS = frozenset(
    ["text", "caption", "title", "description", "callback_data", "url", "payload", "first_name", "last_name", "question", "explanation", "performer", "emoji", "name", "short_description", "custom_title", "phone_number", "vcard"]
)


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `params` without the ones left out, JSON text decoded; broken JSON stays text."""
    return {
        key: _decode(key, value)
        for key, value in params.items()
        if value is not None and value != ""
    }


def _decode(key: str, value: Any) -> Any:
    if not isinstance(value, str) or key in TEXT_PARAMETERS:
        return value
    if key in JSON_PARAMETERS:
        try:
            return json.loads(value)
        except ValueError:
            return value
    if key.endswith("_id") or key in ("limit", "offset", "timeout"):
        digits = value.removeprefix("-")
        return int(value) if digits.isdecimal() and len(digits) < 19 else value
    if value in ("true", "false"):
        return value == "true"
    return value
