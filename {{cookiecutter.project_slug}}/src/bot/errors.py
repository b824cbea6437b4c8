"""What stops the bot from starting."""


class SettingsError(Exception):
    """A setting, or a line of the shop's file, is wrong; the message says what would be right."""
