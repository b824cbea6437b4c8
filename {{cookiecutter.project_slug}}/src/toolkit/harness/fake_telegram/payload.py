"""Parameters as they arrive over HTTP, text all of them, turned into the JSON they stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# What https://core.telegram.org/bots/api calls JSON-serialized.
_JSON = (
    "accent_colors allowed_updates button caption_entities checklist commands correct_option_ids "
    "country_codes custom_emoji_ids description_entities emoji_list entities "
    "ephemeral_message_parameters errors explanation_entities explanation_media keywords "
    "link_preview_options mask_position media menu_button message_ids options permissions photo "
    "prices question_entities reaction reply_markup reply_parameters result results rich_message "
    "rights scope shipping_options sticker stickers suggested_post_parameters "
    "suggested_tip_amounts text_entities"
)
# What stays text although it may look like a number or a truth value.
_TEXT = (
    "callback_query_id caption custom_title description emoji error_message explanation "
    "first_name inline_message_id inline_query_id last_name name payload performer phone_number "
    "pre_checkout_query_id provider_data provider_token question secret_token shipping_query_id "
    "short_description text title url vcard web_app_query_id"
)
JSON_PARAMETERS = frozenset(_JSON.split())
TEXT_PARAMETERS = frozenset(_TEXT.split())
_NUMBERS = frozenset(("limit", "offset", "timeout", "score", "duration", "width", "height"))


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params` without the empty ones, JSON text decoded; broken JSON stays text.

    None is not there, but where JSON belongs: there it is JSON's null.
    """
    return {
        key: _decode(key, value) if isinstance(value, str) else value
        for key, value in params.items()
        if value != "" and (value is not None or key in JSON_PARAMETERS)
    }


def _decode(key: str, value: str) -> Any:
    if key in TEXT_PARAMETERS:
        return value
    if key in JSON_PARAMETERS:
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return decoded if isinstance(decoded, (dict, list)) else value
    digits = value.removeprefix("-")
    if digits.isdecimal() and digits.isascii() and len(digits) < 19:
        return int(value) if key.endswith(("_id", "_count", "_date")) or key in _NUMBERS else value
    return {"true": True, "false": False}.get(value, value)
