"""Formatted text as Telegram reads it: parse modes, their errors, and entities made consistent.

The rules are those of https://core.telegram.org/bots/api#formatting-options and of the server's
open source (tdlib, MessageEntity.cpp): offsets in errors count UTF-8 bytes, entities UTF-16 units.
"""

from __future__ import annotations

from toolkit.harness.fake_telegram.entities.base import EntityError, utf16_length
from toolkit.harness.fake_telegram.entities.format import MAX_BYTES, format_text, parse

__all__ = ["MAX_BYTES", "EntityError", "format_text", "parse", "utf16_length"]
