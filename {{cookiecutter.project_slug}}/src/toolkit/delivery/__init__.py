"""Between Telegram and the handlers: an update is confirmed after its session is committed."""
