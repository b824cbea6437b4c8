"""Settings from environment variables and `.env`. The token is never printed, even in errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError
from bot.ids import Ids
from toolkit import default_url

OFFLINE = {
    "storage_url": "memory:",
    **dict.fromkeys(
        (
            *("bot_token", "bot_token_file", "webhook_url", "telegram_api_url", "proxy_url"),
            *("heartbeat_file", "watchdog_seconds", "metrics_port"),
        )
    ),
}
"""The settings that are about Telegram and about the process."""


def _token(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"\d+:[\w-]+", secret.get_secret_value()):
        raise ValueError("not a bot token. @BotFather gives one like 123456789:AAF-b_c…")
    return secret


def _web_address(url: str) -> str:
    if not re.match(r"https?://[^/\s]", url):
        raise ValueError("not a web address. Write one like https://bot.example.com/webhook")
    return url


def _webhook_address(url: str) -> str:
    from toolkit import check_webhook_url

    return check_webhook_url(_web_address(url))


def _proxy_address(url: str) -> str:
    from toolkit import check_proxy_url

    return check_proxy_url(url)


def _watchdog(seconds: float) -> float | None:
    if 0 < seconds < 15 or seconds < 0:
        raise ValueError("too short. Write 15 seconds or more, or 0 to switch it off")
    return seconds or None


def _one_of(*words: str) -> AfterValidator:
    def check(given: str) -> str:
        for word in words:
            if given.lower() == word.lower():
                return word
        raise ValueError(f"not one of its values. Write {', '.join(words[:-1])} or {words[-1]}")

    return AfterValidator(check)


def _port(number: int) -> int:
    if not 0 < number < 65536:
        raise ValueError("not a port. Write a number from 1 to 65535")
    return number


Token = Annotated[SecretStr, AfterValidator(_token)]
BaseAddress = Annotated[str, AfterValidator(lambda url: _web_address(url).rstrip("/"))]
WebhookAddress = Annotated[str, AfterValidator(_webhook_address)]
ProxyAddress = Annotated[str, AfterValidator(_proxy_address)]
Watchdog = Annotated[float, AfterValidator(_watchdog)]
LogLevel = Annotated[str, _one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")]
LogFormat = Annotated[str, _one_of("text", "json")]
Port = Annotated[int, AfterValidator(_port)]
EventLoop = Annotated[str, _one_of("asyncio", "uvloop")]


class Settings(BaseSettings):
    """One field per variable: `bot_token` is `BOT_TOKEN`. An empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    bot_token: Token | None = None
    bot_token_file: Path | None = None
    storage_url: str = default_url()
    webhook_url: WebhookAddress | None = None
    webhook_port: int = 8080
    telegram_api_url: BaseAddress | None = None
    proxy_url: ProxyAddress | None = None
    heartbeat_file: Path | None = None
    watchdog_seconds: Watchdog | None = None
    log_level: LogLevel = "INFO"
    log_format: LogFormat = "text"
    metrics_port: Port | None = None
    metrics_host: str = "127.0.0.1"
    event_loop: EventLoop = "asyncio"
    shop_file: Path = Path(__file__).with_name("shop.toml")
    admin_ids: Ids = frozenset()

    @property
    def bot_id(self) -> int | None:
        """The bot's own id, which its token begins with."""
        return int(self.bot_token.get_secret_value().partition(":")[0]) if self.bot_token else None

    @model_validator(mode="after")
    def _reachable(self) -> Settings:
        if (self.webhook_url or "").startswith("http:") and not self.telegram_api_url:
            raise ValueError(
                "WEBHOOK_URL: Telegram delivers to https only. "
                "http is for a Bot API server of your own (TELEGRAM_API_URL)"
            )
        return self

    @model_validator(mode="after")
    def _read_token_file(self) -> Settings:
        path = self.bot_token_file
        if path is None:
            return self
        if self.bot_token is not None:
            raise ValueError("BOT_TOKEN and BOT_TOKEN_FILE are both set: keep one of them")
        try:
            self.bot_token = _token(SecretStr(path.read_text(encoding="utf-8").strip()))
        except (OSError, ValueError) as error:
            raise ValueError(f"BOT_TOKEN_FILE: {error}") from None
        return self


def load_settings() -> Settings:
    """Read the settings, or raise SettingsError with one line for each that is wrong."""
    return _read_settings()


def offline_settings(**given: Any) -> Settings:
    """Return what `make chat`, `make web` and specs go by: no Telegram, and a store in memory.

    All else is as in production, or as `given`. Raises SettingsError as well.
    """
    return _read_settings(**{**OFFLINE, **given})


def _read_settings(**given: Any) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [f"{name.upper()}{why}" for name, why in reasons(error)]
        raise SettingsError("\n".join(lines)) from None


def reasons(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield where each mistake is, `""` for no one place, and a sentence about it."""
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        name, reason = ".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, ")
        yield name, f": {reason}" if name else reason
